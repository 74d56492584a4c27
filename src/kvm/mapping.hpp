// mapping: owns one shared, writable mapping and unmaps it once.
#pragma once

#include <cstddef>

#include <sys/mman.h>

#include "fault.hpp"

namespace vmsig::kvm {

class mapping {
public:
    /// Borrows `fd`. Throws system_fault.
    mapping(int fd, std::size_t bytes)
        : start_{::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)}
        , bytes_{bytes} {
        if (start_ == MAP_FAILED) throw system_fault{os_error::last("mmap")};
    }
    mapping(const mapping&) = delete;
    mapping& operator=(const mapping&) = delete;
    ~mapping() { ::munmap(start_, bytes_); }

    void* get() const { return start_; }
    std::size_t size() const { return bytes_; }

private:
    void* start_;
    std::size_t bytes_;
};

} // namespace vmsig::kvm
