// pause_ledger: who wants one VM paused. The commanded pause belongs to the power lease, is one,
// and is undone by whoever holds that lease; pauses that the bus takes for itself nest, and nobody
// else undoes them. The VM executes when no reason is left.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/base/assert.hpp>

namespace vmsig {

enum class pause_reason : std::uint8_t {
    commanded,    ///< pause and resume verbs
    memory_write, ///< a `paused` write
    snapshot,
};
inline constexpr unsigned pause_reason_count = 3;

class pause_ledger {
public:
    /// True: pause the VM now. Repeating the commanded pause changes nothing.
    [[nodiscard]] constexpr bool take(pause_reason r) {
        const bool first = !paused();
        std::uint32_t& n = count_[static_cast<unsigned>(r)];
        n = r == pause_reason::commanded ? 1 : n + 1;
        return first;
    }
    /// True: resume the VM now. Dropping a commanded pause that was not taken changes nothing.
    [[nodiscard]] constexpr bool drop(pause_reason r) {
        std::uint32_t& n = count_[static_cast<unsigned>(r)];
        VMSIG_ASSERT(r == pause_reason::commanded || n > 0);
        if (n == 0) return false;
        --n;
        return !paused();
    }
    constexpr bool paused() const { return count_ != decltype(count_){}; }
    constexpr std::uint32_t held(pause_reason r) const { return count_[static_cast<unsigned>(r)]; }

private:
    std::array<std::uint32_t, pause_reason_count> count_{};
};

} // namespace vmsig
