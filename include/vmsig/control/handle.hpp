// control_handle: what a control acts through. Weak and copyable, two words: after the control was
// detached, after the core is gone, and in a forked child, every call answers `gone`. To be used on
// the loop thread, inside a callback or outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <vmsig/audit/record.hpp>
#include <vmsig/base/anchor.hpp>
#include <vmsig/base/function_ref.hpp>
#include <vmsig/control/answers.hpp>
#include <vmsig/event/command.hpp>
#include <vmsig/event/payloads.hpp>
#include <vmsig/grant/subscription.hpp>
#include <vmsig/reactor/interest.hpp>

namespace vmsig {

/// The verbs of a core, as a handle sees them: generated once for each core type.
struct control_api {
    submit_result (*submit)(void*, origin_id, const command&, std::span<const std::byte>);
    cancel_result (*cancel)(void*, origin_id, correlation_id);
    acquire_result (*acquire)(void*, origin_id, endpoint_id, lease_class, const lease_options&);
    refusal (*release)(void*, origin_id, const lease&);
    refusal (*renew)(void*, origin_id, const lease&, duration);
    refusal (*withdraw)(void*, origin_id, wait_id);
    expected<lease_view, refusal> (*status)(void*, origin_id, endpoint_id, lease_class);
    refusal (*force_release)(void*, origin_id, endpoint_id, lease_class);
    expected<std::size_t, refusal> (*read_audit)(void*, origin_id, endpoint_id, std::size_t,
                                                 function_ref<void(const audit_record&)>);
    expected<endpoint_statistics, refusal> (*statistics)(void*, origin_id, endpoint_id);
    refusal (*subscribe)(void*, origin_id, const subscription&);
    refusal (*may)(void*, origin_id, verb, endpoint_id);
    expected<memctx_export, refusal> (*memctx)(void*, origin_id, endpoint_id);
    void (*memctx_lost)(void*, origin_id, endpoint_id);
    refusal (*refresh)(void*, origin_id, endpoint_id);
    refusal (*pin)(void*, origin_id, payload_id);
    void (*unpin)(void*, origin_id, payload_id);
    std::span<const std::byte> (*bytes)(void*, origin_id, payload_id);
    refusal (*want)(void*, origin_id, interests);
    expected<endpoint_id, refusal> (*find)(void*, origin_id, std::string_view);
    void (*detach)(void*, origin_id);
};

class control_handle {
public:
    constexpr control_handle() = default;
    constexpr control_handle(const anchor& core, origin_id who)
        : anchor_{&core}
        , who_{who} {}

    /// Who this control is, in commands and in what it causes.
    constexpr origin_id origin() const { return who_; }

