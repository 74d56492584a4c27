// Rule: descriptors of adapters and of the host are watched by slot and generation; what was
// removed is not dispatched; a hang-up cannot keep the loop awake; clean-ups run once.
#include "harness.hpp"

#include <memory>

#include <support/fd_count.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct plain : device { // no on_hangup
    static constexpr roles serves = role::host_management;
};

unique_fd some_fd() { return sealed_ram(1, 0); }

} // namespace

TEST_CASE("a watch hands its cookie back, at most so many per adapter") {
    bench<> w;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    std::vector<watch_id> ids;
    for (int fd = 100; fd < 100 + small_limits::watches_per_adapter; ++fd) {
        const auto id = m.bus.watch(fd, interest::read, cookie{static_cast<std::uint64_t>(fd)});
        REQUIRE(id.has_value());
        ids.push_back(*id);
    }
    CHECK(m.bus.watch(99, interest::read, {}).error().code == EMFILE);
    w.bus.reactor().make_ready(103, interest::read);
    w.bus.dispatch();
    CHECK(m.ready == std::vector<std::uint64_t>{103});
    m.bus.unwatch(ids[3]);
    m.bus.unwatch(ids[3]);
    w.bus.dispatch();
    CHECK(m.ready.size() == 1);
    CHECK(m.bus.watch(99, interest::read, {}).has_value());
}

TEST_CASE("re-arming changes what is asked for, of one's own watches only") {
    bench<> w;
    machine m;
    sensor s;
    w.bus.attach_adapter(m, w.vm);
    w.bus.attach_adapter(s, w.vm);
    const auto id = m.bus.watch(5, interest::read, cookie{1});
    w.bus.reactor().make_ready(5, interest::write);
    w.bus.dispatch();
    CHECK(m.ready.empty());
    CHECK_FALSE(s.bus.rearm(*id, interest::write).has_value());
    CHECK(m.bus.rearm(*id, interest::write).has_value());
    w.bus.dispatch();
    CHECK(m.ready.size() == 1);
    s.bus.unwatch(*id);
    CHECK(w.bus.reactor().watched(5));
    w.bus.reactor().fail(manual_reactor::call::modify, ENOMEM);
    CHECK(m.bus.rearm(*id, interest::read).error().code == ENOMEM);
    CHECK(m.bus.rearm({}, interest::read).error().code == ENOENT);
}

TEST_CASE("a failed watch changed nothing") {
    bench<> w;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    for (int i = 0; i < 20; ++i) {
        w.bus.reactor().fail(manual_reactor::call::add, ENOSPC);
        CHECK(m.bus.watch(5, interest::read, {}).error().code == ENOSPC);
    }
    for (int fd = 100; fd < 100 + small_limits::watches_per_adapter; ++fd)
        CHECK(m.bus.watch(fd, interest::read, {}).has_value());
}

TEST_CASE("a descriptor number reused inside one batch is another watch") {
    bench<> w;
    machine first, second;
    w.bus.attach_adapter(first, w.vm);
    const endpoint_id other = w.bus.add_endpoint("other");
    w.bus.attach_adapter(second, other);
    const auto a = first.bus.watch(5, interest::read, cookie{1});
    const auto b = first.bus.watch(6, interest::read, cookie{2});
    REQUIRE(a.has_value());
    w.bus.reactor().make_ready(5, interest::read);
    w.bus.reactor().make_ready(6, interest::read);
    first.when_ready = [&](cookie c, adapter_handle bus) {
        bus.unwatch(*b);
        w.bus.reactor().clear_ready(5);
        REQUIRE(c.value == 1);
        REQUIRE(second.bus.watch(6, interest::read, cookie{9}).has_value());
    };
    w.bus.dispatch();
    CHECK(first.ready == std::vector<std::uint64_t>{1});
    CHECK(second.ready.empty());
    w.bus.dispatch();
    CHECK(second.ready == std::vector<std::uint64_t>{9});
}

TEST_CASE("descriptors are told apart, however many there are and whatever their numbers") {
    // Numbers that are far apart share a place in the core's table of descriptors.
    bench<> w;
    machine m, n;
    w.bus.attach_adapter(m, w.vm);
    w.bus.attach_adapter(n, w.bus.add_endpoint("other"));
    std::vector<watch_id> ids;
    for (std::uint64_t i = 0; i < 4; ++i) {
        const auto fd = static_cast<int>(5 + i * 1024);
        const auto id = m.bus.watch(fd, interest::read, cookie{i});
        REQUIRE(id.has_value());
        ids.push_back(*id);
        w.bus.reactor().make_ready(fd, interest::read);
    }
    m.bus.unwatch(ids[1]);
    REQUIRE(n.bus.watch(5 + 1024, interest::read, cookie{9}).has_value());
    m.bus.unwatch(ids[3]);
    m.bus.unwatch(ids[0]);
    w.bus.dispatch();
    CHECK(m.ready == std::vector<std::uint64_t>{2});
    CHECK(n.ready == std::vector<std::uint64_t>{9});
    // One whose number was closed and taken by another does not take that one's watch away.
    w.bus.reactor().remove(5 + 2 * 1024);
    w.bus.reactor().make_ready(5 + 2 * 1024, interest::read);
    REQUIRE(n.bus.watch(5 + 2 * 1024, interest::read, cookie{10}).has_value());
    w.bus.detach(m.bus.id());
    CHECK(w.bus.reactor().watched(5 + 2 * 1024));
    n.ready.clear();
    w.bus.dispatch();
    CHECK(n.ready == std::vector<std::uint64_t>{9, 10});
}

