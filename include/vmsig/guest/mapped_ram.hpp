// mapped_ram: guest RAM read through a shared read-only mapping. The choice for a sensor that reads
// much and often: a load instead of a system call.
//
// The danger is SIGBUS, which no error type can carry: when the file behind a mapping shrinks, the
// next access to what is gone kills the process. So a descriptor without F_SEAL_SHRINK is refused
// unless the caller says `if_unsealed::allow`, and a sealed one is measured after the seal was
// seen, so it stays long enough. What the seal does not cover: a tmpfs or hugetlb pool that is full
// when a page that was never touched is read. Reading such a page also allocates it, which undoes a
// balloon. Where either matters use pread_ram.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <vmsig/guest/copy_once.hpp>
#include <vmsig/guest/error.hpp>
#include <vmsig/guest/fd_calls.hpp>
#include <vmsig/guest/region_map.hpp>
#include <vmsig/guest/view_error.hpp>

namespace vmsig {

enum class if_unsealed : std::uint8_t { refuse, allow };

/// Owns one mapping, and unmaps it once.
template <class Calls = fd_calls>
class basic_mapping {
public:
    basic_mapping() = default;
    /// `start` bytes into it is what was asked for.
    basic_mapping(void* base, std::size_t length, std::size_t start)
        : base_{static_cast<std::byte*>(base)}
        , length_{length}
        , start_{start} {}
    basic_mapping(basic_mapping&& other) noexcept
        : base_{std::exchange(other.base_, nullptr)}
        , length_{other.length_}
        , start_{other.start_} {}
    basic_mapping& operator=(basic_mapping&& other) noexcept {
        std::swap(base_, other.base_);
        std::swap(length_, other.length_);
        std::swap(start_, other.start_);
        return *this;
    }
    ~basic_mapping() {
        if (base_) Calls::munmap(base_, length_);
    }
    const std::byte* data() const { return base_ + start_; }

private:
    std::byte* base_ = nullptr;
    std::size_t length_ = 0;
    std::size_t start_ = 0;
};

template <class Calls = fd_calls>
class basic_mapped_ram {
public:
    /// Borrows the descriptors for the call alone: mappings outlive them.
    static expected<basic_mapped_ram, view_error> open(std::span<const ram_region> regions,
                                                       std::span<const int> fds,
                                                       if_unsealed unsealed = if_unsealed::refuse) {
        const auto fit = check_regions(regions, static_cast<std::uint32_t>(fds.size()));
        if (!fit) return unexpected{view_error{view_fault::bad_regions, fit.error(), {}}};
        basic_mapped_ram ram;
        for (std::size_t i = 0; i < regions.size(); ++i) {
            const auto mapped = ram.map(i, regions[i], fds[regions[i].fd_index], unsealed);
            if (!mapped) return unexpected{mapped.error()};
        }
        return ram;
    }

    /// All of `piece`, which is as long as `into`. 1, 2, 4 or 8 aligned bytes are one load.
    expected<void, guest_error> read(const ram_piece& piece, std::span<std::byte> into) const {
        copy_once(into.data(), mapping_[piece.index].data() + piece.into, into.size());
        return {};
    }

private:
    static unexpected<view_error> refused(view_fault fault, os_error cause = {}) {
        return unexpected{view_error{fault, {}, cause}};
    }
    expected<void, view_error> map(std::size_t i, const ram_region& region, int fd,
                                   if_unsealed unsealed) {
        const int seals = Calls::fcntl(fd, F_GET_SEALS);
        if (seals < 0 && errno != EINVAL) // EINVAL: a file that can not be sealed
            return refused(view_fault::system, os_error::last("fcntl"));
        if (unsealed == if_unsealed::refuse && (seals < 0 || !(seals & seal::shrink)))
            return refused(view_fault::unsealed);
        struct stat status {};
        if (Calls::fstat(fd, &status) != 0)
            return refused(view_fault::system, os_error::last("fstat"));
        if (static_cast<std::uint64_t>(status.st_size) < region.offset + region.length)
            return refused(view_fault::truncated);

        // hugetlb maps and unmaps whole huge pages alone; st_blksize is their size.
        const auto granule = std::bit_ceil(
            std::max(ram_granule_bytes, static_cast<std::uint64_t>(status.st_blksize)));
        const std::uint64_t before = region.offset & (granule - 1);
        const std::size_t length = (before + region.length + granule - 1) & ~(granule - 1);
        void* const base = Calls::mmap(length, PROT_READ, MAP_SHARED, fd,
                                       static_cast<off_t>(region.offset - before));
        if (base == MAP_FAILED) return refused(view_fault::system, os_error::last("mmap"));
        mapping_[i] = basic_mapping<Calls>{base, length, before};
        return {};
    }

    std::array<basic_mapping<Calls>, max_ram_regions> mapping_; ///< of each region
};

} // namespace vmsig
