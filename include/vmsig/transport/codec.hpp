// codec: values to bytes and back, by the layout of their type. No I/O and no allocation. What a
// type looks like on the wire is said once, in its layout (layouts.hpp,
// requests.hpp, replies.hpp, stream.hpp); encoding,
// decoding, sizes, the documentation and the dissector all come from there.
//
// Decoding trusts nothing: every length is checked against what is there, an enumerator that does
// not exist, a bool beyond 1 and reserved bytes other than 0 are refused.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <vmsig/base/bits.hpp>
#include <vmsig/base/counter.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/base/time.hpp>

namespace vmsig::wire {

static_assert(std::endian::native == std::endian::little, "fields are copied as they are");

/// `template <class V> static constexpr void fields(V&& v)` calls v(name, member, meaning) for each
/// field in order. Frames have it themselves; for other types it is specialised.
template <class T>
struct layout {
    template <class V>
    static constexpr void fields(V&& v) {
        T::fields(v);
    }
};

/// The last enumerator of an enum that travels; specialised for each.
template <class E>
inline constexpr E last_of = [] {
    static_assert(sizeof(E) == 0, "an enum on the wire needs its last enumerator");
    return E{};
}();

/// Bytes that are 0 now and may come to mean something.
template <std::size_t Bytes>
struct reserved {
    friend constexpr bool operator==(const reserved&, const reserved&) = default;
};

/// Text of a fixed size, padded with NUL, with at least one.
template <std::size_t Bytes>
using text = std::array<char, Bytes>;

template <class T>
inline constexpr bool is_text = false;
template <std::size_t Bytes>
inline constexpr bool is_text<text<Bytes>> = true;

/// Up to the first NUL.
template <std::size_t Bytes>
constexpr std::string_view text_of(const text<Bytes>& t) {
    std::size_t n = 0;
    while (n < Bytes && t[n] != '\0') ++n;
    return {t.data(), n};
}

class writer {
public:
    explicit writer(std::span<std::byte> to)
        : to_{to} {}

    std::size_t size() const { return used_; }
    std::size_t room() const { return to_.size() - used_; }
    /// The next `n` bytes. Only where there is room.
    std::byte* claim(std::size_t n) { return to_.data() + std::exchange(used_, used_ + n); }
    void bytes(const void* from, std::size_t n) {
        if (n != 0) std::memcpy(claim(n), from, n);
    }

private:
    std::span<std::byte> to_;
    std::size_t used_ = 0;
};

class reader {
public:
    explicit reader(std::span<const std::byte> from)
        : left_{from} {}

    std::span<const std::byte> left() const { return left_; }
    /// The next `n` bytes. Only where there are so many.
    const std::byte* claim(std::size_t n) { return std::exchange(left_, left_.subspan(n)).data(); }
    bool bytes(void* to, std::size_t n) {
        if (left_.size() < n) return false;
        if (n != 0) std::memcpy(to, claim(n), n);
        return true;
    }

private:
    std::span<const std::byte> left_;
};

namespace detail {

template <class T>
struct of_member;
template <class C, class M>
struct of_member<M C::*> {
    using type = M;
};
template <class P>
using member_type = typename of_member<P>::type;

template <class T>
inline constexpr bool is_reserved = false;
template <std::size_t N>
inline constexpr bool is_reserved<reserved<N>> = true;
template <std::size_t N>
constexpr std::size_t bytes_of(reserved<N>) {
    return N;
}
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

/// The one word of a type that is a word in all but name.
template <class Tag>
constexpr std::uint64_t& word(slot_id<Tag>& v) {
    return v.value;
}
template <class Tag>
constexpr std::uint64_t& word(counter<Tag>& v) {
    return v.value;
}
constexpr std::int64_t& word(instant& v) { return v.ns; }
constexpr std::int64_t& word(duration& v) { return v.ns; }
template <class E>
constexpr std::uint64_t& word(mask<E>& v) {
    return v.bits;
}
template <class T>
concept worded = requires(T& v) {
    word(v);
};
template <class T>
concept plain = std::is_arithmetic_v<T> || std::is_enum_v<T> || worded<T>;

} // namespace detail

/// Bytes of a T on the wire.
template <class T>
constexpr std::size_t size_of() {
    if constexpr (detail::plain<T>) {
        return sizeof(T);
    } else if constexpr (detail::is_reserved<T>) {
        return detail::bytes_of(T{});
    } else if constexpr (detail::is_array<T>) {
        return std::tuple_size_v<T> * size_of<typename T::value_type>();
    } else {
        std::size_t sum = 0;
        layout<T>::fields(
            [&sum](auto, auto m, auto) { sum += size_of<detail::member_type<decltype(m)>>(); });
        return sum;
    }
}

namespace detail {

// At places that are known when it is compiled, so that the bytes of a frame are written, and read,
// as one: nothing is counted field by field.

/// Where there is room for `size_of<T>` bytes.
template <class T>
void store(std::byte* to, const T& value) {
    if constexpr (plain<T>) {
        std::memcpy(to, &value, sizeof value);
    } else if constexpr (is_reserved<T>) {
        std::memset(to, 0, size_of<T>());
    } else if constexpr (is_text<T>) {
        std::memcpy(to, value.data(), value.size());
    } else if constexpr (is_array<T>) {
        for (const auto& one : value) {
            store(to, one);
            to += size_of<typename T::value_type>();
        }
    } else {
        layout<T>::fields([&](auto, auto m, auto) {
            store(to, value.*m);
            to += size_of<member_type<decltype(m)>>();
        });
    }
}

/// Where `size_of<T>` bytes are there.
template <class T>
bool load(const std::byte* from, T& value) {
    if constexpr (std::is_same_v<T, bool>) {
        value = *from == std::byte{1};
        return *from <= std::byte{1};
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> number{};
        std::memcpy(&number, from, sizeof number);
        value = static_cast<T>(number);
        return number <= static_cast<std::underlying_type_t<T>>(last_of<T>);
    } else if constexpr (plain<T>) {
        std::memcpy(&value, from, sizeof value);
        return true;
    } else if constexpr (is_reserved<T>) {
        std::array<std::byte, size_of<T>()> bytes;
        std::memcpy(bytes.data(), from, bytes.size());
        return bytes == decltype(bytes){};
    } else if constexpr (is_text<T>) {
        std::memcpy(value.data(), from, value.size());
        return value.back() == '\0';
    } else if constexpr (is_array<T>) {
        bool good = true;
        for (auto& one : value) {
            good = load(from, one) && good;
            from += size_of<typename T::value_type>();
        }
        return good;
    } else {
        bool good = true;
        layout<T>::fields([&](auto, auto m, auto) {
            good = load(from, value.*m) && good;
            from += size_of<member_type<decltype(m)>>();
        });
        return good;
    }
}

} // namespace detail

/// Only where there is room.
template <class T>
void put(writer& to, const T& value) {
    detail::store(to.claim(size_of<T>()), value);
}

/// False: too few bytes, or a value that means nothing; `value` is then to be forgotten.
template <class T>
bool get(reader& from, T& value) {
    constexpr std::size_t needed = size_of<T>();
    return from.left().size() >= needed && detail::load(from.claim(needed), value);
}

} // namespace vmsig::wire
