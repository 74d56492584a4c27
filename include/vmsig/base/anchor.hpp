// anchor: the one word through which weak handles reach a core. It outlives the core, so a handle
// that is used too late finds nothing there instead of freed memory; and it lies in a page that the
// kernel wipes in a forked child (MADV_WIPEONFORK, Linux 4.14), so the child's copy of a core is
// inert. Anchors are never reused: a few words for each core that a process ever made.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>

namespace vmsig {

struct anchor {
    std::atomic<void*> core{nullptr}; ///< null: destroyed, or this is a forked child
    const void* control_api = nullptr;
    const void* adapter_api = nullptr;
};

namespace detail {

/// Hands out places in wiped pages. Throws std::system_error. Any thread.
inline anchor& new_anchor() {
    static std::atomic_flag busy; // cheaper to include than a mutex, and as rarely contended
    static std::byte* page = nullptr;
    static std::size_t used = 0;
    constexpr std::size_t page_bytes = 4096;

    while (busy.test_and_set(std::memory_order_acquire)) busy.wait(true);
    struct release {
        ~release() {
            busy.clear(std::memory_order_release);
            busy.notify_one();
        }
    } const at_the_end;
    if (!page || used + sizeof(anchor) > page_bytes) {
        void* fresh =
            ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (fresh == MAP_FAILED) throw std::system_error{errno, std::generic_category(), "mmap"};
        if (::madvise(fresh, page_bytes, MADV_WIPEONFORK) != 0) {
            const int code = errno;
            ::munmap(fresh, page_bytes);
            throw std::system_error{code, std::generic_category(), "madvise"};
        }
        page = static_cast<std::byte*>(fresh);
        used = 0;
    }
    auto* place = ::new (page + used) anchor;
    used += sizeof(anchor);
    return *place;
}

} // namespace detail
} // namespace vmsig
