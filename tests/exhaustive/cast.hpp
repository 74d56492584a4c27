// cast: who acts in the sequences: a control and a machine that do nothing of themselves, remember
// what they are given, also when it is no longer worth anything, and tell the model what they see.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/control/build.hpp>
#include <vmsig/control/control.hpp>

#include <sim/adapters.hpp>
#include <sim/stage.hpp>

namespace vmsig::exhaustive {

class player {
public:
    explicit player(sim::stage& s)
        : on_{s} {}

    void on_event(const event& e, control_handle) {
        on_.ours([&] {
            on_.broken.expect(!detached_, "detach is a barrier: no callback begins",
                              origin().value);
            on_.model.delivered(origin(), e);
            if (const auto* g = e.as<lease_granted>()) remember(*g);
            on_.interfere();
        });
    }
    void on_detached() {
        on_.ours([&] {
            on_.broken.expect(!detached_, "one last on_detached", origin().value);
            detached_ = true;
        });
    }

    void attached(control_handle h) { bus_ = h; }
    bool detached() const { return detached_; }
    origin_id origin() const { return bus_.origin(); }
    control_handle handle() const { return bus_; }

    void remember(const lease& l) { leases_[static_cast<unsigned>(l.lease_class)] = l; }
    /// The last that it was given, which may have ended.
    const std::optional<lease>& last(lease_class c) const {
        return leases_[static_cast<unsigned>(c)];
    }

    std::optional<wait_id> waits;
    std::optional<correlation_id> submitted; ///< the latest

private:
    sim::stage& on_;
    control_handle bus_;
    bool detached_ = false;
    std::array<std::optional<lease>, lease_class_count> leases_;
};

/// Serves every role. What it is given it keeps until it is told to go on with it, unless it is
/// `eager`.
class machine {
public:
    static constexpr roles serves =
        role::memctx_provider | role::memory_writer | role::host_management | role::input;

    machine(sim::stage& s, bool eager)
        : codes_{input_codes::keyboard()}
        , on_{s}
        , eager_{eager} {}

    // What the core calls.

    void on_attach(adapter_handle b) {
        on_.ours([&] {
            bus_ = b;
            at_ = b.endpoint();
        });
    }
    void on_detached() {
        on_.ours([&] {
            on_.broken.expect(!detached_, "one last on_detached", bus_.id().value);
            detached_ = true;
            on_.model.keys.device_gone(at_, bus_.id());
        });
    }
    void execute(fenced_command c, adapter_handle) {
        on_.ours([&] {
            alive();
            on_.model.handed_over(c.id(), at_);
            if (on_.model.commands.find(c.id())->what.verb == verb::reset)
                on_.broken.expect(!on_.model.keys.anything_down(at_), "no key survives a reset",
                                  at_.value);
            throw_if_told();
            on_.interfere();
            work_.push_back({c});
            if (eager_) finish_all();
        });
    }
    const input_codes& codes() const { return codes_; }
    std::size_t neutral(std::span<const input_change> frame, adapter_handle) {
        return on_.ours([&] {
            alive();
            throw_if_told();
            on_.model.keys.asked(at_, bus_.id(), codes_, frame);
            on_.interfere();
            on_.model.keys.accepted(at_, bus_.id(), codes_, frame, frame.size());
            return frame.size();
        });
    }
    expected<memctx_locator, os_error> describe() {
        return on_.ours([&]() -> expected<memctx_locator, os_error> {
            alive();
            throw_if_told();
            memctx_locator l;
            l.fd_count = 1;
            (void)l.add(ram_region{0, sim::ram_bytes, 0, 0, 0});
            return l;
        });
    }
    expected<ram_fds, os_error> share_fds() {
        return on_.ours([&]() -> expected<ram_fds, os_error> {
            alive();
            throw_if_told();
            ram_fds f;
            f.fd[0] = sim::sealed_ram();
            f.count = 1;
            return f;
        });
    }
    void invalidate(epoch_number, adapter_handle) {
        on_.ours([&] {
            alive();
            throw_if_told();
            on_.interfere();
        });
    }

    // What it is told to do.

    bool detached() const { return detached_; }
    adapter_id id() const { return bus_.id(); }
    bool busy() const { return !work_.empty(); }

    /// Takes the oldest that it was given, or completes it.
    bool proceed() {
        if (work_.empty()) return false;
        work& w = work_.front();
        if (!w.taken) {
            if (!take(w)) work_.erase(work_.begin());
            return true;
        }
        const work done = w;
        work_.erase(work_.begin());
        finish(done, {});
        return true;
    }
    /// Fails at it, whether it has taken it or not.
    bool fail() {
        if (work_.empty()) return false;
        const work w = work_.front();
        work_.erase(work_.begin());
        finish(w, completion::failed(failure::io, EIO));
        return true;
    }
    void finish_all() {
        while (!work_.empty()) {
            work w = work_.front();
            work_.erase(work_.begin());
            if (w.taken || take(w)) finish(w, {});
        }
    }
    /// When it is called next.
    bool will_throw() {
        if (detached_ || throws_) return false;
        return throws_ = true;
    }
    void input_ready() {
        on_.bus([&] { bus_.input_ready(); });
    }
    bool publish() {
        return on_.bus([&] { return bus_.publish(bus_.epoch()); });
    }
    void is_reset_by_its_guest() {
        on_.bus([&] { return bus_.emit(lifecycle{transition::reset, cause::guest}); });
    }

private:
    struct work {
        fenced_command c;
        bool taken = false;
        verb what = verb::none;
    };

    void alive() {
        on_.broken.expect(!detached_, "detach is a barrier: no callback begins", bus_.id().value);
    }
    void throw_if_told() {
        if (throws_) throw sim::scripted_failure{};
    }
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
    void finish(const work& w, const completion& how) {
        if (w.what == verb::reset) // once more than it happened, as QEMU tells it
            for (int i = 0; i < 2; ++i)
                on_.bus([&] { return bus_.emit(lifecycle{transition::reset, cause::host}); });
        if (!detached_) on_.model.completes(w.c.id(), bus_.id(), how.outcome == outcome::done);
        on_.bus([&] { bus_.complete(w.c.id(), how); });
    }

    const input_codes codes_;
    sim::stage& on_;
    const bool eager_;
    adapter_handle bus_;
    endpoint_id at_;
    bool detached_ = false;
    bool throws_ = false;
    std::vector<work> work_;
};

} // namespace vmsig::exhaustive
