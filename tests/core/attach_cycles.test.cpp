// Rule: attaching and detaching leave nothing behind: after any number of cycles, with leases,
// waiters, keys down, delayed commands, exports and watches, the memory, the descriptors and the
// tables are as they were (12: no allocation after start-up). VMSIG_ATTACH_CYCLES says how many.
#include "harness.hpp"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <sys/eventfd.h>

#include <vmsig/reactor/epoll_reactor.hpp>

#include <support/alloc_guard.hpp>
#include <support/fd_count.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct real_traits : test_traits {
    using reactor = epoll_reactor<>; // real descriptors
};

struct upset { // to be thrown
    static inline std::uint64_t count = 0;
    upset() { ++count; }
};
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

unique_fd bell() { return unique_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)}; }
void ring(int fd) {
    const std::uint64_t one = 1;
    if (::write(fd, &one, sizeof one) < 0) std::abort();
}
void silence(int fd) {
    std::uint64_t count = 0;
    if (::read(fd, &count, sizeof count) < 0) std::abort();
}

/// Comes, is used, and goes. Keeps no list of anything: it must not allocate.
struct visiting_device {
    static constexpr roles serves = role::memctx_provider | role::input;
    int ram = -1; ///< borrowed
    const input_codes* takes = nullptr;
    unique_fd first = bell(), second = bell();
    adapter_handle bus;
    watch_id watched;
    bool throws = false;
    unsigned ready = 0, keys = 0, released = 0, farewells = 0;

    void on_attach(adapter_handle b) {
        bus = b;
        watched = b.watch(first.get(), interest::read, cookie{1}).value_or(watch_id{});
        (void)b.watch(second.get(), interest::read, cookie{2});
    }
    void on_ready(cookie c, adapter_handle) {
        silence(c.value == 1 ? first.get() : second.get());
        ++ready;
        if (throws) throw upset{};
    }
    void execute(fenced_command c, adapter_handle b) {
        if (c.take()) ++keys;
        b.complete(c.id());
    }
    const input_codes& codes() const { return *takes; }
    std::size_t neutral(std::span<const input_change> frame, adapter_handle) {
        released += static_cast<unsigned>(frame.size());
        return frame.size();
    }
    expected<memctx_locator, os_error> describe() {
        memctx_locator l;
        l.fd_count = 1;
        (void)l.add(ram_region{0, 1u << 16, 0, 0, 0});
        return l;
    }
    expected<ram_fds, os_error> share_fds() {
        ram_fds f;
        f.fd[0] = ram;
        f.count = 1;
        return f;
    }
    void invalidate(epoch_number, adapter_handle) {}
    void on_detached() { ++farewells; }
};

struct visitor {
    enum class whim { none, leave, fail } when_rung = whim::none;
    unique_fd own = bell();
    control_handle bus;
    unsigned ready = 0, done = 0, farewells = 0;

    int fd() const { return own.get(); }
    void on_event(const event& e, control_handle) {
        if (const receipt* r = e.as<receipt>()) done += r->outcome == outcome::done ? 1u : 0u;
    }
    void on_ready(interests, control_handle b) {
        silence(own.get());
        ++ready;
        if (when_rung == whim::leave) b.detach();
        if (when_rung == whim::fail) throw upset{};
    }
    void on_detached() { ++farewells; }
};

/// Stays, and sees everything.
struct resident {
    std::uint64_t events = 0;
    control_handle bus;
    void on_event(const event&, control_handle) { ++events; }
};

/// Resident memory of the process that no file backs, in KiB; -1 where the kernel does not tell.
/// Not from statm: its counters lag by some pages for each processor.
long anonymous_kib() {
    std::FILE* file = std::fopen("/proc/self/smaps_rollup", "re");
    if (file == nullptr) return -1;
    long kib = -1;
    char line[256];
    while (kib < 0 && std::fgets(line, sizeof line, file) != nullptr)
        if (std::sscanf(line, "Anonymous: %ld kB", &kib) != 1) kib = -1;
    std::fclose(file);
    return kib;
}

struct turnstile {
    core<real_traits> bus;
    endpoint_id vm = bus.add_endpoint("vm");
    unique_fd ram = sealed_ram(1u << 16);
    input_codes codes = input_codes::keyboard();
    resident witness;
    std::uint64_t odd = 0; ///< things that did not happen as they should
    std::uint64_t cleaned = 0;

    turnstile() { witness.bus = bus.attach(witness, full(vm)); }
    ~turnstile() { witness.bus.detach(); }
    turnstile(turnstile&&) = delete;

