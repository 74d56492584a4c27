// Rule: things are destroyed in any order: what the bus calls is detached before it dies or dies
// after the bus; handles, posted nodes and closures may outlive it; nobody touches what is gone.
#include "harness.hpp"

#include <array>
#include <memory>
#include <numeric>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// What was under way when the end came.
enum class under_way : std::uint8_t { nothing, keys_down, waiting, queued, begun, shown, count };

struct posted_probe { // counts how often it ran and was destroyed
    int* ran;
    int* destroyed;
    bool mine = true;
    posted_probe(int& r, int& d)
        : ran{&r}
        , destroyed{&d} {}
    posted_probe(posted_probe&& other) noexcept
        : ran{other.ran}
        , destroyed{other.destroyed}
        , mine{std::exchange(other.mine, false)} {}
    ~posted_probe() { *destroyed += mine ? 1 : 0; }
    void operator()() { ++*ran; }
};

/// A bus, two controls, two adapters and a node, each of which ends when its turn comes.
struct household {
    std::unique_ptr<bench<>> w = std::make_unique<bench<>>();
    std::unique_ptr<agent> a = std::make_unique<agent>(), b = std::make_unique<agent>();
    std::unique_ptr<machine> m = std::make_unique<machine>();
    std::unique_ptr<sensor> s = std::make_unique<sensor>();
    endpoint_id vm = w->vm;
    control_handle of_a, of_b;
    adapter_handle of_m, of_s;
    int ran = 0, destroyed = 0, cleaned = 0;
    static constexpr int parts = 5;

    explicit household(under_way what) {
        w->bus.attach_adapter(*m, vm);
        w->bus.attach_adapter(*s, vm);
        const lease keys = w->own(*a, lease_class::input);
        w->join(*b, full(vm));
        of_a = a->bus;
        of_b = b->bus;
        of_m = m->bus;
        of_s = s->bus;
        unique_fd fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
        REQUIRE(w->bus.watch(
            fd, interest::read, [](interests) {}, [this] { ++cleaned; }));
        switch (what) {
        case under_way::keys_down: REQUIRE(a->bus.submit(press(keys, KEY_A))); break;
        case under_way::waiting:
            REQUIRE(b->bus.acquire(vm, lease_class::input, {.wait = true}).wait);
            break;
        case under_way::queued:
            REQUIRE(a->bus.submit(press(keys, KEY_A).delayed(seconds(1))));
            REQUIRE(b->bus.submit(query_status(vm).within(seconds(1))));
            break;
        case under_way::begun:
            m->does = habit::later;
            REQUIRE(a->bus.submit(press(keys, KEY_A)));
            break;
        case under_way::shown:
            REQUIRE(m->bus.publish(w->bus.epoch_of(vm)));
            REQUIRE(b->bus.memctx(vm));
            break;
        default: break;
        }
        if (what != under_way::queued) w->settle();
        REQUIRE(w->bus.post(posted_probe{ran, destroyed})); // is not run any more
    }
    void end(int part) {
        switch (part) {
        case 0: w.reset(); break;
        case 1: a.reset(); break;
        case 2: b.reset(); break;
        case 3: m.reset(); break;
        default: s.reset(); break;
        }
        use_handles();
    }
    /// None of them reaches anything that is gone.
    void use_handles() {
        for (const control_handle h : {of_a, of_b}) {
            const bool there = w && h.may(verb::status, vm) == refusal::none;
            CHECK((h.submit(query_status(vm)).why == refusal::gone) == !there);
            CHECK((h.acquire(vm, lease_class::power).why == refusal::gone) == !there);
        }
        for (const adapter_handle h : {of_m, of_s}) {
            const bool there = w && h.endpoint();
            CHECK(h.emit(console_output{}) == there);
            if (!there) CHECK_FALSE(h.watch(5, interest::read, cookie{}));
        }
    }
};

} // namespace

