// Rule: the manual reactor does what the script says, in an order that repeats, and never blocks.
#include <vmsig/reactor/manual_reactor.hpp>

#include <set>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

using namespace vmsig;
using call = manual_reactor::call;

namespace {

std::vector<std::uint64_t> tokens(manual_reactor& r, std::size_t room = 64) {
    std::vector<readiness> out(room);
    out.resize(r.wait(out, false).value());
    std::vector<std::uint64_t> told;
    told.reserve(out.size());
    for (const readiness& one : out) told.push_back(one.token);
    return told;
}

} // namespace

TEST_CASE("time passes by the script alone") {
    manual_reactor r{8, instant{100}};
    CHECK(r.now() == instant{100});
    r.advance(duration{5});
    CHECK(r.now() == instant{105});
    r.set_time(instant{200});
    CHECK(r.now() == instant{200});
}

TEST_CASE("a batch is in the order of add") {
    manual_reactor r;
    for (const int fd : {5, 3, 9, 1}) {
        REQUIRE(r.add(fd, interest::read, static_cast<std::uint64_t>(fd)).has_value());
        r.make_ready(fd, interest::read);
    }
    CHECK(tokens(r) == std::vector<std::uint64_t>{5, 3, 9, 1});
    r.remove(5);
    REQUIRE(r.add(5, interest::read, 5).has_value());
    CHECK(tokens(r) == std::vector<std::uint64_t>{3, 9, 1, 5});
    r.clear_ready(9);
    CHECK(tokens(r) == std::vector<std::uint64_t>{3, 1, 5});
}

TEST_CASE("a seed shuffles each batch and repeats itself") {
    const auto run = [](std::uint64_t seed) {
        manual_reactor r;
        r.shuffle(seed);
        for (int fd = 0; fd < 20; ++fd) {
            REQUIRE(r.add(fd, interest::read, static_cast<std::uint64_t>(fd)).has_value());
            r.make_ready(fd, interest::read);
        }
        return std::vector{tokens(r), tokens(r)};
    };
    CHECK(run(1) == run(1));
    CHECK(run(1) != run(2));
    CHECK(run(1)[0] != run(1)[1]);
    const auto one = run(3)[0];
    CHECK(std::set(one.begin(), one.end()).size() == 20);
}

TEST_CASE("small batches take turns though watches go") {
    manual_reactor r;
    for (int fd = 0; fd < 6; ++fd) {
        REQUIRE(r.add(fd, interest::read, static_cast<std::uint64_t>(fd)).has_value());
        r.make_ready(fd, interest::read);
    }
    CHECK(tokens(r, 2) == std::vector<std::uint64_t>{0, 1});
    r.clear_ready(0);
    r.remove(0);
    CHECK(tokens(r, 2) == std::vector<std::uint64_t>{2, 3});
    r.remove(5);
    CHECK(tokens(r, 2) == std::vector<std::uint64_t>{4, 1});
    CHECK(tokens(r) == std::vector<std::uint64_t>{2, 3, 4, 1});
    CHECK(tokens(r) == std::vector<std::uint64_t>{1, 2, 3, 4});
}

TEST_CASE("scripted failures have their errno, their number and no effect") {
    manual_reactor r;
    std::vector<readiness> out(4);
    r.fail(call::add, ENOMEM, 2);
    CHECK(r.add(3, interest::read, 1).error().code == ENOMEM);
    CHECK(r.add(3, interest::read, 1).error().code == ENOMEM);
    CHECK(r.watch_count() == 0);
    CHECK(r.add(3, interest::read, 1).has_value());
    r.make_ready(3, interest::read);
    r.fail(call::modify, ENOSPC);
    CHECK(r.modify(3, {}, 2).error().code == ENOSPC);
    CHECK(tokens(r) == std::vector<std::uint64_t>{1});
    r.fail(call::wait, EBADF);
    r.ring();
    CHECK(r.wait(out, false).error().code == EBADF);
    CHECK(r.readable());
    r.fail(call::wait, EINTR);
    CHECK(r.wait(out, true).value() == 0);
    CHECK(r.wait(out, true).value() == 1);
}

TEST_CASE("the table is fixed") {
    manual_reactor r{2};
    CHECK(r.add(1, interest::read, 1).has_value());
    CHECK(r.add(2, interest::read, 2).has_value());
    CHECK(r.add(3, interest::read, 3).error().code == ENOSPC);
    CHECK_FALSE(r.watched(3));
    r.remove(1);
    CHECK(r.add(3, interest::read, 3).has_value());
    CHECK(r.watched(3));
    CHECK(r.watch_count() == 2);
}

