// allocations: the global operator new, with a counter. Under a sanitizer, whose own operators must
// stay in place, the hook that its malloc calls.
#include "allocations.hpp"

#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VMSIG_DEMO_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VMSIG_DEMO_SANITIZED 1
#endif
#endif

namespace {
thread_local bool counting = false;
thread_local std::uint64_t count = 0;
} // namespace

#ifdef VMSIG_DEMO_SANITIZED

// <sanitizer/allocator_interface.h>, which only one of the compilers ships, and so its name.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" void __sanitizer_malloc_hook(const volatile void*, std::size_t);
void __sanitizer_malloc_hook(const volatile void*, std::size_t) {
    if (counting) ++count;
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

#else

namespace {

void* allocate(std::size_t bytes) {
    if (counting) ++count;
    if (void* p = std::malloc(bytes ? bytes : 1)) return p;
    throw std::bad_alloc{};
}

} // namespace

void* operator new(std::size_t bytes) { return allocate(bytes); }
void* operator new[](std::size_t bytes) { return allocate(bytes); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

#endif

namespace demo {

counting_allocations::counting_allocations() { counting = true; }
counting_allocations::~counting_allocations() { counting = false; }
std::uint64_t allocations() { return count; }

} // namespace demo