    void expect(bool as_it_should) { odd += as_it_should ? 0u : 1u; }
    void settle() {
        int turns = 0;
        while (bus.dispatch() && turns < 100) ++turns;
        expect(turns < 100);
    }
    void cycle(std::uint64_t n) {
        visiting_device device;
        visitor owner, waiter;
        device.ram = ram.get();
        device.takes = &codes;
        const adapter_id plugged = bus.attach_adapter(device, vm);
        owner.bus = bus.attach(owner, full(vm));
        waiter.bus = bus.attach(waiter, full(vm));
        expect(device.bus.publish(bus.epoch_of(vm)));
        settle();
        use(device, owner, waiter);
        unique_fd mine = bell();
        const auto watched = bus.watch(
            mine, interest::read, [](interests) {}, [this] { ++cleaned; });
        expect(watched.has_value());
        leave(n % 6, device, plugged, owner, waiter);
        // Whoever is left.
        bus.detach(owner.bus.origin());
        bus.detach(waiter.bus.origin());
        bus.detach(plugged);
        if (watched) bus.unwatch(*watched);
        settle();
        expect(device.farewells == 1 && owner.farewells == 1 && waiter.farewells == 1);
        expect(device.throws || device.released == 1); // one that threw is called no more
        expect(cleaned == n + 1);
        expect(!bus.lease_of(vm, lease_class::input).owner.who);
    }

private:
    /// A key is down, another will be, somebody waits for the lease, and memory was shown.
    void use(visiting_device& device, visitor& owner, visitor& waiter) {
        const auto got = owner.bus.acquire(vm, lease_class::input);
        lease_options patient;
        patient.wait = true;
        expect(static_cast<bool>(got));
        expect(waiter.bus.acquire(vm, lease_class::input, patient).what ==
               acquire_result::status::waiting);
        expect(static_cast<bool>(owner.bus.submit(press(got.lease, KEY_A))));
        expect(static_cast<bool>(owner.bus.submit(press(got.lease, KEY_B).delayed(seconds(3600)))));
        const auto shown = waiter.bus.memctx(vm);
        expect(shown && shown->fds_included && shown->fds[0]);
        ring(device.first.get());
        ring(device.second.get());
        ring(owner.own.get());
        settle();
        expect(device.ready == 2 && device.keys == 1 && owner.ready == 1 && owner.done == 1);
    }
    void leave(std::uint64_t way, visiting_device& device, adapter_id plugged, visitor& owner,
               visitor& waiter) {
        switch (way) {
        case 0: bus.detach(plugged); break;
        case 1: bus.detach(owner.bus.origin()); break;
        case 2: // inside its own callback; the device takes a watch back first
            device.bus.unwatch(device.watched);
            owner.when_rung = visitor::whim::leave;
            ring(owner.own.get());
            break;
        case 3: waiter.bus.detach(); break;
        case 4:
            owner.when_rung = visitor::whim::fail;
            device.throws = true;
            ring(owner.own.get());
            ring(device.second.get());
            break;
        default:
            bus.remove_endpoint(vm);
            settle();
            vm = bus.add_endpoint("vm");
            expect(bus.set_grant(witness.bus.origin(), full(vm)));
        }
        settle();
    }
};

std::uint64_t wanted_cycles() {
    const char* said = std::getenv("VMSIG_ATTACH_CYCLES");
    const std::uint64_t n = said ? std::strtoull(said, nullptr, 10) : 0;
    return n > 0 ? n : 20'000;
}

} // namespace

TEST_CASE("attaching and detaching leave no memory, no descriptor and no place in a table taken") {
    constexpr std::uint64_t warm_up = 1200; // the audit's ring is full, each page was used
    const std::uint64_t cycles = wanted_cycles();
    const auto t = std::make_unique<turnstile>();
    std::uint64_t n = 0;
    while (n < warm_up) t->cycle(n++);
    REQUIRE(t->odd == 0);
    const std::uint64_t seen = t->witness.events;
    const int descriptors = open_fd_count();
    const long memory = anonymous_kib();
    upset::count = 0;
    const auto allocations = allocations_in([&] {
        while (n < warm_up + cycles) t->cycle(n++);
    });
    const long memory_after = anonymous_kib();
    CHECK(t->odd == 0);
    CHECK(allocations == (sanitized ? upset::count : 0)); // its malloc counts what is thrown
    CHECK(upset::count + 2 >= cycles / 3);
    CHECK(open_fd_count() == descriptors);
    CHECK(t->witness.events - seen >= cycles);
    CHECK(t->cleaned == n);
    // And all that can be attached at once still can.
    std::vector<std::unique_ptr<agent>> agents;
    while (agents.size() + 1 < small_limits::controls) { // the witness is one
        agents.push_back(std::make_unique<agent>());
        agents.back()->bus = t->bus.attach(*agents.back(), full(t->vm));
    }
    CHECK(agents.back()->bus.may(verb::status, t->vm) == refusal::none);
    if (sanitized) return; // it keeps what was freed, to know it again
    if (std::getenv("VMSIG_TEST_REPETITIONS"))
        VMSIG_SKIP("the memory of a process under valgrind is not that of the test");
    if (memory < 0) VMSIG_SKIP("this kernel has no /proc/self/smaps_rollup to tell the memory by");
    CHECK(memory_after <= memory + 16);
}
