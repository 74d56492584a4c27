// Counts the calls of operator new, per thread. What a test says with it: this path allocates
// nothing. malloc called directly is seen only in a sanitizer's build.
#pragma once

#include <cstdint>
#include <utility>

namespace vmsig::test {

/// Allocations by the calling thread since it started.
std::uint64_t allocation_count() noexcept;

/// Allocations by the calling thread while `work` runs:
/// `CHECK(allocations_in([&] { bus.dispatch(); }) == 0);`
template <class Work>
std::uint64_t allocations_in(Work&& work) {
    const std::uint64_t before = allocation_count();
    std::forward<Work>(work)();
    return allocation_count() - before;
}

/// The same for a stretch of a test. Assertions allocate: take the count before asserting on it.
class no_allocations {
public:
    no_allocations() noexcept
        : start_{allocation_count()} {}
    no_allocations(const no_allocations&) = delete;
    no_allocations& operator=(const no_allocations&) = delete;

    std::uint64_t count() const noexcept { return allocation_count() - start_; }

private:
    std::uint64_t start_;
};

} // namespace vmsig::test
