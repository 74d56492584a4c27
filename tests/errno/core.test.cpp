// Rule: when a system call of the reactor or of the core fails, construction says so by its errno,
// a verb by its answer, and the loop goes on; nothing is leaked and the next healthy step works.
#include "stage.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <vmsig/adapter/adapter.hpp>

#include "construction.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

unique_fd readable_fd() { return unique_fd{::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)}; }

/// Watches a descriptor of its own when it is told to.
struct sensing {
    static constexpr roles serves = role::sensor;
    void on_attach(adapter_handle b) { bus = b; }
    void on_ready(cookie, adapter_handle) { ++calls; }
    adapter_handle bus;
    unsigned calls = 0;
};

/// A control with a descriptor.
struct connection {
    int fd() const { return end.get(); }
    void on_event(const event&, control_handle) {}
    void on_ready(interests, control_handle) { ++calls; }
    unique_fd end = readable_fd();
    unsigned calls = 0;
};

/// Turns until a lease has run out.
bool lease_ends(stage_core& bus, const listener& ears) {
    for (unsigned turns = 0; ears.count(kind::lease_lost) == 0 && turns < 10'000; ++turns) {
        pollfd p{bus.fd(), POLLIN, 0};
        ::poll(&p, 1, 1);
        bus.dispatch();
    }
    return ears.count(kind::lease_lost) == 1;
}

} // namespace

TEST_CASE("a core that can not be made says which call failed, and is made the next time") {
    const auto make = [](std::string_view operation) {
        return [operation](trial& t) {
            expect_made_or_told(t, operation, [] { const stage_core bus; });
        };
    };
    sweep("epoll_create1", make("epoll_create1"));
    sweep("eventfd", make("eventfd"));
    sweep("timerfd_create", make("timerfd_create"));
    sweep("epoll_ctl", EPOLL_CTL_ADD, make("epoll_ctl"));
}

TEST_CASE("a host's watch that is refused leaves the descriptor to its owner") {
    sweep("epoll_ctl", EPOLL_CTL_ADD, [](trial& t) {
        stage_core bus;
        unsigned calls = 0;
        unsigned cleanups = 0;
        unique_fd fd = readable_fd();
        const int number = fd.get();
        const auto watch = [&] {
            return bus.watch(
                fd, interest::read, [&calls](interests) { ++calls; }, [&cleanups] { ++cleanups; });
        };
        t.arm();
        auto id = watch();
        if (!id) {
            t.expect(t.hit() && id.error() == os_error{t.code(), "epoll_ctl"}, "another errno");
            t.expect(fd.get() == number && cleanups == 0, "the descriptor was consumed");
            settle(bus);
            t.expect(calls == 0, "called for a watch that was refused");
            t.heal();
            id = watch();
        }
        t.expect(id.has_value() && !fd, "not watched afterwards");
        bus.dispatch();
        t.expect(calls == 1, "not called back once");
        if (id) bus.unwatch(*id);
        t.expect(cleanups == 1, "not cleaned up once");
    });
}

TEST_CASE("as many watches as there are fit in, however many were refused before") {
    sweep("epoll_ctl", EPOLL_CTL_ADD, [](trial& t) {
        stage_core bus;
        t.arm();
        for (unsigned n = 0; n < 100 && !t.hit(); ++n) {
            unique_fd fd = readable_fd();
            const auto id = bus.watch(fd, interest::read, [](interests) {});
            if (id) bus.unwatch(*id);
            if (n == stage_limits::host_watches) break;
        }
        t.heal();
        unsigned watched = 0;
        for (unsigned n = 0; n < stage_limits::host_watches; ++n) {
            unique_fd fd = readable_fd();
            watched += bus.watch(fd, interest::read, [](interests) {}).has_value();
        }
        t.expect(watched == stage_limits::host_watches, "a place was lost");
    });
}

TEST_CASE("an adapter's watch or re-arming that is refused answers errno and changes nothing") {
    const auto live = [](trial& t) {
        stage_core bus;
        sensing w;
        bus.attach_adapter(w, bus.add_endpoint("vm"));
        const unique_fd fd = readable_fd();
        t.arm();
        auto id = w.bus.watch(fd.get(), interest::read, cookie{1});
        if (!id) {
            t.expect(id.error() == os_error{t.code(), "epoll_ctl"}, "watch: another errno");
            t.heal();
            id = w.bus.watch(fd.get(), interest::read, cookie{1});
        }
        t.expect(id.has_value(), "not watched afterwards");
        if (!id) return;
        const auto quiet = w.bus.rearm(*id, {});
        const bool refused = !quiet.has_value();
        t.expect(!refused || quiet.error() == os_error{t.code(), "epoll_ctl"}, "another errno");
        bus.dispatch();
        t.expect(w.calls == (refused ? 1u : 0u), "a refused re-arming took effect, or none did");
        t.heal();
        t.expect(w.bus.rearm(*id, interest::read).has_value(), "not re-armed afterwards");
        bus.dispatch();
        t.expect(w.calls == (refused ? 2u : 1u), "not called back afterwards");
    };
    sweep("epoll_ctl", EPOLL_CTL_ADD, live);
    sweep("epoll_ctl", EPOLL_CTL_MOD, live);
}

