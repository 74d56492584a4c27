// control_bench: a core with one endpoint, a scripted machine that serves every role, and controls
// that a carrier attaches and whose whole stream is kept. What the rules of control_conformance.hpp
// run on.
#pragma once

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <vmsig/control/build.hpp>
#include <vmsig/core/core.hpp>
#include <vmsig/testing/control_port.hpp>
#include <vmsig/testing/control_subject.hpp>

namespace vmsig::testing {

/// Does what it is told when it is told, as the rule wants it.
class suite_machine {
public:
    static constexpr roles serves =
        role::memctx_provider | role::memory_writer | role::host_management | role::input;
    static constexpr std::size_t ram_bytes = 16 * 4096;

    /// What it does with a command that it was handed.
    enum class habit : std::uint8_t { does_it, takes_it, leaves_it, fails };

    suite_machine()
        : ram_{::memfd_create("vmsig-suite-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING)} {
        constexpr int seals = seal::shrink | seal::grow | seal::future_write | seal::seal;
        const bool made = ram_ && ::ftruncate(ram_.get(), ram_bytes) == 0 &&
                          ::pwrite(ram_.get(), secret.data(), secret.size(), secret_at) ==
                              static_cast<ssize_t>(secret.size()) &&
                          ::fcntl(ram_.get(), F_ADD_SEALS, seals) == 0;
        VMSIG_ASSERT(made);
        (void)made;
    }
    static constexpr std::string_view secret = "what only memory knows..";
    static constexpr std::uint64_t secret_at = 0x1000;

    void on_attach(adapter_handle to) { bus = to; }
    const input_codes& codes() const { return codes_; }
    void execute(fenced_command c, adapter_handle) {
        if (does == habit::leaves_it) return left.push_back(c);
        take(c);
    }
    void take(fenced_command c) {
        const auto got = c.take();
        if (!got) return;
        begun.push_back({c.id(), got->command, {got->frame.begin(), got->frame.end()}});
        if (does == habit::takes_it) return;
        const verb v = got->command.verb;
        if (does == habit::does_it && v == verb::reset) happens(transition::reset, cause::host);
        bus.complete(c.id(),
                     does == habit::fails ? completion::failed(failure::io, EIO) : completion{});
    }
    std::size_t neutral(std::span<const input_change> frame, adapter_handle) {
        released.insert(released.end(), frame.begin(), frame.end());
        return frame.size();
    }
    expected<memctx_locator, os_error> describe() const {
        memctx_locator l;
        l.fd_count = 1;
        (void)l.add(ram_region{0, ram_bytes, 0, 0, 0});
        return l;
    }
    expected<ram_fds, os_error> share_fds() const {
        if (fails_to_share) return unexpected<os_error>{os_error{EMFILE, "share_fds"}};
        ram_fds f;
        f.fd[0] = ram_.get();
        f.count = 1;
        return f;
    }
    void invalidate(epoch_number e, adapter_handle to) { to.publish(e); }

    bool happens(transition what, cause why = cause::guest) const {
        return bus.emit(lifecycle{what, why, vm_state::unknown, 0});
    }
    /// A sample: events that carry a number.
    bool says(std::uint8_t number) const {
        console_output c;
        c.size = 1;
        c.text[0] = static_cast<char>(number);
        return bus.emit(c);
    }

    struct execution {
        correlation_id id;
        command what;
        std::vector<input_change> frame;
    };
    habit does = habit::does_it;
    bool fails_to_share = false;
    adapter_handle bus;
    std::vector<execution> begun;
    std::vector<fenced_command> left;
    std::vector<input_change> released;

private:
    unique_fd ram_;
    input_codes codes_ = input_codes::keyboard();
};

template <class Core, class Carrier>
class control_bench {
public:
    using subject = control_subject<control_bench>;
    static_assert(control_carrier<Carrier, Core>);
    static constexpr std::string_view name = "under-test";

    template <class Make>
    explicit control_bench(Make& make)
        : carrier{make()} {
        bus.attach_adapter(machine, vm);
        machine.bus.publish(bus.epoch_of(vm));
        machine.happens(transition::started);
        settle();
    }
    control_bench(const control_bench&) = delete;
    control_bench& operator=(const control_bench&) = delete;

    /// Turns until nothing is left to do, and reads what came.
    void settle() {
        for (int turns = 0; turns < patience && carrier.turn(bus); ++turns) continue;
        for (const auto& s : subjects_) s->read();
    }
    template <class F>
    bool until(F&& reached) {
        for (int turns = 0; turns < patience; ++turns) {
            for (const auto& s : subjects_) s->read();
            if (reached()) return true;
            carrier.turn(bus);
        }
        return false;
    }
    void advance(duration d) {
        carrier.pass(bus, d);
        settle();
    }
    /// Attached, nothing more.
    subject& attach(const grant& g, const subscription& s = {}) {
        subjects_.push_back(std::make_unique<subject>(*this, carrier.attach(bus, g, s)));
        return *subjects_.back();
    }
    /// Attached, its replay read and forgotten.
    subject& join(const grant& g, const subscription& s = {}) {
        subject& joined = attach(g, s);
        settle();
        joined.forget();
        return joined;
    }
    grant with(rights r, std::uint32_t rank = 0) const {
        return grant{}.on(vm).allow(r).rank(rank);
    }
    grant everything(std::uint32_t rank = 0) const { return with(rights::all(), rank); }
    /// The lease that a control was told of last.
    lease lease_of(const subject& s, lease_class c) const {
        lease held{vm, {}, c};
        for (const lease_granted& g : s.template all<lease_granted>())
            if (g.lease_class == c) held.serial = g.serial;
        return held;
    }
    void narrow(subject& s, const grant& g) { bus.set_grant(s.origin(), g); }

private:
    static constexpr int patience = 1000;

public:
    // In this order: controls leave before the core, and the core before what it serves.
    suite_machine machine;
    Carrier carrier;
    Core bus;
    endpoint_id vm = bus.add_endpoint(name);

private:
    std::vector<std::unique_ptr<subject>> subjects_;
};

} // namespace vmsig::testing
