// Counts the calls of operator new, per thread, and makes them fail. What a test says with it: this
// path allocates nothing; this one survives that there is no memory. malloc called directly is seen
// only in a sanitizer's build.
#pragma once

#include <cstdint>
#include <utility>

namespace vmsig::test {

/// Allocations by the calling thread since it started.
std::uint64_t allocation_count() noexcept;

/// Blocks that the calling thread allocated, less those that it freed.
std::int64_t live_blocks() noexcept;

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

/// While it lives, the `kth` allocation of the calling thread fails, counted from 1, and with
/// `onward` all that come after it. One at a time.
class failing_allocations {
public:
    enum class lasting : std::uint8_t { once, onward };

    failing_allocations(std::uint64_t kth, lasting how) noexcept;
    failing_allocations(const failing_allocations&) = delete;
    failing_allocations& operator=(const failing_allocations&) = delete;
    ~failing_allocations() { heal(); }

    /// Nothing fails from now on.
    void heal() noexcept;
    /// How many have failed.
    std::uint64_t hits() const noexcept;

    /// False in a sanitizer's build, whose own operators stay in place.
    static bool possible() noexcept;
};

/// Brackets a turn of a core on the calling thread: `metered` calls them.
void turn_began() noexcept;
void turn_ended() noexcept;
/// Allocations in turns, by any thread, since the program began.
std::uint64_t allocations_in_turns() noexcept;

/// While it lives, what the calling thread allocates is the test's own.
class beside_the_turn {
public:
    beside_the_turn() noexcept;
    beside_the_turn(const beside_the_turn&) = delete;
    beside_the_turn& operator=(const beside_the_turn&) = delete;
    ~beside_the_turn();
};

} // namespace vmsig::test
