// Rule: an adapter that blocks the loop is named by whoever watches it from another thread, and is
// quarantined when its call returns; and nobody but the loop's thread may use the bus in a turn.
#include <vmsig/core/call_watch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "harness.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// Looks from another thread until somebody was seen blocking, for at most so many looks.
adapter_id watch_from_beside(call_watch& calls, std::atomic<bool>& seen) {
    const beside_the_turn mine;
    adapter_id late;
    std::thread{[&] {
        call_watch::call_number last = 0;
        for (int i = 0; i < 1000 && !late; ++i) late = calls.look(last);
        seen = true;
    }}.join();
    return late;
}

} // namespace

TEST_CASE("an adapter that blocks is named by a watching thread and quarantined on its return") {
    bench<> w;
    host_device blocks;
    sensor fine;
    agent a;
    const adapter_id slow = w.bus.attach_adapter(blocks, w.vm);
    w.bus.attach_adapter(fine, w.vm);
    w.join(a, full(w.vm));
    std::atomic<bool> seen{false};
    adapter_id named;
    blocks.on_execute = [&](fenced_command, adapter_handle) {
        named = watch_from_beside(w.bus.calls(), seen);
    };
    const auto id = a.bus.submit(query_status(w.vm)).id;
    w.settle();
    CHECK(seen);
    CHECK(named == slow);
    CHECK(blocks.farewells == 1);
    CHECK(a.outcome_of(id) == outcome::adapter_fault);
    CHECK(a.last<adapter_detached>().fault == 1);
    CHECK(fine.bus.emit(console_output{}));
}

TEST_CASE("a call within a call: the one that blocks is named, the other goes on") {
    bench<> w;
    host_device outer;
    sensor inner;
    agent a;
    w.bus.attach_adapter(outer, w.vm);
    const adapter_id guilty = w.bus.attach_adapter(inner, w.vm);
    w.join(a, full(w.vm));
    adapter_id named;
    call_watch& calls = w.bus.calls();
    outer.on_execute = [&](fenced_command c, adapter_handle b) {
        {
            const call_watch::scope nested{calls, guilty};
            std::atomic<bool> seen{false};
            named = watch_from_beside(calls, seen);
            CHECK(nested.overdue());
        }
        if (outer.take(c)) b.complete(c.id());
    };
    const auto id = a.bus.submit(query_status(w.vm)).id;
    w.settle();
    CHECK(named == guilty);
    CHECK(a.outcome_of(id) == outcome::done);
    CHECK(outer.farewells == 0);
}

TEST_CASE("a call that blocked counts as such though one within it blocks as well, later") {
    call_watch calls;
    call_watch::call_number last = 0;
    const adapter_id outer = adapter_id::make(1, 1), inner = adapter_id::make(2, 1);
    const call_watch::scope around{calls, outer};
    CHECK_FALSE(calls.look(last));
    CHECK(calls.look(last) == outer);
    {
        const call_watch::scope within{calls, inner};
        CHECK_FALSE(calls.look(last));
        CHECK(calls.look(last) == inner);
        CHECK(within.overdue());
        CHECK(around.overdue());
    }
    const call_watch::scope next{calls, inner};
    CHECK_FALSE(next.overdue());
    CHECK(around.overdue());
}

TEST_CASE("two looks at different calls, or at none, name nobody") {
    call_watch calls;
    call_watch::call_number last = 0;
    CHECK_FALSE(calls.look(last));
    CHECK_FALSE(calls.look(last));
    const adapter_id who = adapter_id::make(3, 1);
    {
        const call_watch::scope first{calls, who};
        CHECK_FALSE(calls.look(last));
    }
    const call_watch::scope second{calls, who};
    CHECK_FALSE(calls.look(last));
    CHECK_FALSE(second.overdue());
    CHECK(calls.look(last) == who);
    CHECK(second.overdue());
}

#if !defined(NDEBUG) && !defined(__SANITIZE_THREAD__)
TEST_CASE("in a debug build the use of the bus from another thread during a turn is an assertion") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::signal(SIGABRT, SIG_DFL);
        (void)!::freopen("/dev/null", "w", stderr);
        bench<> w;
        host_device h;
        agent a;
        w.bus.attach_adapter(h, w.vm);
        w.join(a, full(w.vm));
        h.on_execute = [&](fenced_command, adapter_handle) {
            std::thread{[&] { (void)a.bus.may(verb::reset, w.vm); }}.join();
        };
        (void)a.bus.submit(query_status(w.vm));
        w.settle();
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGABRT);
}
#endif
