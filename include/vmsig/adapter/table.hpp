// adapter_table: one adapter type behind function pointers, made by the compiler at `attach`. The
// only place where an exception of an adapter is caught: it says so to the core, which quarantines.
#pragma once

#include <vmsig/adapter/adapter.hpp>

namespace vmsig {

/// The object and the handle that it gets with each call.
struct adapter_binding {
    void* self = nullptr;
    adapter_handle handle;
};

/// Entries are null where the adapter has no such function.
struct adapter_table {
    roles serves;
    void (*on_attach)(adapter_binding&) = nullptr;
    void (*on_ready)(adapter_binding&, cookie) = nullptr;
    void (*on_hangup)(adapter_binding&, cookie) = nullptr;
    void (*on_detached)(adapter_binding&) = nullptr;
    void (*execute)(adapter_binding&, correlation_id) = nullptr;
    const input_codes* (*codes)(adapter_binding&) = nullptr;
    std::span<const input_region> (*regions)(adapter_binding&) = nullptr;
    std::size_t (*neutral)(adapter_binding&, std::span<const input_change>) = nullptr;
    expected<memctx_locator, os_error> (*describe)(adapter_binding&) = nullptr;
    expected<ram_fds, os_error> (*share_fds)(adapter_binding&) = nullptr;
    void (*invalidate)(adapter_binding&, epoch_number) = nullptr;
};

template <adapter A>
struct adapter_table_for {
    static_assert(!misspells_a_hook<A>(),
                  "a function of the adapter has not the signature in adapter.hpp");

    /// `f` on the adapter; `otherwise` after an exception.
    template <class F, class R>
    static R guarded(adapter_binding& b, F&& f, R otherwise) {
        try {
            return f(*static_cast<A*>(b.self), b.handle);
        } catch (...) {
            b.handle.fault();
            return otherwise;
        }
    }
    template <class F>
    static void guarded(adapter_binding& b, F&& f) {
        guarded(
            b,
            [&f](A& a, adapter_handle bus) {
                f(a, bus);
                return 0;
            },
            0);
    }

    static constexpr void fill_provider(adapter_table& t) {
        using bind = adapter_binding;
        t.describe = [](bind& b) {
            return guarded(
                b,
                [](A& a, adapter_handle) -> expected<memctx_locator, os_error> {
                    return a.describe();
                },
                expected<memctx_locator, os_error>{unexpected<os_error>{{EFAULT, "describe"}}});
        };
        t.share_fds = [](bind& b) {
            return guarded(
                b,
                [](A& a, adapter_handle) -> expected<ram_fds, os_error> { return a.share_fds(); },
                expected<ram_fds, os_error>{unexpected<os_error>{{EFAULT, "share_fds"}}});
        };
        t.invalidate = [](bind& b, epoch_number e) {
            guarded(b, [e](A& a, adapter_handle bus) { a.invalidate(e, bus); });
        };
    }

    static constexpr adapter_table value = [] {
        using bind = adapter_binding;
        adapter_table t;
        t.serves = served_by<A>();
        if constexpr (attachable<A>)
            t.on_attach = [](bind& b) {
                guarded(b, [](A& a, adapter_handle bus) { a.on_attach(bus); });
            };
        if constexpr (watcher<A>)
            t.on_ready = [](bind& b, cookie c) {
                guarded(b, [c](A& a, adapter_handle bus) { a.on_ready(c, bus); });
            };
        if constexpr (hangup_watcher<A>)
            t.on_hangup = [](bind& b, cookie c) {
                guarded(b, [c](A& a, adapter_handle bus) { a.on_hangup(c, bus); });
            };
        if constexpr (detachable<A>)
            t.on_detached = [](bind& b) {
                guarded(b, [](A& a, adapter_handle) { a.on_detached(); });
            };
        if constexpr (executor<A>)
            t.execute = [](bind& b, correlation_id id) {
                guarded(b, [id](A& a, adapter_handle bus) {
                    a.execute(fenced_command{bus, id}, bus);
                });
            };
        if constexpr (input_adapter<A>) {
            t.codes = [](bind& b) -> const input_codes* {
                return guarded(
                    b, [](A& a, adapter_handle) { return &static_cast<const A&>(a).codes(); },
                    static_cast<const input_codes*>(nullptr));
            };
            if constexpr (requires(const A& a) { a.regions(); })
                t.regions = [](bind& b) {
                    return guarded(
                        b,
                        [](A& a, adapter_handle) -> std::span<const input_region> {
                            return a.regions();
                        },
                        std::span<const input_region>{});
                };
            t.neutral = [](bind& b, std::span<const input_change> frame) {
                return guarded(
                    b,
                    [frame](A& a, adapter_handle bus) -> std::size_t {
                        return a.neutral(frame, bus);
                    },
                    std::size_t{0});
            };
        }
        if constexpr (memctx_provider<A>) fill_provider(t);
        return t;
    }();
};

} // namespace vmsig