TEST_CASE("readiness belongs to the descriptor, not to its watch") {
    manual_reactor r;
    r.make_ready(4, interest::read | interest::write);
    CHECK_FALSE(r.readable());
    CHECK_FALSE(r.watched(4));
    REQUIRE(r.add(4, interest::write, 1).has_value());
    CHECK(tokens(r).size() == 1);
    r.remove(4);
    REQUIRE(r.add(4, interest::read, 2).has_value());
    CHECK(tokens(r) == std::vector<std::uint64_t>{2});
    r.clear_ready(4, interest::read);
    CHECK(tokens(r).empty());
    r.modify(4, interest::write, 3);
    CHECK(tokens(r) == std::vector<std::uint64_t>{3});
}

TEST_CASE("a blocking wait with nothing to come is idle and says so") {
    manual_reactor r;
    std::vector<readiness> out(4);
    int called = 0;
    auto hook = [&] { ++called; };
    CHECK(r.wait(out, true).value() == 0);
    CHECK(r.idle_count() == 1);
    r.on_idle(hook);
    CHECK(r.wait(out, false).value() == 0);
    CHECK(called == 0);
    CHECK(r.wait(out, true).value() == 0);
    CHECK(called == 1);
    CHECK(r.idle_count() == 2);
    r.ring();
    CHECK(r.wait(out, true).value() == 0);
    r.arm(r.now());
    CHECK(r.wait(out, true).value() == 0);
    CHECK(r.wait(out, true).value() == 0); // what is armed is due still
    CHECK(r.idle_count() == 2);
}

TEST_CASE("an idle hook may end the idleness") {
    manual_reactor r;
    std::vector<readiness> out(4);
    REQUIRE(r.add(1, interest::read, 9).has_value());
    auto hook = [&] { r.make_ready(1, interest::read); };
    r.on_idle(hook);
    CHECK(r.wait(out, true).value() == 0);
    CHECK(r.wait(out, true).value() == 1);
    CHECK(r.idle_count() == 1);
}

TEST_CASE("time jumps to the armed time only if it may and must") {
    manual_reactor r;
    std::vector<readiness> out(4);
    const instant start = r.now();
    r.arm(start + seconds(5));
    CHECK(r.wait(out, true).value() == 0);
    CHECK(r.now() == start);
    CHECK(r.idle_count() == 1);

    r.auto_advance(true);
    CHECK(r.wait(out, false).value() == 0);
    CHECK(r.now() == start);
    REQUIRE(r.add(1, interest::read, 1).has_value());
    r.make_ready(1, interest::read);
    CHECK(r.wait(out, true).value() == 1);
    CHECK(r.now() == start);
    r.clear_ready(1);
    CHECK(r.wait(out, true).value() == 0);
    CHECK(r.now() == start + seconds(5));
    CHECK(r.idle_count() == 1);
    r.arm(instant::never());
    CHECK(r.wait(out, true).value() == 0);
    CHECK(r.idle_count() == 2);
}

TEST_CASE("a loop that forgets to arm again sleeps here as it would on the kernel") {
    manual_reactor r;
    std::vector<readiness> out(4);
    const instant due = r.now() + seconds(1);
    r.arm(due);
    r.advance(seconds(2));
    CHECK(r.readable());
    CHECK(r.wait(out, false).value() == 0);
    CHECK_FALSE(r.readable());
    r.now();
    r.arm(due);
    CHECK(r.readable());
}

TEST_CASE("what the loop declared is visible") {
    manual_reactor r;
    CHECK(r.armed() == instant::never());
    r.arm(instant{5});
    CHECK(r.armed() == instant{5});
    CHECK_FALSE(r.asleep());
    r.prepare_sleep();
    CHECK(r.asleep());
    r.awake();
    CHECK_FALSE(r.asleep());
    CHECK(r.fd() == -1);
}

TEST_CASE("nothing allocates after construction") {
    manual_reactor r{16};
    std::array<readiness, 16> out{};
    const auto count = test::allocations_in([&] {
        for (int round = 0; round < 3; ++round) {
            for (int fd = 0; fd < 20; ++fd) (void)r.add(fd, interest::read, 1);
            for (int fd = 0; fd < 16; ++fd) r.make_ready(fd, interest::read);
            r.arm(r.now() + seconds(1));
            r.ring();
            (void)r.wait(out, true);
            for (int fd = 0; fd < 20; ++fd) r.remove(fd);
            for (int fd = 0; fd < 20; ++fd) r.clear_ready(fd);
        }
    });
    CHECK(count == 0);
    CHECK(r.watch_count() == 0);
}
