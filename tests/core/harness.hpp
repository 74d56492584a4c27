// What the tests of the core share: a core on the manual reactor with small tables, a control that
// records and runs a script, and a device that serves every role as the test tells it to.
//
// The reactor is metered: a test in which the core allocates in a turn has failed. What the doubles
// here write down is beside the turn; a script of a test that allocates says so itself.
#pragma once

#include "traits.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <vmsig/control/build.hpp>

#include <support/catch.hpp>

namespace vmsig::test {

/// Every right.
inline const rights everything = right::observe | right::memctx | right::memread | right::memwrite |
                                 right::input | right::power | right::admin;
inline grant full(endpoint_id vm, std::uint32_t rank = 0) {
    return grant{}.on(vm).allow(everything).rank(rank);
}

/// Set when the first thing that is still attached is destroyed: the test is over, and scripts,
/// whose variables may be gone, run no more.
inline bool test_over = false;

/// A control that keeps copies of what it got and runs a script.
struct agent {
    std::vector<event> log;
    std::function<void(const event&, control_handle)> script;
    std::function<void()> on_farewell;
    control_handle bus;
    int farewells = 0;

    agent() = default;
    agent(agent&&) = delete;
    ~agent() {
        test_over = test_over || bus.may(verb::status, {}) != refusal::gone;
        bus.detach();
    }
    void on_event(const event& e, control_handle handle) {
        note(e);
        if (script && !test_over) script(e, handle);
    }
    void on_detached() {
        ++farewells;
        if (on_farewell && !test_over) on_farewell();
    }
    void note(const event& e) {
        const beside_the_turn mine;
        log.push_back(e);
    }