TEST_CASE("a control whose descriptor can not be watched is refused, and attached the next time") {
    sweep("epoll_ctl", EPOLL_CTL_ADD, [](trial& t) {
        stage_core bus;
        const endpoint_id vm = bus.add_endpoint("vm");
        connection c;
        const grant g = grant{}.on(vm).allow(right::observe);
        control_handle handle;
        t.arm();
        try {
            handle = bus.attach(c, g);
            t.expect(!t.hit(), "attached without its descriptor");
        } catch (const setup_error& e) {
            t.expect(t.hit() && e.fault() == setup_fault::bad_descriptor, "another fault");
            unsigned controls = 0;
            bus.for_each_control([&](origin_id, const grant&) { ++controls; });
            t.expect(controls == 0, "half attached");
        }
        t.heal();
        if (t.hit()) handle = bus.attach(c, g);
        settle(bus);
        t.expect(c.calls != 0, "its descriptor is not watched");
        handle.detach();
    });
}

TEST_CASE("whatever the kernel says to a removal, a watch ends, is cleaned up and closed") {
    const auto live = [](trial& t) {
        stage_core bus;
        sensing w;
        connection c;
        const endpoint_id vm = bus.add_endpoint("vm");
        const adapter_id adapter = bus.attach_adapter(w, vm);
        const control_handle control = bus.attach(c, grant{}.on(vm).allow(right::observe));
        unique_fd fd = readable_fd();
        unsigned cleanups = 0;
        const auto id = bus.watch(
            fd, interest::read, [](interests) {}, [&cleanups] { ++cleanups; });
        const unique_fd mine = readable_fd();
        const auto watched = w.bus.watch(mine.get(), interest::read, cookie{1});
        t.expect(id && watched, "not watched");
        t.arm();
        if (watched) w.bus.unwatch(*watched);
        if (id) bus.unwatch(*id);
        t.expect(cleanups == 1, "not cleaned up once");
        control.detach();
        bus.detach(adapter);
        w.calls = c.calls = 0;
        settle(bus);
        t.expect(w.calls == 0 && c.calls == 0, "called after its end");
    };
    sweep("epoll_ctl", EPOLL_CTL_DEL, live);
    sweep("close", live);
}

TEST_CASE("a loop whose wait or timer fails still runs what is due and what is posted") {
    const auto live = [](trial& t) {
        stage_core bus;
        const endpoint_id vm = bus.add_endpoint("vm");
        listener ears;
        const control_handle me = bus.attach(ears, grant{}.on(vm).allow(everything));
        settle(bus);
        unsigned posted = 0;
        t.arm();
        // A lease that runs out needs the timer.
        lease_options brief;
        brief.time_to_live = milliseconds(1);
        t.expect(static_cast<bool>(me.acquire(vm, lease_class::power, brief)), "no lease");
        for (unsigned n = 0; n < 3; ++n) {
            t.expect(bus.post([&posted] { ++posted; }), "not posted");
            bus.dispatch();
        }
        t.expect(posted == 3, "not run");
        t.expect(lease_ends(bus, ears), "the timer was lost");
        t.heal();
        settle(bus);
        unique_fd fd = readable_fd();
        unsigned calls = 0;
        const auto id = bus.watch(fd, interest::read, [&calls](interests) { ++calls; });
        bus.dispatch();
        t.expect(id && calls == 1, "afterwards no descriptor is heard");
        me.detach();
    };
    sweep("epoll_wait", live);
    sweep("timerfd_settime", live);
    sweep("write", live);
}

TEST_CASE("a clock that can not be read stands still, and goes on where the kernel's is") {
    sweep("clock_gettime", [](trial& t) {
        stage_core bus;
        const endpoint_id vm = bus.add_endpoint("vm");
        listener ears;
        const control_handle me = bus.attach(ears, grant{}.on(vm).allow(everything));
        settle(bus);
        instant last = bus.now();
        lease_options brief;
        brief.time_to_live = milliseconds(1);
        t.arm();
        t.expect(static_cast<bool>(me.acquire(vm, lease_class::power, brief)), "no lease");
        for (unsigned n = 0; n < 3; ++n) {
            bus.dispatch();
            t.expect(bus.now() >= last, "the time went back");
            last = bus.now();
        }
        t.heal();
        t.expect(lease_ends(bus, ears), "the timer was lost");
        me.detach();
    });
}

TEST_CASE("run() is woken and stopped through interruptions") {
    const auto live = [](trial& t) {
        stage_core bus;
        unsigned posted = 0;
        t.arm();
        t.expect(bus.post([&] {
            ++posted;
            bus.wake();
            bus.post([&] {
                ++posted;
                bus.stop();
            });
        }),
                 "not posted");
        bus.run();
        t.expect(posted == 2, "not run");
    };
    sweep("epoll_wait", live);
    sweep("write", live);
}

TEST_CASE("an anchor whose page can not be had says why and leaves no page behind") {
    const auto fill_page = [] {
        const std::size_t before = mapped_bytes(backing::anonymous);
        while (mapped_bytes(backing::anonymous) == before) (void)detail::new_anchor();
        for (std::size_t used = sizeof(anchor); used + sizeof(anchor) <= 4096;
             used += sizeof(anchor))
            (void)detail::new_anchor();
    };
    for (const char* call : {"mmap", "madvise"})
        sweep(call, [&](trial& t) {
            fill_page();
            const std::size_t before = mapped_bytes(backing::anonymous);
            t.arm();
            try {
                const stage_core bus;
                t.expect(!t.hit(), "made without an anchor");
            } catch (const std::system_error& e) {
                t.expect(t.hit() && e.code().value() == t.code(), "another errno");
                t.expect(std::strstr(e.what(), call) != nullptr, "another operation");
                t.expect(mapped_bytes(backing::anonymous) == before, "a page was left behind");
            }
            t.heal();
            const stage_core bus;
        });
}
