// tape: the simulation's source of chance, read from an input instead of drawn from a seed. Include
// it before anything of the simulation: it takes the place of `sim::random`.
//
// Each step owns one record of the input, so that removing, repeating or moving a record does that
// to a step and leaves the others alone. The first byte of a record picks what happens; the next
// ones decide how, and a generator seeded with the record decides the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#define random seeded_random
#include <sim/random.hpp>
#undef random

namespace vmsig::sim {

class random {
public:
    static constexpr std::size_t record_bytes = 8;
    static inline std::span<const std::uint8_t> tape;

    explicit random(std::uint64_t seed)
        : rest_{seed} {}
    /// The record number `stream`; past the end of the tape, what the seed says.
    random(std::uint64_t seed, std::uint64_t stream)
        : rest_{seed} {
        if (stream >= tape.size() / record_bytes) return;
        record_ = tape.subspan(static_cast<std::size_t>(stream) * record_bytes, record_bytes);
        std::uint64_t sum = seed;
        for (const std::uint8_t byte : record_) sum = (sum ^ byte) * 0x100'0000'01b3;
        rest_ = seeded_random{sum};
    }

    std::uint64_t next() {
        if (record_.empty()) return rest_.next();
        const std::uint64_t byte = record_.front();
        record_ = record_.subspan(1);
        return byte * 0x0101'0101'0101'0101;
    }
    std::uint32_t below(std::size_t n) {
        return n == 0 ? 0 : static_cast<std::uint32_t>((n <= 256 ? next() & 255 : next()) % n);
    }
    std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
    }
    bool chance(unsigned percent) { return below(100) < percent; }
    template <class C>
    auto& pick(C& c) {
        return c[below(c.size())];
    }

private:
    std::span<const std::uint8_t> record_;
    seeded_random rest_;
};

} // namespace vmsig::sim
