// control_table: one control type behind function pointers, made by the compiler at `attach`. The
// only place where an exception of a control is caught.
#pragma once

#include <vmsig/control/control.hpp>

namespace vmsig {

/// The object and the handle that it gets with each call.
struct control_binding {
    void* self = nullptr;
    control_handle handle;
};

/// Entries are null where the control has no such function.
struct control_table {
    void (*deliver)(void* binding, const event&) = nullptr;
    void (*on_detached)(void* binding) = nullptr;
    void (*on_ready)(void* binding, interests) = nullptr;
    void (*flush)(void* binding) = nullptr;
    void (*take_back)(void* binding, const grant&) = nullptr;
};

template <control C>
struct control_table_for {
    template <class F>
    static void guarded(void* p, F&& f) {
        auto& binding = *static_cast<control_binding*>(p);
        try {
            f(*static_cast<C*>(binding.self), binding.handle);
        } catch (...) {
            binding.handle.fault();
        }
    }
    static void deliver(void* p, const event& e) {
        guarded(p, [&e](C& c, control_handle bus) { c.on_event(e, bus); });
    }
    static void ready(void* p, interests what) {
        guarded(p, [what](C& c, control_handle bus) { c.on_ready(what, bus); });
    }
    static void flush(void* p) {
        guarded(p, [](C& c, control_handle bus) { c.flush(bus); });
    }
    static void take_back(void* p, const grant& g) {
        guarded(p, [&g](C& c, control_handle) { c.take_back(g); });
    }
    static void farewell(void* p) {
        guarded(p, [](C& c, control_handle) { c.on_detached(); });
    }

    // A function of that name with another signature would never be called.
    template <class T = C>
    static constexpr bool misspelled = (requires { &T::on_ready; } && !control_with_fd<T>) ||
                                       (requires { &T::flush; } && !control_with_flush<T>) ||
                                       (requires { &T::take_back; } && !control_with_queue<T>) ||
                                       (requires { &T::receiver_uid; } &&
                                        !control_with_receiver_uid<T>) ||
                                       (requires { &T::on_detached; } && !control_with_farewell<T>);
    static_assert(!misspelled<>, "a callback of the control has not the signature in control.hpp");

    static constexpr control_table value = [] {
        control_table t;
        t.deliver = &deliver;
        if constexpr (control_with_fd<C>) t.on_ready = &ready;
        if constexpr (control_with_flush<C>) t.flush = &flush;
        if constexpr (control_with_queue<C>) t.take_back = &take_back;
        if constexpr (control_with_farewell<C>) t.on_detached = &farewell;
        return t;
    }();
};

} // namespace vmsig
