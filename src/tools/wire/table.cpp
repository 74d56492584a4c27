// table: the layouts of frames and payloads, read off the types.
#include "wire.hpp"

#include <type_traits>

namespace vmsig::wire_tool {
namespace {

template <class E>
enumeration words_of(std::string name) {
    enumeration out{std::move(name), {}};
    for (unsigned n = 0; n <= static_cast<unsigned>(wire::last_of<E>); ++n) {
        if constexpr (std::is_same_v<E, wire::farewell>)
            out.words.emplace_back(wire::name_of(static_cast<E>(n)));
        else
            out.words.emplace_back(name_of(static_cast<E>(n)));
    }
    return out;
}

template <class T>
std::string enum_name() {
    if constexpr (std::is_same_v<T, kind>) return "kind";
    if constexpr (std::is_same_v<T, source>) return "source";
    if constexpr (std::is_same_v<T, lane>) return "lane";
    if constexpr (std::is_same_v<T, verb>) return "verb";
    if constexpr (std::is_same_v<T, write_mode>) return "write_mode";
    if constexpr (std::is_same_v<T, lease_class>) return "lease_class";
    if constexpr (std::is_same_v<T, lease_end>) return "lease_end";
    if constexpr (std::is_same_v<T, refusal>) return "refusal";
    if constexpr (std::is_same_v<T, outcome>) return "outcome";
    if constexpr (std::is_same_v<T, failure>) return "failure";
    if constexpr (std::is_same_v<T, transition>) return "transition";
    if constexpr (std::is_same_v<T, cause>) return "cause";
    if constexpr (std::is_same_v<T, vm_state>) return "vm_state";
    if constexpr (std::is_same_v<T, paging_mode>) return "paging_mode";
    if constexpr (std::is_same_v<T, export_level>) return "export_level";
    if constexpr (std::is_same_v<T, decision>) return "decision";
    if constexpr (std::is_same_v<T, cancel_result>) return "cancel_result";
    if constexpr (std::is_same_v<T, acquire_result::status>) return "acquire_status";
    if constexpr (std::is_same_v<T, wire::farewell>) return "farewell";
    return {};
}

template <class T>
std::string type_name() {
    if constexpr (std::is_same_v<T, bool>) {
        return "bool";
    } else if constexpr (std::is_enum_v<T>) {
        return enum_name<T>();
    } else if constexpr (std::is_same_v<T, instant> || std::is_same_v<T, duration>) {
        return "i64";
    } else if constexpr (wire::detail::is_reserved<T>) {
        return "zero";
    } else if constexpr (wire::detail::is_array<T>) {
        return "text";
    } else {
        const bool is_signed = std::is_signed_v<T> && std::is_integral_v<T>;
        return (is_signed ? "i" : "u") + std::to_string(sizeof(T) * 8);
    }
}

template <class T>
std::vector<field> fields_of() {
    std::vector<field> out;
    std::size_t offset = 0;
    wire::layout<T>::fields([&](const char* name, auto m, const char* meaning) {
        using type = wire::detail::member_type<decltype(m)>;
        const std::size_t bytes = wire::size_of<type>();
        out.push_back({name, type_name<type>(), meaning, offset, bytes});
        offset += bytes;
    });
    return out;
}

template <class T>
frame frame_of(const char* name, unsigned number) {
    frame f{name, number, fields_of<T>(), wire::size_of<T>(), {}};
    if constexpr (requires { T::tail; }) f.tail = T::tail;
    return f;
}

} // namespace

std::vector<enumeration> enumerations() {
    std::vector<enumeration> out;
    out.push_back(words_of<verb>("verb"));
    out.push_back(words_of<lane>("lane"));
    out.push_back(words_of<write_mode>("write_mode"));
    out.push_back(words_of<lease_class>("lease_class"));
    out.push_back(words_of<refusal>("refusal"));
    out.push_back(words_of<outcome>("outcome"));
    out.push_back(words_of<failure>("failure"));
    out.push_back(words_of<lease_end>("lease_end"));
    out.push_back(words_of<transition>("transition"));
    out.push_back(words_of<cause>("cause"));
    out.push_back(words_of<vm_state>("vm_state"));
    out.push_back(words_of<paging_mode>("paging_mode"));
    out.push_back(words_of<export_level>("export_level"));
    out.push_back(words_of<cancel_result>("cancel_result"));
    out.push_back(words_of<acquire_result::status>("acquire_status"));
    out.push_back(words_of<wire::farewell>("farewell"));
    out.push_back(words_of<decision>("decision"));
    return out;
}

std::vector<frame> requests() {
    std::vector<frame> out;
    wire::for_each_request([&]<class F>(const char* name) {
        out.push_back(frame_of<F>(name, static_cast<unsigned>(F::type)));
    });
    return out;
}

std::vector<frame> replies() {
    std::vector<frame> out;
    wire::for_each_reply([&]<class F>(const char* name) {
        out.push_back(frame_of<F>(name, static_cast<unsigned>(F::type)));
    });
    return out;
}

std::vector<frame> payloads() {
    std::vector<frame> out;
    wire::core_payloads::any([&]<class P>() {
        const std::string name{traits_of(P::event_kind).name};
        out.push_back(frame_of<P>(name.c_str(), static_cast<unsigned>(P::event_kind)));
        return false;
    });
    return out;
}

} // namespace vmsig::wire_tool