TEST_CASE("a hang-up is told once and unwatched, and what is left to read is read first") {
    bench<> w;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    REQUIRE(m.bus.watch(5, interest::read, cookie{1}).has_value());
    int left = 3;
    m.when_ready = [&](cookie, adapter_handle) {
        if (--left == 0) w.bus.reactor().clear_ready(5, interest::read);
    };
    w.bus.reactor().make_ready(5, interest::read | interest::hangup);
    for (int i = 0; i < 10; ++i) w.bus.dispatch();
    CHECK(m.ready.size() == 3);
    CHECK(m.hangups == std::vector<std::uint64_t>{1});
    CHECK_FALSE(w.bus.reactor().watched(5));
    CHECK_FALSE(w.bus.reactor().readable());
}

TEST_CASE("a descriptor that stays readable after its hang-up is given up") {
    bench<> w;
    machine m;
    w.bus.attach_adapter(m, w.vm);
    REQUIRE(m.bus.watch(5, interest::read, cookie{1}).has_value());
    w.bus.reactor().make_ready(5, interest::read | interest::error);
    for (int i = 0; i < 100; ++i) w.bus.dispatch();
    CHECK(m.ready.size() < 100);
    CHECK(m.hangups.size() == 1);
    CHECK_FALSE(w.bus.reactor().readable());
}

TEST_CASE("an adapter without on_hangup is quarantined when its descriptor hangs up") {
    bench<> w;
    plain p;
    agent a;
    w.bus.attach_adapter(p, w.vm);
    w.join(a, full(w.vm));
    REQUIRE(p.bus.watch(5, interest::read, cookie{1}).has_value());
    w.bus.reactor().make_ready(5, interest::hangup);
    w.settle();
    CHECK(p.farewells == 1);
    CHECK(a.last<adapter_detached>().fault == 1);
}

TEST_CASE("a host's watch consumes its descriptor on success only") {
    bench<> w;
    unique_fd fd = some_fd();
    const int number = fd.get();
    w.bus.reactor().fail(manual_reactor::call::add, ENOMEM);
    int cleaned = 0;
    CHECK_FALSE(w.bus
                    .watch(
                        fd, interest::read, [](interests) {}, [&] { ++cleaned; })
                    .has_value());
    CHECK(fd.get() == number);
    CHECK(cleaned == 0);
    const auto id = w.bus.watch(
        fd, interest::read, [](interests) {}, [&] { ++cleaned; });
    REQUIRE(id.has_value());
    CHECK_FALSE(fd);
    w.bus.unwatch(*id);
    w.settle();
    CHECK(cleaned == 1);
    CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("clean-up runs once, after the last callback, before the close") {
    const int before = open_fd_count();
    int calls = 0, cleaned = 0;
    bool open_at_cleanup = false;
    {
        bench<> w;
        unique_fd fd = some_fd();
        const int number = fd.get();
        watch_id id;
        id = *w.bus.watch(
            fd, interest::read,
            [&](interests) {
                ++calls;
                w.bus.unwatch(id);
                w.bus.unwatch(id);
                CHECK(cleaned == 0);
            },
            [&, number] {
                ++cleaned;
                open_at_cleanup = ::fcntl(number, F_GETFD) != -1;
            });
        w.bus.reactor().make_ready(number, interest::read);
        w.settle();
        w.bus.dispatch();
        CHECK(calls == 1);
        CHECK(cleaned == 1);
        CHECK(open_at_cleanup);
    }
    CHECK(cleaned == 1);
    CHECK(open_fd_count() == before);
}

TEST_CASE("when the core is destroyed its host watches are cleaned up too") {
    int cleaned = 0;
    {
        bench<> w;
        for (unsigned i = 0; i < small_limits::host_watches; ++i) {
            unique_fd fd = some_fd();
            REQUIRE(w.bus.watch(
                fd, interest::read, [](interests) {}, [&] { ++cleaned; }));
        }
        unique_fd fd = some_fd();
        const auto over = w.bus.watch(fd, interest::read, [](interests) {}, {});
        CHECK(over.error().code == EMFILE);
        CHECK(fd);
    }
    CHECK(cleaned == small_limits::host_watches);
}

// Contract 12: "clean-up runs once, after the last callback, on removal".
TEST_CASE("a clean-up that throws does not keep others from theirs") {
    bench<> w;
    int cleaned = 0;
    std::vector<watch_id> watches;
    for (unsigned i = 0; i < small_limits::host_watches; ++i) {
        unique_fd fd = some_fd();
        const auto id = w.bus.watch(
            fd, interest::read, [](interests) {},
            [&] {
                const beside_the_turn throwing;
                if (++cleaned == 1) throw std::runtime_error{"scripted"};
            });
        REQUIRE(id);
        watches.push_back(*id);
    }
    const int open = open_fd_count();
    REQUIRE(w.bus.post([&] {
        for (const watch_id id : watches) w.bus.unwatch(id);
    }));
    CHECK_THROWS_AS(w.bus.dispatch(), std::runtime_error);
    w.settle();
    CHECK(cleaned == small_limits::host_watches);
    CHECK(open_fd_count() == open - small_limits::host_watches);
}