TEST_CASE("bus, controls and adapters end in every order, whatever is under way") {
    for (std::uint8_t what = 0; what < static_cast<std::uint8_t>(under_way::count); ++what) {
        std::array<int, household::parts> order{};
        std::iota(order.begin(), order.end(), 0);
        do {
            CAPTURE(what, order);
            household h{static_cast<under_way>(what)};
            for (const int part : order) h.end(part);
            CHECK(h.ran == 0);
            CHECK(h.destroyed == 1);
            CHECK(h.cleaned == 1);
        } while (std::next_permutation(order.begin(), order.end()));
    }
}

TEST_CASE("several buses end in every order while one control and one machine serve each") {
    std::array<int, 3> order{0, 1, 2};
    do {
        CAPTURE(order);
        std::array<std::unique_ptr<household>, 3> all;
        for (auto& one : all) one = std::make_unique<household>(under_way::keys_down);
        for (const int n : order) {
            all[static_cast<std::size_t>(n)].reset();
            for (const auto& one : all)
                if (one) one->use_handles();
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("a node that was posted and not run may be destroyed after its bus, and posted again") {
    int ran = 0;
    standing_post node{[&ran] { ++ran; }};
    {
        bench<> first;
        REQUIRE(first.bus.post(node));
    }
    CHECK(ran == 0);
    bench<> second;
    REQUIRE(second.bus.post(node));
    second.settle();
    CHECK(ran == 1);
}

TEST_CASE("who is attached by a clean-up in the destructor of the core is detached by it too") {
    for (const bool alone : {false, true}) {
        agent a, late;
        machine m;
        control_handle mine;
        refusal said = refusal::none;
        {
            bench<> w;
            w.bus.attach_adapter(m, w.vm);
            mine = w.join(a, full(w.vm));
            if (alone) { // with nothing else to be detached
                w.bus.remove_endpoint(w.vm);
                mine.detach();
                w.settle();
            }
            unique_fd fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
            REQUIRE(w.bus.watch(
                fd, interest::read, [](interests) {},
                [&] {
                    said = mine.submit(query_status(w.vm)).why;
                    late.bus = w.bus.attach(late, full(w.vm));
                }));
        }
        CHECK(said == refusal::gone);
        CHECK(late.farewells == 1);
        CHECK(a.farewells == 1);
        CHECK(m.farewells == 1);
    }
}

TEST_CASE("an adapter that leaves whenever its keys go up leaves once") {
    bench<> w;
    machine m;
    agent a;
    w.bus.attach_adapter(m, w.vm);
    const lease keys = w.own(a, lease_class::input);
    REQUIRE(a.bus.submit(press(keys, KEY_A)));
    w.settle();
    m.on_neutral = [&] { m.bus.detach(); };
    m.bus.detach();
    CHECK(m.neutral_calls == 1);
    CHECK(m.farewells == 1);
    w.settle();
    CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::input).owner.who);
}

TEST_CASE("who is detached by an adapter that its own detachment calls may be destroyed at once") {
    bench<> w;
    machine m;
    auto a = std::make_unique<agent>();
    w.bus.attach_adapter(m, w.vm);
    const lease keys = w.own(*a, lease_class::input);
    const control_handle h = a->bus;
    REQUIRE(h.submit(press(keys, KEY_A)));
    w.settle();
    m.does = habit::later;
    REQUIRE(h.submit(query_status(w.vm)));
    w.settle();
    int farewells = 0;
    m.on_neutral = [&] {
        if (!a) return;
        h.detach();
        farewells = a->farewells;
        CHECK_FALSE(w.bus.lease_of(w.vm, lease_class::input).owner.who);
        a.reset();
    };
    h.detach();
    CHECK(farewells == 1);
    CHECK(w.records(decision::detached).size() == 1);
    CHECK(w.records(decision::lease_ended).size() == 1);
    m.bus.complete(m.last_id());
    w.settle();
    CHECK(w.records(decision::command_ended).size() == 2);
}
