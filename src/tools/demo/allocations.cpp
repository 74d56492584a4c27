// allocations: the global operator new, with a counter.
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {
thread_local bool counting = false;
thread_local std::uint64_t count = 0;

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

namespace demo {

counting_allocations::counting_allocations() { counting = true; }
counting_allocations::~counting_allocations() { counting = false; }
std::uint64_t allocations() { return count; }

} // namespace demo
