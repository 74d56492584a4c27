// values: what people write on a command line, as values: lengths of time, numbers, bytes. Each
// throws `trouble` with what is wrong with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <vmsig/base/time.hpp>

namespace ctl {

/// "2s", "50ms", "1.5m", "3" (seconds).
vmsig::duration duration_of(std::string_view text);
/// Decimal, 0x hexadecimal, or 0 octal; with a suffix K, M or G.
std::uint64_t number_of(std::string_view text);
std::int32_t signed_of(std::string_view text);
/// "de ad be ef", "deadbeef": pairs of digits, in the order of memory.
std::vector<std::byte> bytes_of(std::string_view text);
/// "x,y"
std::pair<std::int32_t, std::int32_t> pair_of(std::string_view text);

std::string hex_of(const std::vector<std::byte>& bytes);
/// "2 keys", "1 key": of a unit whose plural ends in s.
std::string counted(std::uint64_t count, std::string_view units);
std::string text_of(vmsig::duration d);

} // namespace ctl
