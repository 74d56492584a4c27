// Time in a turn: CLOCK_MONOTONIC nanoseconds as plain integers. Not a clock: only the loop reads
// one, everybody else is told.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace vmsig {

/// Anything shaped like std::chrono::duration, without including <chrono>.
template <class D>
concept duration_like = requires(const D d) {
    {d.count()};
    D::period::num;
    D::period::den;
};

/// A length of time in nanoseconds.
struct duration {
    std::int64_t ns = 0;

    constexpr duration() = default;
    constexpr explicit duration(std::int64_t nanoseconds)
        : ns{nanoseconds} {}
    template <duration_like D>
    constexpr duration(const D& length)
        : ns{static_cast<std::int64_t>(length.count() * (1'000'000'000 / D::period::den) *
                                       D::period::num)} {
        static_assert(1'000'000'000 % D::period::den == 0, "no finer than a nanosecond");
    }
    constexpr explicit operator bool() const { return ns != 0; }
    friend constexpr auto operator<=>(const duration&, const duration&) = default;
};

constexpr duration microseconds(std::int64_t n) { return duration{n * 1'000}; }
constexpr duration milliseconds(std::int64_t n) { return duration{n * 1'000'000}; }
constexpr duration seconds(std::int64_t n) { return duration{n * 1'000'000'000}; }

/// A point on CLOCK_MONOTONIC in nanoseconds; the default is "no time given".
struct instant {
    std::int64_t ns = 0;

    static constexpr instant never() { return {std::numeric_limits<std::int64_t>::max()}; }
    constexpr explicit operator bool() const { return ns != 0; }
    friend constexpr auto operator<=>(const instant&, const instant&) = default;
    /// Saturates at `never()`.
    friend constexpr instant operator+(instant t, duration d) {
        std::int64_t sum = 0;
        return __builtin_add_overflow(t.ns, d.ns, &sum) ? never() : instant{sum};
    }
    friend constexpr duration operator-(instant a, instant b) { return duration{a.ns - b.ns}; }
};

} // namespace vmsig
