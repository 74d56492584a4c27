// adapters: the VM side of the simulation: devices for every role that do what they should, or do
// it later, twice, never, or otherwise than they say.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <vector>

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/guest/fd_calls.hpp>

#include "stage.hpp"

namespace vmsig::sim {

inline constexpr std::size_t ram_bytes = 1u << 16;

/// One for all: nothing here writes to it.
inline int sealed_ram() {
    static const unique_fd fd = [] {
        unique_fd made{::memfd_create("vmsig-sim", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
        if (!made || ::ftruncate(made.get(), ram_bytes) != 0 ||
            ::fcntl(made.get(), F_ADD_SEALS,
                    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | seal::future_write) != 0)
            throw std::runtime_error{"no sealed memory"};
        return made;
    }();
    return fd.get();
}
/// Opened before the first test, since it stays open after it.
inline const int ram_of_all_tests = sealed_ram();

class device {
public:
    device(stage& s, kind samples, std::uint64_t& sample_number)
        : on_{s}
        , samples_{samples}
        , sample_number_{sample_number} {}

    input_codes takes;

    // What the core calls.

    void on_attach(adapter_handle b) {
        on_.ours([&] {
            bus_ = b;
            at_ = on_.bus([&] { return bus_.endpoint(); });
            on_.log.line("adapter attached", bus_.id().value, at_.value);
            if (on_.dice.chance(70)) publish();
            if (on_.wires != nullptr) on_.wires->attached(bus_);
            if (on_.fault(3)) throw scripted_failure{};
            on_.interfere();
        });
    }
    void on_ready(cookie c, adapter_handle) {
        on_.ours([&] {
            alive("ready");
            if (on_.wires != nullptr) on_.wires->ready(bus_, c);
            on_.interfere();
            if (on_.fault(2)) throw scripted_failure{};
        });
    }
    void on_detached() {
        on_.ours([&] {
            on_.broken.expect(!detached_, "one last on_detached", bus_.id().value);
            detached_ = true;
            on_.log.line("adapter farewell", bus_.id().value);
            on_.model.device_gone(at_, bus_.id());
            if (on_.wires != nullptr) on_.wires->detached(bus_.id());
            on_.interfere();
            if (on_.fault(5)) throw scripted_failure{};
        });
    }
    void execute(fenced_command c, adapter_handle) {
        on_.ours([&] {
            alive("execute");
            on_.model.handed_over(c.id(), at_);
            work w{c, false};
            if (on_.fault(2)) throw scripted_failure{};
            on_.interfere();
            if (on_.calm || on_.dice.chance(55)) {
                if (take(w)) finish(w);
            } else if (on_.dice.chance(50)) {
                if (take(w)) work_.push_back(w);
            } else if (on_.dice.chance(10)) {
                complete(c.id(), {}); // without having taken it
            } else if (on_.dice.chance(10)) {
                complete(c.id(), completion::failed(failure::unavailable));
            } else {
                work_.push_back(w);
            }
            if (on_.fault(2)) throw scripted_failure{};
        });
    }
    const input_codes& codes() const { return takes; }
    std::size_t neutral(std::span<const input_change> frame, adapter_handle) {
        return on_.ours([&] {
            alive("neutral");
            on_.log.line("neutral", bus_.id().value, frame.size(), frame.front().code);
            if (on_.fault(2)) throw scripted_failure{};
            const std::size_t n = on_.fault(15) ? on_.dice.below(frame.size() + 2) : frame.size();
            if (shadow_keys::is_safety(takes, frame)) on_.model.went_dark(at_, true);
            on_.model.keys.asked(at_, bus_.id(), takes, frame);
            on_.interfere();
            if (!detached_) on_.model.keys.accepted(at_, bus_.id(), takes, frame, n);
            return n;
        });
    }
    expected<memctx_locator, os_error> describe() {
        return on_.ours([&]() -> expected<memctx_locator, os_error> {
            alive("describe");
            if (on_.fault(2)) throw scripted_failure{};
            if (on_.fault(5)) return unexpected<os_error>{os_error{EIO, "describe"}};
            on_.interfere();
            memctx_locator l;
            l.fd_count = on_.fault(5) ? 9 : 1;
            (void)l.add(ram_region{0, ram_bytes, 0, 0, 0});
            return l;
        });
    }
    expected<ram_fds, os_error> share_fds() {
        return on_.ours([&]() -> expected<ram_fds, os_error> {
            alive("share_fds");
            if (on_.fault(2)) throw scripted_failure{};
            if (on_.fault(5)) return unexpected<os_error>{os_error{EMFILE, "share_fds"}};
            on_.interfere();
            ram_fds f;
            f.fd[0] = on_.wires != nullptr ? on_.wires->ram() : sealed_ram();
            f.count = 1;
            return f;
        });
    }
    void invalidate(epoch_number e, adapter_handle) {
        on_.ours([&] {
            alive("invalidate");
            on_.log.line("invalidate", bus_.id().value, e.value);
            if (on_.fault(2)) throw scripted_failure{};
            on_.interfere();
            if (on_.dice.chance(50)) on_.bus([&] { return bus_.publish(e); });
        });
    }

    // What it does by itself.

    bool detached() const { return detached_ || !bus_.id(); }
    adapter_id id() const { return bus_.id(); }
    endpoint_id at() const { return at_; }
    bool busy() const { return !work_.empty(); }

    /// Goes on with something that it was given.
    void proceed() {
        if (work_.empty()) return;
        const std::size_t n = on_.dice.below(work_.size());
        work w = work_[n];
        if (!w.taken) {
            work_.erase(work_.begin() + static_cast<std::ptrdiff_t>(n));
            if (take(w)) work_.push_back(w);
            return;
        }
        if (on_.fault(5)) return; // it stays for later, and may be completed twice
        work_.erase(work_.begin() + static_cast<std::ptrdiff_t>(n));
        finish(w);
    }
    void finish_all() {
        while (!work_.empty()) {
            work w = work_.back();
            work_.pop_back();
            if (w.taken || take(w)) finish(w);
        }
        on_.bus([&] { bus_.input_ready(); });
    }
    void input_ready() {
        on_.bus([&] { bus_.input_ready(); });
    }
    void happens() {
        static constexpr std::array<transition, 11> all{
            transition::started,     transition::paused,         transition::resumed,
            transition::crashed,     transition::reset,          transition::reset,
            transition::reset,       transition::restored,       transition::migrated_in,
            transition::powered_off, transition::memory_replaced};
        tell(all[on_.dice.below(all.size())], cause::guest);
    }
    void emit_sample() {
        const sample s{++sample_number_};
        on_.bus([&] { return bus_.emit(samples_, s); });
        if (on_.dice.chance(20))
            on_.bus([&] { return bus_.emit(leds_changed{on_.dice.below(8)}); });
        if (on_.dice.chance(10)) on_.bus([&] { return bus_.emit(console_output{}); });
    }
    void publish() {
        epoch_number e = on_.bus([&] { return bus_.epoch(); });
        if (on_.fault(20)) e.value += on_.dice.chance(50) ? 1 : ~std::uint64_t{0};
        const bool ok = on_.bus([&] { return bus_.publish(e); });
        on_.log.line("publish", bus_.id().value, e.value, ok);
    }
    /// What it has not been given, or not been asked.
    void lie() {
        const correlation_id id{on_.dice.chance(50) && !work_.empty() ? on_.dice.pick(work_).c.id()
                                                                      : some_id()};
        complete(id, on_.dice.chance(50) ? completion{} : completion::failed(failure::io, EIO));
    }
    void leave() {
        on_.log.line("adapter leaves", bus_.id().value);
        on_.bus([&] { bus_.detach(); });
        on_.broken.expect(detached() || on_.nested != 0, "detach is a barrier", bus_.id().value);
    }

protected:
    void hung_up(cookie c) {
        on_.ours([&] {
            alive("hung up");
            if (on_.wires != nullptr) on_.wires->hung_up(bus_, c);
            on_.interfere();
        });
    }

private:
    struct work {
        fenced_command c;
        bool taken;
        verb what = verb::none;
    };

    void alive(const char* where) {
        on_.log.line(where, bus_.id().value);
        on_.broken.expect(!detached_, "detach is a barrier: no callback begins", bus_.id().value);
    }
    correlation_id some_id() const { return on_.model.commands.latest(); }
    bool take(work& w) {
        const auto got = on_.bus([&] { return w.c.take(); });
        if (!got) {
            on_.model.not_taken(w.c.id(), bus_.id());
            return false;
        }
        on_.broken.expect(!detached_, "the detached take nothing", bus_.id().value, w.c.id().value);
        on_.model.took(w.c.id(), bus_.id(), *got);
        w.taken = true;
        w.what = got->command.verb;
        return true;
    }
    void finish(const work& w) {
        const correlation_id id = w.c.id();
        transition told = transition::none;
        if (w.what == verb::reset) told = transition::reset;
        if (w.what == verb::power_off) told = transition::powered_off;
        if (w.what == verb::snapshot_restore) told = transition::restored;
        if (w.what == verb::pause) told = transition::paused;
        if (w.what == verb::resume) told = transition::resumed;
        if (told != transition::none)
            for (unsigned i = on_.dice.below(4); i > 0; --i) tell(told, cause::host);
        complete(id, on_.fault(15) ? completion::failed(failure::io, EIO) : completion{});
        if (on_.fault(5)) complete(id, {});
    }
    void complete(correlation_id id, const completion& how) {
        on_.log.line("complete", bus_.id().value, id.value,
                     static_cast<std::uint64_t>(how.outcome));
        if (bus_.id() && !detached_)
            on_.model.completes(id, bus_.id(), how.outcome == outcome::done);
        on_.bus([&] { bus_.complete(id, how); });
    }
    void tell(transition what, cause why) {
        if (!at_) return;
        const shadow_endpoint* ep = on_.model.cells.find(at_);
        const epoch_number before = ep ? ep->epoch : epoch_number{};
        const bool expected_to = destructive(what) && why == cause::guest && !commanded();
        const bool dark = what == transition::powered_off;
        on_.log.line("happens", bus_.id().value, static_cast<std::uint64_t>(what));
        on_.model.went_dark(at_, true);
        if (dark) on_.model.keys.going_dark(at_);
        const bool ok = on_.bus([&] {
            return bus_.emit(lifecycle{what, why, vm_state::unknown, 0});
        });
        if (dark) on_.model.went_dark(at_, ok);
        ep = on_.model.cells.find(at_);
        if (ok && ep && expected_to)
            on_.broken.expect(ep->epoch > before || ep->exhausted,
                              "a destructive event raises the epoch in its turn", at_.value,
                              static_cast<std::uint64_t>(what));
    }
    /// Whether a destructive command may be under way.
    bool commanded() {
        bool any = false;
        on_.model.commands.for_each_live(
            [&](const tracked_command& t) { any = any || (t.what.endpoint == at_ && t.raised); });
        return any;
    }

    stage& on_;
    kind samples_;
    std::uint64_t& sample_number_;
    adapter_handle bus_;
    endpoint_id at_;
    bool detached_ = false;
    std::vector<work> work_;
};

struct whole_machine : device {
    using device::device;
    static constexpr roles serves =
        role::memctx_provider | role::memory_writer | role::host_management | role::input;
    void on_hangup(cookie c, adapter_handle) { hung_up(c); }
};
struct input_device : device {
    using device::device;
    static constexpr roles serves = role::input;
};
struct memory_device : device {
    using device::device;
    void on_hangup(cookie c, adapter_handle) { hung_up(c); }
    static constexpr roles serves = role::memctx_provider | role::memory_writer;
};
struct host_device : device {
    using device::device;
    static constexpr roles serves = role::host_management;
};
struct sensor_device : device {
    using device::device;
    void on_hangup(cookie c, adapter_handle) { hung_up(c); }
    static constexpr roles serves = role::sensor;
};

} // namespace vmsig::sim
