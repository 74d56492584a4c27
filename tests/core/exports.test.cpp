// Rule: an export is decided when the provider has answered, for anything may happen while it is
// asked; it never overtakes an invalidation, and an invalidation reaches exactly those who have it.
#include "harness.hpp"

#include <sys/stat.h>

#include <support/fd_count.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// A provider that calls the test while it is asked, once.
struct asked : memory_device {
    std::function<void()> on_describe, on_share;
    std::uint16_t shown_fds = 1, shared_fds = 1;
    expected<memctx_locator, os_error> describe() {
        if (const auto f = std::exchange(on_describe, {}); f && !test_over) f();
        auto l = device::describe();
        if (l) l->fd_count = shown_fds;
        return l;
    }
    expected<ram_fds, os_error> share_fds() {
        if (const auto f = std::exchange(on_share, {}); f && !test_over) f();
        auto f = device::share_fds();
        for (unsigned i = 1; f && i < max_ram_fds; ++i) f->fd[i] = f->fd[0];
        if (f) f->count = shared_fds;
        return f;
    }
};

struct provided : bench<> {
    agent a, b;
    asked m;
    sensor s;
    provided() {
        m.republishes = true;
        bus.attach_adapter(m, vm);
        bus.attach_adapter(s, vm);
        join(a, full(vm));
        join(b, full(vm));
        publish();
        a.log.clear();
        b.log.clear();
    }
    void publish() {
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        settle();
    }
    void reset() { s.happened(transition::reset); }
    void narrow(agent& who) {
        bus.set_grant(who.bus.origin(), grant{}.on(vm).allow(right::observe | right::memread));
    }
    refusal taken_by(agent& who) {
        const auto got = who.bus.memctx(vm);
        return got ? refusal::none : got.error();
    }
};

} // namespace

TEST_CASE("an invalidation goes to those who were given the memctx, however they got it") {
    provided w;
    agent late, deaf, unasked;
    w.join(late, full(w.vm));                                     // by its replay
    w.join(deaf, full(w.vm), subscription{}.from(source::lease)); // not told of it ...
    w.join(unasked, full(w.vm), subscription{}.from(source::lease));
    REQUIRE(deaf.bus.memctx(w.vm).has_value()); // ... and takes it all the same
    w.reset();
    for (const agent* one : {&w.a, &w.b, &late, &deaf})
        CHECK(one->count(kind::memctx_invalidated) == 1);
    CHECK(unasked.count(kind::memctx_invalidated) == 0);
    CHECK(unasked.count(kind::epoch_changed) == 1);
}

TEST_CASE("an invalidation reaches nobody whose right was narrowed, before it or on its way") {
    {
        provided w;
        w.narrow(w.b);
        w.settle();
        w.reset();
        CHECK(w.a.count(kind::memctx_invalidated) == 1);
        CHECK(w.b.count(kind::memctx_invalidated) == 0);
        CHECK(w.b.count(kind::epoch_changed) == 1);
    }
    {
        provided w;
        inside(w, w.a, w.s, [&] {
            w.reset();
            w.narrow(w.b);
        });
        CHECK(w.a.count(kind::memctx_invalidated) == 1);
        CHECK(w.b.count(kind::memctx_invalidated) == 0);
    }
    {
        provided w; // in the very fan-out, one slot ahead
        w.a.script = [&](const event& e, control_handle) {
            if (e.is(kind::memctx_invalidated)) w.narrow(w.b);
        };
        w.reset();
        CHECK(w.a.count(kind::memctx_invalidated) == 1);
        CHECK(w.b.count(kind::memctx_invalidated) == 0);
    }
}

TEST_CASE("whoever only unsubscribes is still told that what it has is no longer valid") {
    provided w;
    w.b.bus.subscribe(subscription{}.from(source::lease));
    w.settle();
    w.reset();
    CHECK(w.b.count(kind::memctx_invalidated) == 1);
    CHECK(w.b.count(kind::memctx_published) == 0);
}

TEST_CASE("an export checks the right again when the provider has answered") {
    for (const bool in_share : {false, true}) {
        provided w;
        const int descriptors = open_fd_count();
        const std::uint64_t reserved = w.bus.audit().reserved();
        (in_share ? w.m.on_share : w.m.on_describe) = [&] { w.narrow(w.a); };
        CHECK(w.taken_by(w.a) == refusal::denied);
        CHECK(w.records(decision::memctx_exported).empty());
        CHECK(w.records(decision::memctx_refused).size() == 1);
        CHECK(w.bus.audit().reserved() == reserved);
        CHECK(open_fd_count() <= descriptors + 1); // the device's own
        w.reset();
        CHECK(w.a.count(kind::memctx_invalidated) == 0);
    }
}

TEST_CASE("an export to a control that is detached, or of an endpoint that is removed, is none") {
    provided w;
    w.m.on_share = [&] { w.a.bus.detach(); };
    CHECK(w.taken_by(w.a) == refusal::gone);
    w.m.on_share = [&] { w.bus.remove_endpoint(w.vm); };
    CHECK(w.taken_by(w.b) == refusal::denied);
    CHECK(w.records(decision::memctx_exported).empty());
    CHECK(w.records(decision::memctx_refused).size() == 2);
    CHECK(w.bus.audit().reserved() == 0);
}

