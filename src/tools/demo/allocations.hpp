// allocations: how often this thread allocated while it was inside the bus.
#pragma once

#include <cstdint>

namespace demo {

/// Counts while it lives, on its thread.
class counting_allocations {
public:
    counting_allocations();
    ~counting_allocations();
    counting_allocations(const counting_allocations&) = delete;
    counting_allocations& operator=(const counting_allocations&) = delete;
};

std::uint64_t allocations();

} // namespace demo
