// random: the only source of chance in a simulation. Each step has its own stream, made from the
// seed and the number of the step, so that leaving a step out does not change the others.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vmsig::sim {

/// splitmix64 (Steele, Lea, Flood 2014).
class random {
public:
    explicit random(std::uint64_t seed)
        : state_{seed} {}
    random(std::uint64_t seed, std::uint64_t stream)
        : state_{seed * 0x9e37'79b9'7f4a'7c15 + stream * 0xd1b5'4a32'd192'ed03} {
        (void)next();
    }

    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e37'79b9'7f4a'7c15;
        z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9;
        z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11eb;
        return z ^ (z >> 31);
    }
    /// 0 to `n` - 1; 0 for 0.
    std::uint32_t below(std::size_t n) {
        return n == 0 ? 0 : static_cast<std::uint32_t>(next() % n);
    }
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }
    bool chance(unsigned percent) { return below(100) < percent; }
    /// One of a container that is not empty.
    template <class C>
    auto& pick(C& c) {
        return c[below(c.size())];
    }

private:
    std::uint64_t state_;
};

} // namespace vmsig::sim
