// injection: makes the k-th call of one site fail with one errno, once or from then on, in whatever
// thread it is made. What the call would have done is not done, but for `close`, which on Linux
// closes whatever it says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "call_sites.hpp"

namespace vmsig::test {

enum class lasting : std::uint8_t { once, onward };

/// One at a time. Ends with its scope, or when disarmed.
class injection {
public:
    injection() = default;
    injection(const injection&) = delete;
    injection& operator=(const injection&) = delete;
    ~injection() { disarm(); }

    void arm(const call_site& at, int code, unsigned kth, lasting how);
    void disarm();
    /// Calls that failed since it was armed.
    unsigned hits() const;
};

/// Calls of that site since the program began.
std::uint64_t calls_made(std::string_view function, std::uint64_t which = call_site::any);

/// Of a mapping: a file, or nothing.
enum class backing : std::uint8_t { file, anonymous };
/// Bytes that are mapped by the program's own code and not unmapped.
std::size_t mapped_bytes(backing of);

} // namespace vmsig::test
