// adapter_handle: what an adapter acts through. Weak and copyable, two words: after the adapter was
// detached, after the core is gone, and in a forked child, nothing happens. Loop thread only; an
// adapter with threads of its own brings them here by a descriptor that it watches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <vmsig/adapter/fenced_command.hpp>
#include <vmsig/base/anchor.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/event/event.hpp>
#include <vmsig/event/payloads.hpp>
#include <vmsig/reactor/interest.hpp>

namespace vmsig {

/// The verbs of a core towards adapters: generated once for each core type.
struct adapter_api {
    expected<watch_id, os_error> (*watch)(void*, adapter_id, int, interests, cookie);
    expected<void, os_error> (*rearm)(void*, adapter_id, watch_id, interests);
    void (*unwatch)(void*, adapter_id, watch_id);
    bool (*emit)(void*, adapter_id, event&);
    payload_id (*allocate)(void*, adapter_id, std::uint32_t);
    std::span<std::byte> (*bytes)(void*, adapter_id, payload_id);
    void (*discard)(void*, adapter_id, payload_id);
    bool (*publish)(void*, adapter_id, epoch_number);
    void (*complete)(void*, adapter_id, correlation_id, const completion&);
    expected<taken_command, outcome> (*take)(void*, adapter_id, correlation_id);
    bool (*pending)(void*, adapter_id, correlation_id);
    void (*input_ready)(void*, adapter_id);
    endpoint_id (*endpoint)(void*, adapter_id);
    epoch_number (*epoch)(void*, adapter_id);
    instant (*now)(void*);
    void (*detach)(void*, adapter_id, bool fault);
};

class adapter_handle {
public:
    constexpr adapter_handle() = default;
    constexpr adapter_handle(const anchor& core, adapter_id me)
        : anchor_{&core}
        , me_{me} {}

    constexpr adapter_id id() const { return me_; }

    /// Watches a borrowed descriptor, level-triggered; `on_ready` gets the cookie. At most 8 per
    /// adapter (EMFILE beyond); EINVAL for an adapter without `on_ready`. Unwatch before closing
    /// it.
    expected<watch_id, os_error> watch(int fd, interests what, cookie c) const {
        return call(&adapter_api::watch, unexpected_gone<watch_id>(), fd, what, c);
    }
    expected<void, os_error> rearm(watch_id w, interests what) const {
        return call(&adapter_api::rearm, unexpected_gone<void>(), w, what);
    }
    void unwatch(watch_id w) const {
        if (void* core = reach()) api().unwatch(core, me_, w);
    }

    /// One of the bus's own events. Subscribers run under this call, unless a callback is running
    /// already: emit last. False: dropped and counted, the ring of deferred events is full.
    template <core_payload P>
    bool emit(const P& payload) const {
        event e;
        e.kind = P::event_kind;
        e.set_payload(payload);
        return emit(e);
    }
    /// An event of a kind that the host registered.
    template <inline_payload P>
    bool emit(vmsig::kind k, const P& payload) const {
        event e;
        e.kind = k;
        e.set_payload(payload);
        return emit(e);
    }
    /// The same with a pooled payload, which this call gives away. False also when `payload` is not
    /// a live block or shorter than `size` bytes.
    bool emit(vmsig::kind k, payload_id payload, std::uint32_t size) const {
        event e;
        e.kind = k;
        e.payload = payload;
        e.payload_size = size;
        return emit(e);
    }
    /// A block of the pool to fill; an empty id when none is free.
    payload_id allocate(std::uint32_t bytes) const {
        return call(&adapter_api::allocate, payload_id{}, bytes);
    }
    std::span<std::byte> bytes(payload_id p) const {
        return call(&adapter_api::bytes, std::span<std::byte>{}, p);
    }
    void discard(payload_id p) const {
        if (void* core = reach()) api().discard(core, me_, p);
    }

    /// The memctx is ready for that epoch; publishing again under the same one is a refresh.
    /// False: another epoch than the current one, dropped and counted.
    bool publish(epoch_number e) const { return call(&adapter_api::publish, false, e); }
    /// Ends a command that was taken (or that cannot be). A second completion is ignored.
    void complete(correlation_id id, const completion& how = completed) const {
        if (void* core = reach()) api().complete(core, me_, id, how);
    }
    /// There is room again after `neutral` accepted less than all.
    void input_ready() const {
        if (void* core = reach()) api().input_ready(core, me_);
    }
    endpoint_id endpoint() const { return call(&adapter_api::endpoint, endpoint_id{}); }
    epoch_number epoch() const { return call(&adapter_api::epoch, epoch_number{}); }
    /// The time of this turn.
    instant now() const {
        void* core = reach();
        return core ? api().now(core) : instant{};
    }
    /// A barrier: when it returns, no callback of this adapter begins any more.
    void detach() const {
        if (void* core = reach()) api().detach(core, me_, false);
    }
    /// The adapter threw: it is quarantined. Called by the generated table.
    void fault() const {
        if (void* core = reach()) api().detach(core, me_, true);
    }

private:
    friend class fenced_command;

    bool emit(event& e) const {
        void* core = reach();
        return core && api().emit(core, me_, e);
    }
    void* reach() const {
        return anchor_ ? anchor_->core.load(std::memory_order_relaxed) : nullptr;
    }
    const adapter_api& api() const {
        return *static_cast<const adapter_api*>(anchor_->adapter_api);
    }

    template <class T>
    static expected<T, os_error> unexpected_gone() {
        return unexpected<os_error>{os_error{ENODEV, "detached"}};
    }
    template <class R, class... Parameters, class... Args>
    R call(R (*adapter_api::*verb)(void*, adapter_id, Parameters...), R gone,
           const Args&... args) const {
        void* core = reach();
        return core ? (api().*verb)(core, me_, args...) : std::move(gone);
    }

    const anchor* anchor_ = nullptr;
    adapter_id me_;
};

inline fenced_command::fenced_command(const adapter_handle& to, correlation_id id)
    : fenced_command{*to.anchor_, to.me_, id} {}

inline expected<taken_command, outcome> fenced_command::take() const {
    void* core = anchor_->core.load(std::memory_order_relaxed);
    if (!core) return unexpected<outcome>{outcome::endpoint_gone};
    return static_cast<const adapter_api*>(anchor_->adapter_api)->take(core, to_, id_);
}

inline bool fenced_command::pending() const {
    void* core = anchor_->core.load(std::memory_order_relaxed);
    return core && static_cast<const adapter_api*>(anchor_->adapter_api)->pending(core, to_, id_);
}

} // namespace vmsig
