// Lanes: delivery priority where there is a queue. Not a rank: who may preempt whom is another
// question.
#pragma once

#include <cstdint>

namespace vmsig {

enum class lane : std::uint8_t { safety, high, normal, bulk };
inline constexpr unsigned lane_count = 4;

} // namespace vmsig
