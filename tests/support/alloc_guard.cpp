// Counts either in global operator new, or, in a sanitizer's build, in the hooks that its malloc
// and free call: the sanitizer's own operators stay in place and go on checking, and never fail.
#include "support/alloc_guard.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "sanitizers.hpp"

namespace {

using vmsig::test::failing_allocations;

thread_local std::uint64_t allocations = 0;
thread_local std::uint64_t frees = 0;

/// What the calling thread's allocations are to meet; numbers as `allocations` counts.
struct shortage {
    std::uint64_t first = 0; ///< 0: none
    bool onward = false;
    std::uint64_t hits = 0;
};
thread_local shortage asked_for;

thread_local bool in_turn = false;
thread_local unsigned beside = 0;
std::atomic<std::uint64_t> in_turns{0};

} // namespace

void vmsig::test::turn_began() noexcept { in_turn = true; }
void vmsig::test::turn_ended() noexcept { in_turn = false; }
std::uint64_t vmsig::test::allocations_in_turns() noexcept { return in_turns; }
vmsig::test::beside_the_turn::beside_the_turn() noexcept { ++beside; }
vmsig::test::beside_the_turn::~beside_the_turn() { --beside; }

std::uint64_t vmsig::test::allocation_count() noexcept { return allocations; }
std::int64_t vmsig::test::live_blocks() noexcept {
    return static_cast<std::int64_t>(allocations - frees);
}

failing_allocations::failing_allocations(std::uint64_t kth, lasting how) noexcept {
    asked_for = {allocations + kth, how == lasting::onward, 0};
}
void failing_allocations::heal() noexcept { asked_for.first = 0; }
std::uint64_t failing_allocations::hits() const noexcept { return asked_for.hits; }

#if VMSIG_TEST_SANITIZED

// <sanitizer/allocator_interface.h>, which only one of the compilers ships.
extern "C" void __sanitizer_malloc_hook(const volatile void*, std::size_t);
void __sanitizer_malloc_hook(const volatile void*, std::size_t) { ++allocations; }
extern "C" void __sanitizer_free_hook(const volatile void*);
void __sanitizer_free_hook(const volatile void*) { ++frees; }
bool failing_allocations::possible() noexcept { return false; }

#else

bool failing_allocations::possible() noexcept { return true; }

namespace {

/// Counts an allocation; false if it is to fail. What failed is no block.
bool counted() noexcept {
    ++allocations;
    if (in_turn && beside == 0) ++in_turns;
    if (asked_for.first == 0 || allocations < asked_for.first) return true;
    if (allocations > asked_for.first && !asked_for.onward) return true;
    ++asked_for.hits;
    ++frees;
    return false;
}

void release(void* block) noexcept {
    if (block != nullptr) ++frees;
    std::free(block);
}

void* allocate(std::size_t size) noexcept {
    if (!counted()) return nullptr;
    return std::malloc(size == 0 ? 1 : size);
}

void* allocate(std::size_t size, std::align_val_t alignment) noexcept {
    if (!counted()) return nullptr;
    const auto unit = static_cast<std::size_t>(alignment);
    return std::aligned_alloc(unit, (size + unit - 1) / unit * unit);
}

void* or_throw(void* block) {
    if (block == nullptr) throw std::bad_alloc{};
    return block;
}

} // namespace

using std::align_val_t;
using std::nothrow_t;
using std::size_t;

void* operator new(size_t n) { return or_throw(allocate(n)); }
void* operator new[](size_t n) { return or_throw(allocate(n)); }
void* operator new(size_t n, align_val_t a) { return or_throw(allocate(n, a)); }
void* operator new[](size_t n, align_val_t a) { return or_throw(allocate(n, a)); }
void* operator new(size_t n, const nothrow_t&) noexcept { return allocate(n); }
void* operator new[](size_t n, const nothrow_t&) noexcept { return allocate(n); }
void* operator new(size_t n, align_val_t a, const nothrow_t&) noexcept { return allocate(n, a); }
void* operator new[](size_t n, align_val_t a, const nothrow_t&) noexcept { return allocate(n, a); }

void operator delete(void* p) noexcept { release(p); }
void operator delete[](void* p) noexcept { release(p); }
void operator delete(void* p, size_t) noexcept { release(p); }
void operator delete[](void* p, size_t) noexcept { release(p); }
void operator delete(void* p, align_val_t) noexcept { release(p); }
void operator delete[](void* p, align_val_t) noexcept { release(p); }
void operator delete(void* p, size_t, align_val_t) noexcept { release(p); }
void operator delete[](void* p, size_t, align_val_t) noexcept { release(p); }
void operator delete(void* p, const nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, const nothrow_t&) noexcept { release(p); }
void operator delete(void* p, align_val_t, const nothrow_t&) noexcept { release(p); }
void operator delete[](void* p, align_val_t, const nothrow_t&) noexcept { release(p); }

#endif
