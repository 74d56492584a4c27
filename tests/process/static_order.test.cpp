// Rule: a bus and what is attached to it may be objects of static storage, which end in the
// reverse of the order in which they began, whatever that was; and a forked child may destroy its
// copies in any order.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <numeric>

#include "child.hpp"
#include "workload.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// How many control and adapter that found the bus out of reach when they ended.
int parted = 0;
int farewells = 0;

struct listener {
    control_handle bus;
    bool alone = false; ///< its bus has parted
    ~listener() {
        bus.detach();
        alone = bus.submit(query_status({})).why == refusal::gone;
        parted += alone ? 1 : 100;
    }
    void on_event(const event&, control_handle) {}
    void on_detached() { ++farewells; }
};
struct keyboard {
    static constexpr roles serves = role::input;
    input_codes takes = input_codes::keyboard();
    adapter_handle bus;
    int released = 0;
    ~keyboard() {
        bus.detach();
        parted += bus.emit(console_output{}) ? 100 : 1;
    }
    void on_attach(adapter_handle b) { bus = b; }
    void execute(fenced_command c, adapter_handle b) {
        if (c.take()) b.complete(c.id());
    }
    const input_codes& codes() const { return takes; }
    std::size_t neutral(std::span<const input_change> all, adapter_handle) {
        released += static_cast<int>(all.size());
        return all.size();
    }
    void on_detached() { ++farewells; }
};

/// Made when it is first asked for.
template <class T>
T& kept() {
    static T one;
    return one;
}
void make(int part) {
    switch (part) {
    case 0: (void)kept<workload_core>(); break;
    case 1: (void)kept<listener>(); break;
    case 2: (void)kept<keyboard>(); break;
    default: (void)kept<stub::machine>(); break;
    }
}
constexpr int parts = 4;

/// The exit status of a process that made the parts in that order, used them, and parted.
int ends_after(const std::array<int, parts>& order) {
    std::cout.flush();
    std::fflush(nullptr);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::atexit([] { ::_exit(parted == 2 && farewells == 2 ? 0 : 1); }); // runs last
        for (const int part : order) make(part);
        workload_core& bus = kept<workload_core>();
        const endpoint_id vm = bus.add_endpoint("keys");
        bus.attach_adapter(kept<keyboard>(), vm);
        kept<stub::machine>().plug_into(bus, bus.add_endpoint("machine"));
        const control_handle me = kept<listener>().bus = bus.attach(kept<listener>(), full(vm));
        while (bus.dispatch()) {}
        const auto got = me.acquire(vm, lease_class::input);
        if (!got || !me.submit(press(got.lease, KEY_A))) ::_exit(2);
        while (bus.dispatch()) {}
        std::exit(3);
    }
    const int status = wait_for(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

template <class F>
void in_every_order(F&& f) {
    std::array<int, parts> order{};
    std::iota(order.begin(), order.end(), 0);
    do {
        CAPTURE(order);
        f(order);
    } while (std::next_permutation(order.begin(), order.end()));
}

} // namespace

TEST_CASE("bus, control, adapter and machine of static storage end in every order") {
    in_every_order([](const std::array<int, parts>& order) { CHECK(ends_after(order) == 0); });
}

TEST_CASE("a forked child destroys bus, control, adapter and machine in every order") {
    auto bus = std::make_unique<workload_core>();
    auto who = std::make_unique<listener>();
    auto keys = std::make_unique<keyboard>();
    auto machine = std::make_unique<stub::machine>();
    const endpoint_id vm = bus->add_endpoint("keys");
    bus->attach_adapter(*keys, vm);
    machine->plug_into(*bus, bus->add_endpoint("machine"));
    who->bus = bus->attach(*who, full(vm));
    while (bus->dispatch()) {}
    const auto got = who->bus.acquire(vm, lease_class::input);
    REQUIRE(got);
    REQUIRE(who->bus.submit(press(got.lease, KEY_A)));
    while (bus->dispatch()) {}
    const auto objects = kernel_objects();
    in_every_order([&](const std::array<int, parts>& order) {
        const int said = in_child([&] {
            parted = farewells = 0;
            const bool up = keys->released != 0;
            for (const int part : order) {
                if (part == 0) bus.reset();
                if (part == 1) who.reset();
                if (part == 2) keys.reset();
                if (part == 3) machine.reset();
            }
            return parted == 2 && farewells == 0 && !up ? 0 : 1;
        });
        CHECK(said == 0);
    });
    CHECK(kernel_objects() == objects);
    who->bus.release(got.lease);
    CHECK(keys->released == 1);
}
