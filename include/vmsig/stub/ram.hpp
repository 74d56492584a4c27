// ram: the memory of a stub machine. Real memfds, sealed so that nobody who is given one can write;
// the writable mappings were made before. Two regions, each with a descriptor of its own, and
// between them the hole that a PC has below 4 GiB. Not a guest: it holds what the guest wrote.
#pragma once

#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <system_error>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/guest/fd_calls.hpp>
#include <vmsig/guest/ram_writer.hpp>

namespace vmsig::stub {

inline constexpr std::uint64_t high_ram_start = std::uint64_t{1} << 32;

/// A sealed memfd and its writable mapping.
class sealed_memory {
public:
    /// `length`: a multiple of 4 KiB. Throws std::system_error.
    explicit sealed_memory(std::size_t length)
        : length_{length}
        , fd_{::memfd_create("vmsig-stub-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING)} {
        check(fd_.get() >= 0, "memfd_create");
        check(::ftruncate(fd_.get(), static_cast<off_t>(length)) == 0, "ftruncate");
        void* const base =
            ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
        check(base != MAP_FAILED, "mmap");
        base_ = static_cast<std::byte*>(base);
        constexpr int seals = seal::grow | seal::shrink | seal::future_write | seal::seal;
        if (::fcntl(fd_.get(), F_ADD_SEALS, seals) == 0) return;
        const int code = errno;
        ::munmap(base_, length_);
        throw std::system_error{code, std::generic_category(), "F_ADD_SEALS"};
    }
    sealed_memory(const sealed_memory&) = delete;
    sealed_memory& operator=(const sealed_memory&) = delete;
    ~sealed_memory() { ::munmap(base_, length_); }

    std::span<std::byte> bytes() const { return {base_, length_}; }
    int fd() const { return fd_.get(); }

private:
    static void check(bool ok, const char* operation) {
        if (!ok) throw std::system_error{errno, std::generic_category(), operation};
    }

    std::size_t length_;
    unique_fd fd_;
    std::byte* base_ = nullptr;
};

class ram {
public:
    /// Bytes, multiples of 4 KiB. Throws std::system_error.
    ram(std::size_t low, std::size_t high)
        : low_{low}
        , high_{high}
        , regions_{ram_region{0, low, 0, 0, 0}, ram_region{high_ram_start, high, 0, 1, 0}} {}

    std::span<std::byte> low() const { return low_.bytes(); }
    std::span<std::byte> high() const { return high_.bytes(); }
    /// By region. Borrowed.
    std::array<int, 2> fds() const { return {low_.fd(), high_.fd()}; }
    std::span<const ram_region> regions() const { return regions_; }

    /// Where a physical address is mapped; it must be RAM.
    std::byte* at(std::uint64_t gpa) const {
        const bool above = gpa >= high_ram_start;
        const std::span<std::byte> region = above ? high() : low();
        const std::uint64_t into = above ? gpa - high_ram_start : gpa;
        VMSIG_ASSERT(into < region.size());
        return region.data() + into;
    }
    ram_writer writer() const {
        const std::span<std::byte> mappings[] = {low(), high()};
        return *ram_writer::over(regions_, mappings, paging_mode::x86_64_4_level);
    }
    void clear() const {
        std::memset(low().data(), 0, low().size());
        std::memset(high().data(), 0, high().size());
    }

private:
    sealed_memory low_;
    sealed_memory high_;
    std::array<ram_region, 2> regions_;
};

} // namespace vmsig::stub