TEST_CASE(
    "an export that fails because its endpoint was removed is not told of after the removal") {
    struct : memory_device {
        std::function<void()> when_asked;
        expected<memctx_locator, os_error> describe() {
            when_asked();
            return memory_device::describe();
        }
    } m;
    bench<> w;
    agent a;
    m.when_asked = [&] { w.bus.remove_endpoint(w.vm); };
    w.bus.attach_adapter(m, w.vm);
    REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
    w.join(a, full(w.vm));
    const auto got = a.bus.memctx(w.vm);
    REQUIRE_FALSE(got.has_value());
    w.settle();
    CHECK(a.count(kind::memctx_unavailable) == 0);
    CHECK(a.log.back().is(kind::endpoint_removed));
}

TEST_CASE("an export of a version that was overtaken while the provider was asked is none") {
    for (const bool epoch : {false, true}) {
        provided w;
        w.m.on_share = [&] {
            if (epoch)
                w.reset();
            else
                REQUIRE(w.m.bus.publish(w.bus.epoch_of(w.vm)));
        };
        CHECK(w.taken_by(w.a) == refusal::not_ready);
        CHECK(w.a.last<memctx_unavailable>().error == ESTALE);
        CHECK(w.records(decision::memctx_exported).empty());
        w.settle();
        const auto got = w.a.bus.memctx(w.vm);
        REQUIRE(got.has_value());
        CHECK(got->fds_included); // nothing was given the first time
        CHECK(got->locator.epoch == w.bus.epoch_of(w.vm));
        CHECK(got->locator.version.value == (epoch ? 1u : 2u));
    }
}

TEST_CASE("an export never overtakes the invalidation of the epoch before") {
    provided w;
    REQUIRE(w.b.bus.memctx(w.vm).has_value());
    std::vector<std::pair<kind, refusal>> got;
    w.b.script = [&](const event& e, control_handle) {
        if (w.bus.epoch_of(w.vm).value > 1) got.push_back({e.kind, w.taken_by(w.b)});
    };
    inside(w, w.a, w.s, [&] {
        w.s.bus.emit(leds_changed{1}); // on its way to `b` ahead of the invalidation
        w.reset();                     // and published again in here
        CHECK(w.taken_by(w.b) == refusal::not_ready);
    });
    w.b.script = {};
    const std::vector<std::pair<kind, refusal>> expected{
        {kind::console_output, refusal::not_ready},     {kind::leds_changed, refusal::not_ready},
        {kind::memctx_invalidated, refusal::not_ready}, {kind::epoch_changed, refusal::none},
        {kind::memctx_published, refusal::none},        {kind::lifecycle, refusal::none},
    };
    std::vector<std::pair<kind, refusal>> told;
    for (const auto& one : got)
        if (one.first != kind::memctx_unavailable) told.push_back(one);
    CHECK(told == expected);
}

TEST_CASE("memory without a seal goes to whom the mode of its file stops, and to no other") {
    struct stranger : agent {
        std::uint32_t uid;
        explicit stranger(std::uint32_t u)
            : uid{u} {}
        std::uint32_t receiver_uid() const { return uid; }
    };
    provided w;
    w.m.ram = sealed_ram(w.m.ram_bytes, 0);
    REQUIRE(::fchmod(w.m.ram.get(), 0600) == 0);
    const std::uint32_t owner = ::geteuid();
    stranger root{0}, same{owner}, other{owner + 1}, third{owner + 2};
    for (stranger* one : {&root, &same, &other, &third}) {
        one->bus = w.bus.attach(*one, full(w.vm));
        w.settle();
    }
    const auto taken = [&w](agent& who) { return who.bus.memctx(w.vm); };
    CHECK(taken(w.a).error() == refusal::not_ready); // in this process: it counts as root
    CHECK(taken(root).error() == refusal::not_ready);
    CHECK(taken(same).error() == refusal::not_ready);
    CHECK(root.last<memctx_unavailable>().error == EPERM);
    const auto given = taken(other);
    REQUIRE(given.has_value());
    CHECK(given->fds_included);
    CHECK(given->locator.level == export_level::guarded);

    // What one receiver was found to be says nothing of another.
    w.bus.allow_weak_export(true);
    CHECK(taken(root)->locator.level == export_level::weak);
    CHECK(taken(other)->locator.level == export_level::guarded);
    REQUIRE(::fchmod(w.m.ram.get(), 0606) == 0);
    w.bus.allow_weak_export(false);
    CHECK(taken(third).error() == refusal::not_ready);
}

TEST_CASE("a provider has at most four descriptors: with a fifth nothing is exported") {
    provided w;
    w.m.shown_fds = w.m.shared_fds = 4;
    {
        const auto four = w.a.bus.memctx(w.vm);
        REQUIRE(four.has_value());
        for (const unique_fd& one : four->fds) CHECK(one);
    }
    const int descriptors = open_fd_count();
    const auto refused = [&](std::uint16_t shown, std::uint16_t shared) {
        w.m.shown_fds = shown;
        w.m.shared_fds = shared;
        CHECK(w.taken_by(w.b) == refusal::not_ready);
        CHECK(w.b.last<memctx_unavailable>().error == EPROTO);
        const auto read = w.b.bus.submit(read_memory(w.vm, {0, 0}, 8));
        REQUIRE(read.why == refusal::none);
        w.settle();
        CHECK(w.b.outcome_of(read.id) == outcome::failed);
    };
    refused(5, 5);
    refused(4, 5);
    refused(5, 4);
    refused(4, 3);
    CHECK(open_fd_count() == descriptors);
    CHECK(w.records(decision::memctx_exported).size() == 1);
    CHECK(w.m.farewells == 0);
}
