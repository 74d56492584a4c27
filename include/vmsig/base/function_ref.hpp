// function_ref: a borrowed callable object, two words, never null. It must not be kept beyond the
// call that it was passed to, unless the owner of the callable says so. Wrap a plain function in a
// lambda: it is no object.
#pragma once

#include <type_traits>
#include <utility>

namespace vmsig {

template <class Signature>
class function_ref;

template <class R, class... Args>
class function_ref<R(Args...)> {
public:
    template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, function_ref> &&
             std::is_object_v<std::remove_reference_t<F>> &&
             std::is_invocable_r_v<R, F&, Args...>) constexpr function_ref(F&& f)
        : object_{const_cast<void*>(static_cast<const void*>(__builtin_addressof(f)))}
        , call_{[](void* object, Args... args) -> R {
            return static_cast<R>((*static_cast<std::add_pointer_t<std::remove_reference_t<F>>>(
                object))(std::forward<Args>(args)...));
        }} {}

    constexpr R operator()(Args... args) const {
        return call_(object_, std::forward<Args>(args)...);
    }

private:
    void* object_;
    R (*call_)(void*, Args...);
};

} // namespace vmsig
