// actor: a control of the soak. At each tick it does something that it has a right to, or would
// like to have: takes and loses leases, types, writes, reads, resets, looks into exported memory.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include <vmsig/control/build.hpp>
#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/view.hpp>

namespace soak {

using namespace vmsig;

struct tally {
    std::uint64_t events = 0, accepted = 0, refused = 0, receipts = 0, looks = 0, exports = 0;
    std::array<std::uint64_t, 16> by_outcome{};
    const char* wrong = nullptr; ///< what happened first that must not
};

class actor {
public:
    void start(tally& t, endpoint_id vm, std::uint64_t seed) {
        t_ = &t;
        vm_ = vm;
        random_ = seed * 0x9e37'79b9'7f4a'7c15 + 1;
    }
    void attached(control_handle bus) { bus_ = bus; }
    void on_event(const event& e, control_handle bus) {
        ++t_->events;
        bus_ = bus;
        if (e.is(kind::replay_end)) ready_ = true;
        if (e.is(kind::memctx_invalidated)) guest_.reset();
        if (e.is(kind::memctx_published)) look_again();
        if (const auto* got = e.as<lease_granted>()) of(got->lease_class) = *got;
        if (const auto* lost = e.as<lease_lost>()) of(lost->lease_class) = {};
        if (const auto* r = e.as<receipt>()) {
            ++t_->receipts;
            ++t_->by_outcome[static_cast<unsigned>(r->outcome)];
            if (pending_ == 0) t_->wrong = "a receipt of nothing";
            if (pending_ != 0) --pending_;
        }
    }
    void on_detached() {
        guest_.reset();
        leases_ = {};
        ready_ = false;
        abandoned_ += std::exchange(pending_, 0);
    }
    void tick() {
        if (!ready_) return;
        const std::uint64_t r = next();
        const auto c = static_cast<lease_class>(r >> 8 & 3 ? r >> 8 & 1 : 2);
        switch (r % 16) {
        case 0:
        case 1:
            (void)bus_.acquire(vm_, c, {.wait = (r & 0x1000) != 0, .wait_for = milliseconds(5)});
            break;
        case 2: (void)bus_.release(of(c)); break;
        case 3: (void)bus_.acquire(vm_, c, {.time_to_live = milliseconds(3)}); break;
        case 4: submit(press(of(lease_class::input), KEY_A)); break;
        case 5: submit(press(of(lease_class::input), KEY_B).hold(microseconds(200))); break;
        case 6: submit(release_key(of(lease_class::input), KEY_A).within(milliseconds(2))); break;
        case 7: submit(store(of(lease_class::memwrite), scratch(), r)); break;
        case 8: submit_bulk(); break;
        case 9: submit(read_memory(vm_, scratch(), 512)); break;
        case 10: submit(query_status(vm_).delayed(microseconds(300))); break;
        case 11: look(); break;
        case 12: (void)bus_.refresh(vm_); break;
        case 13: submit(query_status(vm_)); break;
        case 14:
            if (r % 64 == 14) submit(power(of(lease_class::power), verb::reset));
            break;
        default: break;
        }
    }
    bool attached() const { return bus_.may(verb::status, vm_) != refusal::gone; }
    control_handle handle() const { return bus_; }
    std::uint64_t pending() const { return pending_; }
    std::uint64_t abandoned() const { return abandoned_; } ///< accepted, then detached

private:
    lease& of(lease_class c) {
        lease& l = leases_[static_cast<unsigned>(c)];
        l.endpoint = vm_;
        l.lease_class = c;
        return l;
    }
    memory_at scratch() const {
        return {VMSIG_GUEST_STATE_ADDRESS + offsetof(vmsig_guest_state, scratch), root_};
    }
    void submit(const command& c, std::span<const std::byte> bulk = {}) {
        const bool accepted = static_cast<bool>(bus_.submit(c, bulk));
        ++(accepted ? t_->accepted : t_->refused);
        pending_ += accepted ? 1 : 0;
    }
    void submit_bulk() {
        static constexpr std::array<std::byte, 64> bytes{};
        submit(write_memory(of(lease_class::memwrite), scratch(), 64, write_mode::paused), bytes);
    }
    void look_again() {
        auto got = bus_.memctx(vm_);
        if (!got) return;
        ++t_->exports;
        root_ = got->locator.root_count ? got->locator.roots()[0].root : 0;
        if (!got->fds_included) return;
        auto view = pread_view::open(got->locator, std::move(got->fds));
        if (view) guest_.emplace(std::move(*view));
    }
    void look() {
        if (!guest_) return;
        const auto magic =
            guest_->read_object<std::uint64_t>({virtual_address{VMSIG_GUEST_STATE_ADDRESS}, root_});
        t_->looks += magic ? 1 : 0;
    }
    std::uint64_t next() { // xorshift64*
        random_ ^= random_ >> 12;
        random_ ^= random_ << 25;
        random_ ^= random_ >> 27;
        return random_ * 0x2545'f491'4f6c'dd1d >> 16;
    }

    tally* t_ = nullptr;
    endpoint_id vm_;
    std::uint64_t random_ = 1;
    control_handle bus_;
    std::array<lease, lease_class_count> leases_{};
    std::optional<pread_view> guest_;
    std::uint64_t root_ = 0, pending_ = 0, abandoned_ = 0;
    bool ready_ = false;
};

} // namespace soak