    std::size_t count(kind k) const {
        std::size_t n = 0;
        for (const event& e : log) n += e.is(k) ? 1u : 0u;
        return n;
    }
    template <class P>
    std::vector<P> all() const {
        std::vector<P> found;
        for (const event& e : log)
            if (const P* p = e.as<P>()) found.push_back(*p);
        return found;
    }
    template <class P>
    P last() const {
        const auto found = all<P>();
        REQUIRE_FALSE(found.empty());
        return found.back();
    }
    std::vector<kind> kinds() const {
        std::vector<kind> k;
        for (const event& e : log) k.push_back(e.kind);
        return k;
    }
    /// Receipts of that command; exactly one is what the bus promises.
    std::vector<receipt> receipts_of(correlation_id id) const {
        std::vector<receipt> found;
        for (const event& e : log)
            if (const receipt* r = e.as<receipt>(); r && e.correlation == id) found.push_back(*r);
        return found;
    }
    /// The outcome of its one receipt; `none` while there is none.
    outcome outcome_of(correlation_id id) const {
        const auto r = receipts_of(id);
        REQUIRE(r.size() <= 1);
        return r.empty() ? outcome::none : r.front().outcome;
    }
};

/// Sealed guest RAM of `bytes`, all zero.
inline unique_fd sealed_ram(std::size_t bytes, int seals = F_SEAL_SHRINK | F_SEAL_GROW |
                                                           F_SEAL_SEAL | seal::future_write) {
    unique_fd fd{::memfd_create("vmsig-test-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    REQUIRE(fd);
    REQUIRE(::ftruncate(fd.get(), static_cast<off_t>(bytes)) == 0);
    if (seals != 0) REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
    return fd;
}

enum class hook {
    none,
    on_attach,
    on_ready,
    on_hangup,
    on_detached,
    execute,
    codes,
    neutral,
    describe,
    share_fds,
    invalidate
};

/// What a device does with a command that it is handed.
enum class habit {
    complete, ///< takes it and completes it at once
    later,    ///< takes it; the test completes
    leave,    ///< does not take it; the test may
    twice,    ///< completes it twice
    lie,      ///< says done without having taken it
    fail,     ///< takes it, then fails
    decline,  ///< fails without taking
};

/// The functions of every role; a derived type says which it serves.
struct device {
    struct execution {
        correlation_id id;
        command what;
        std::vector<input_change> frame;
        std::vector<std::byte> bulk;
        outcome refused = outcome::none; ///< what `take` said instead
    };

    habit does = habit::complete;
    std::size_t accepts = ~std::size_t{0}; ///< changes that `neutral` takes from now on
    hook throws = hook::none;
    bool republishes = false;
    int describe_error = 0;
    std::size_t ram_bytes = 1u << 16;
    unique_fd ram;
    input_codes takes = input_codes::keyboard() | input_codes::pointer();
    std::function<void(fenced_command, adapter_handle)> on_execute;
    std::function<void(cookie, adapter_handle)> when_ready;
    std::function<void()> on_neutral;
    std::vector<std::string>* journal = nullptr;

    adapter_handle bus;
    std::vector<execution> executed;
    std::vector<fenced_command> waiting; ///< with habit::leave
    std::vector<input_change> released;  ///< accepted by `neutral`
    std::vector<epoch_number> invalidated;
    std::vector<std::uint64_t> ready, hangups;
    int farewells = 0;
    int neutral_calls = 0;

    device() = default;
    device(device&&) = delete;
    ~device() {
        test_over = test_over || bus.endpoint();
        bus.detach();
    }
    void may_throw(hook h) const {
        const beside_the_turn mine;
        if (throws == h && !test_over) throw std::runtime_error{"scripted"};
    }
    template <class T, class U>
    static void note(std::vector<T>& all, const U& one) {
        const beside_the_turn mine;
        all.push_back(one);
    }
    void write(const char* line) const {
        if (journal && !test_over) note(*journal, line);
    }
    void on_attach(adapter_handle b) {
        bus = b;
        may_throw(hook::on_attach);
    }
    void on_ready(cookie c, adapter_handle b) {
        note(ready, c.value);
        may_throw(hook::on_ready);
        if (when_ready && !test_over) when_ready(c, b);
    }
    void on_detached() {
        ++farewells;
        may_throw(hook::on_detached);
    }
    /// Takes a command and notes what came of it.
    bool take(fenced_command c) {
        const auto got = c.take();
        const beside_the_turn mine;
        execution e;
        e.id = c.id();
        if (got) {
            e.what = got->command;
            e.frame.assign(got->frame.begin(), got->frame.end());
            e.bulk.assign(got->bulk.begin(), got->bulk.end());
        } else {
            e.refused = got.error();
        }
        executed.push_back(e);
        return got.has_value();
    }
    void execute(fenced_command c, adapter_handle b) {
        write("execute");
        may_throw(hook::execute);
        if (on_execute && !test_over) return on_execute(c, b);
        switch (does) {
        case habit::leave: note(waiting, c); return;
        case habit::lie: b.complete(c.id()); return;
        case habit::decline: b.complete(c.id(), completion::failed(failure::unavailable)); return;
        default: break;
        }
        if (!take(c) || does == habit::later) return;
        if (does == habit::fail) return b.complete(c.id(), completion::failed(failure::io, EIO));
        b.complete(c.id());
        if (does == habit::twice) b.complete(c.id(), completion::failed(failure::io, EIO));
    }
    const input_codes& codes() const {
        may_throw(hook::codes);
        return takes;
    }
    std::size_t neutral(std::span<const input_change> frame, adapter_handle) {
        ++neutral_calls;
        write("neutral");
        may_throw(hook::neutral);
        if (on_neutral && !test_over) on_neutral();
        const std::size_t n = std::min(accepts, frame.size());
        accepts -= accepts == ~std::size_t{0} ? 0 : n;
        const beside_the_turn mine;
        released.insert(released.end(), frame.begin(),
                        frame.begin() + static_cast<std::ptrdiff_t>(n));
        return n;
    }
    expected<memctx_locator, os_error> describe() {
        may_throw(hook::describe);
        if (describe_error) return unexpected{os_error{describe_error, "describe"}};
        memctx_locator l;
        l.fd_count = 1;
        (void)l.add(ram_region{0, ram_bytes, 0, 0, 0});
        return l;
    }
    expected<ram_fds, os_error> share_fds() {
        may_throw(hook::share_fds);
        if (!ram) { // it asserts, and that allocates
            const beside_the_turn mine;
            ram = sealed_ram(ram_bytes);
        }
        ram_fds f;
        f.fd[0] = ram.get();
        f.count = 1;
        return f;
    }
    void invalidate(epoch_number e, adapter_handle b) {
        note(invalidated, e);
        may_throw(hook::invalidate);
        if (republishes) b.publish(e);
    }
    correlation_id last_id() const {
        REQUIRE_FALSE(executed.empty());
        return executed.back().id;
    }
};

/// Everything.
struct machine : device {
    static constexpr roles serves =
        role::memctx_provider | role::memory_writer | role::host_management | role::input;
    void on_hangup(cookie c, adapter_handle) {
        note(hangups, c.value);
        may_throw(hook::on_hangup);
    }
};
struct input_device : device {
    static constexpr roles serves = role::input;
};
struct memory_device : device {
    static constexpr roles serves = role::memctx_provider | role::memory_writer;
};
struct host_device : device {
    static constexpr roles serves = role::host_management;
};
/// Emits; serves nothing.
struct sensor {
    adapter_handle bus;
    std::function<void(cookie, adapter_handle)> when_ready;
    int farewells = 0;

    sensor() = default;
    sensor(sensor&&) = delete;
    ~sensor() {
        test_over = test_over || bus.endpoint();
        bus.detach();
    }
    void on_attach(adapter_handle b) { bus = b; }
    void on_ready(cookie c, adapter_handle b) {
        if (when_ready && !test_over) when_ready(c, b);
    }
    void on_detached() { ++farewells; }
    bool happened(transition what, cause why = cause::guest) const {
        return bus.emit(lifecycle{what, why, vm_state::unknown, 0});
    }
};

/// A core with one machine, on a clock that only the test moves.
template <class Traits = test_traits>
struct bench {
    core<Traits> bus;
    endpoint_id vm = bus.add_endpoint("vm");

    bench() { test_over = false; }
    /// Turns until nothing is left to do; says how many.
    int settle() {
        int turns = 1;
        while (bus.dispatch()) REQUIRE(++turns < 1000);
        return turns;
    }
    void advance(duration d) {
        bus.reactor().advance(d);
        settle();
    }
    /// Attached, with its replay behind it and its log empty.
    control_handle join(agent& a, const grant& g, const subscription& s = {}) {
        a.bus = bus.attach(a, g, s);
        settle();
        a.log.clear();
        return a.bus;
    }
    /// `join` with every right, and holding the lease.
    lease own(agent& a, lease_class c, std::uint32_t rank = 0) {
        if (a.bus.may(verb::status, vm) != refusal::none) join(a, full(vm, rank));
        const auto got = a.bus.acquire(vm, c);
        REQUIRE(got);
        settle();
        a.log.clear();
        return got.lease;
    }
    std::vector<audit_record> records() {
        std::vector<audit_record> all;
        bus.audit().sink().for_each_last(4096, [&](const audit_record& r) { all.push_back(r); });
        return all;
    }
    std::vector<audit_record> records(decision d) {
        std::vector<audit_record> all;
        for (const audit_record& r : records())
            if (r.what == d) all.push_back(r);
        return all;
    }
};

/// The same with a keyboard and a mouse, each an adapter of its own.
struct desk : bench<> {
    input_device keyboard, mouse;
    desk() {
        keyboard.takes = input_codes::keyboard();
        mouse.takes = input_codes::pointer();
        bus.attach_adapter(keyboard, vm);
        bus.attach_adapter(mouse, vm);
    }
};

/// Runs `f` inside a callback of `a`, by an event of a sensor that only `a` need see.
template <class Traits>
void inside(bench<Traits>& b, agent& a, const sensor& s, std::function<void()> f) {
    auto before = std::exchange(a.script, {});
    bool ran = false;
    a.script = [&](const event& e, control_handle) {
        if (e.is(kind::console_output) && !std::exchange(ran, true)) f();
    };
    s.bus.emit(console_output{});
    b.settle();
    a.script = before;
    REQUIRE(ran);
}

} // namespace vmsig::test
