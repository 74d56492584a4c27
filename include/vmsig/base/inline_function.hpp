// inline_function: an owned callable in a fixed number of bytes, destroyed exactly once, called or
// not. What posts, watches and clean-ups of a host are made of: no allocation.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace vmsig {

template <class Signature, std::size_t Bytes>
class inline_function;

template <class... Args, std::size_t Bytes>
class inline_function<void(Args...), Bytes> {
public:
    template <class F>
    static constexpr bool
        fits = sizeof(F) <= Bytes &&
               alignof(F) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<F>;

    inline_function() = default;
    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, inline_function> &&
             std::is_invocable_v<F&, Args...>) inline_function(F&& f) {
        using target = std::remove_cvref_t<F>;
        static_assert(fits<target>, "the closure is too large for its fixed place");
        ::new (static_cast<void*>(place_)) target(std::forward<F>(f));
        call_ = [](void* self, Args... args) { (*static_cast<target*>(self))(args...); };
        leave_ = [](void* self, void* other) {
            auto* held = static_cast<target*>(self);
            if (other) ::new (other) target(std::move(*held));
            held->~target();
        };
    }
    inline_function(inline_function&& other) noexcept { take(other); }
    inline_function& operator=(inline_function&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    ~inline_function() { reset(); }

    explicit operator bool() const { return call_ != nullptr; }
    /// Only when there is a target.
    void operator()(Args... args) { call_(place_, args...); }
    void reset() {
        if (std::exchange(call_, nullptr)) leave_(place_, nullptr);
    }

private:
    void take(inline_function& other) {
        if (other.call_) other.leave_(other.place_, place_);
        call_ = other.call_;
        leave_ = other.leave_;
        other.call_ = nullptr;
    }

    alignas(std::max_align_t) std::byte place_[Bytes];
    void (*call_)(void*, Args...) = nullptr;
    void (*leave_)(void* self, void* move_to_or_null) = nullptr;
};

} // namespace vmsig