    /// Answers at once. `bulk` (a long frame, or the bytes of a long write, followed by the
    /// expected ones when the command compares) is copied.
    submit_result submit(const command& c, std::span<const std::byte> bulk = {}) const {
        return call(&control_api::submit, submit_result{{}, refusal::gone}, c, bulk);
    }
    /// Total: a command that has not begun ends in `cancelled`.
    cancel_result cancel(correlation_id id) const {
        return call(&control_api::cancel, cancel_result::gone, id);
    }
    /// The grant is also an event to the owner (who may await that instead, also when it waits).
    /// Acquiring what one holds keeps the serial. `not_ready` before this endpoint's replay_end.
    acquire_result acquire(endpoint_id e, lease_class c, const lease_options& options = {}) const {
        acquire_result gone;
        gone.why = refusal::gone;
        return call(&control_api::acquire, gone, e, c, options);
    }
    /// Total and idempotent: releasing what one does not hold changes nothing (`not_holder`).
    /// Also the early answer to `lease_asked`. No `lease_lost` follows one's own release.
    refusal release(const lease& l) const { return call(&control_api::release, refusal::gone, l); }
    /// A new time to live from now, under the same serial.
    refusal renew(const lease& l, duration time_to_live) const {
        return call(&control_api::renew, refusal::gone, l, time_to_live);
    }
    refusal withdraw(wait_id w) const { return call(&control_api::withdraw, refusal::gone, w); }
    /// Needs `observe`.
    expected<lease_view, refusal> status(endpoint_id e, lease_class c) const {
        return call(&control_api::status, refused<lease_view>(), e, c);
    }
    /// Needs `admin`.
    refusal force_release(endpoint_id e, lease_class c) const {
        return call(&control_api::force_release, refusal::gone, e, c);
    }
    /// Among the last `n` decisions those about this endpoint, oldest first; how many there were.
    /// Needs `admin`, and a sink that keeps records (`unsupported` otherwise).
    expected<std::size_t, refusal> read_audit(endpoint_id e, std::size_t n,
                                              function_ref<void(const audit_record&)> f) const {
        return call(&control_api::read_audit, refused<std::size_t>(), e, n, f);
    }
    /// Needs `admin`.
    expected<endpoint_statistics, refusal> statistics(endpoint_id e) const {
        return call(&control_api::statistics, refused<endpoint_statistics>(), e);
    }
    /// What to see from now on; what is new is replayed.
    refusal subscribe(const subscription& s) const {
        return call(&control_api::subscribe, refusal::gone, s);
    }
    /// Asks without doing: `none` when `submit` of this verb would pass its check of rights.
    refusal may(verb v, endpoint_id e) const {
        return call(&control_api::may, refusal::gone, v, e);
    }
    /// The audited export. Needs `memctx`. Descriptors come once per epoch.
    expected<memctx_export, refusal> memctx(endpoint_id e) const {
        return call(&control_api::memctx, refused<memctx_export>(), e);
    }
    /// The descriptors of the last one did not arrive; the next one brings them again.
    void memctx_lost(endpoint_id e) const {
        if (void* core = reach()) api().memctx_lost(core, who_, e);
    }
    /// Asks the provider to publish again, under the same epoch. Needs `memctx`.
    refusal refresh(endpoint_id e) const { return call(&control_api::refresh, refusal::gone, e); }
    /// Keeps a pooled payload beyond the callback that delivered it, charged to this control.
    refusal pin(payload_id p) const { return call(&control_api::pin, refusal::gone, p); }
    void unpin(payload_id p) const {
        if (void* core = reach()) api().unpin(core, who_, p);
    }
    /// A payload that is being delivered or that this control pinned; else empty.
    std::span<const std::byte> bytes(payload_id p) const {
        return call(&control_api::bytes, std::span<const std::byte>{}, p);
    }
    /// What `on_ready` is told of the control's own descriptor, beside hang-ups and errors: `read`
    /// unless said otherwise.
    refusal want(interests what) const { return call(&control_api::want, refusal::gone, what); }
    /// Write interest on or off, beside reading.
    refusal want_write(bool on) const {
        return want(on ? interest::read | interest::write : interests{interest::read});
    }
    /// The endpoint of that name, if this control holds any right on it.
    expected<endpoint_id, refusal> find(std::string_view name) const {
        return call(&control_api::find, refused<endpoint_id>(), name);
    }
    /// A barrier: when it returns, no callback of this control begins any more.
    void detach() const {
        if (void* core = reach()) api().detach(core, who_);
    }
    /// The control threw: it is detached. Called by the generated table.
    void fault() const { detach(); }
    friend constexpr bool operator==(const control_handle& a, const control_handle& b) {
        return a.anchor_ == b.anchor_ && a.who_ == b.who_;
    }

private:
    void* reach() const {
        return anchor_ ? anchor_->core.load(std::memory_order_relaxed) : nullptr;
    }
    const control_api& api() const {
        return *static_cast<const control_api*>(anchor_->control_api);
    }

    template <class T>
    static expected<T, refusal> refused() {
        return unexpected<refusal>{refusal::gone};
    }
    template <class R, class... Parameters, class... Args>
    R call(R (*control_api::*verb)(void*, origin_id, Parameters...), R gone,
           const Args&... args) const {
        void* core = reach();
        return core ? (api().*verb)(core, who_, args...) : std::move(gone);
    }

    const anchor* anchor_ = nullptr;
    origin_id who_;
};

} // namespace vmsig
