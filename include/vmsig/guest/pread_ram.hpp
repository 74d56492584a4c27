// pread_ram: guest RAM read with pread. The choice for a long-lived process: RAM that shrinks is a
// short read, never a signal; reading a sparse page does not allocate it; a thousand VMs cost no
// address space. The price is a system call, 0.2 us, for each page and each table entry.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <utility>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/guest/error.hpp>
#include <vmsig/guest/fd_calls.hpp>
#include <vmsig/guest/region_map.hpp>
#include <vmsig/guest/view_error.hpp>

namespace vmsig {

template <class Calls = fd_calls>
class basic_pread_ram {
public:
    /// Borrows the descriptors: they stay open as long as this is used.
    static expected<basic_pread_ram, view_error> open(std::span<const ram_region> regions,
                                                      std::span<const int> fds) {
        basic_pread_ram ram;
        if (fds.size() > max_ram_fds) fds = fds.first(max_ram_fds);
        std::copy(fds.begin(), fds.end(), ram.borrowed_.begin());
        return checked(std::move(ram), regions, fds.size());
    }
    /// Consumes the descriptors: leading ones count.
    static expected<basic_pread_ram, view_error> open(std::span<const ram_region> regions,
                                                      std::array<unique_fd, max_ram_fds> fds) {
        basic_pread_ram ram;
        ram.owned_ = std::move(fds);
        std::size_t count = 0;
        while (count < max_ram_fds && ram.owned_[count]) ++count;
        return checked(std::move(ram), regions, count);
    }

    /// All of `piece`, which is as long as `into`. One system call unless interrupted.
    expected<void, guest_error> read(const ram_piece& piece, std::span<std::byte> into) const {
        auto offset = static_cast<off_t>(piece.offset());
        while (!into.empty()) {
            const ssize_t got =
                Calls::pread(fd(piece.fd_index()), into.data(), into.size(), offset);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return unexpected{guest_error{guest_fault::unreadable, 0, errno}};
            if (got == 0) return guest_failure(guest_fault::truncated);
            into = into.subspan(static_cast<std::size_t>(got));
            offset += got;
        }
        return {};
    }

private:
    static expected<basic_pread_ram, view_error>
    checked(basic_pread_ram ram, std::span<const ram_region> regions, std::size_t fd_count) {
        const auto fit = check_regions(regions, static_cast<std::uint32_t>(fd_count));
        if (!fit) return unexpected{view_error{view_fault::bad_regions, fit.error(), {}}};
        return ram;
    }
    int fd(std::uint32_t i) const { return owned_[i] ? owned_[i].get() : borrowed_[i]; }

    std::array<unique_fd, max_ram_fds> owned_;
    std::array<int, max_ram_fds> borrowed_{-1, -1, -1, -1};
};

} // namespace vmsig
