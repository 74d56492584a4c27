// ram_writer: stores into guest memory for an adapter that owns a writable mapping of it. Not a
// permission: lease and epoch were checked by whoever calls.
//
// Every verb has two steps that never mix: find the host address of every byte, refusing the whole
// when one page does not translate or lies outside RAM, and only then touch memory. The places
// found are kept for the second step and not looked up again, so a guest that changes its tables
// in between redirects nothing: bytes go where they were checked to go, always inside RAM.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <vmsig/guest/address.hpp>
#include <vmsig/guest/copy_once.hpp>
#include <vmsig/guest/error.hpp>
#include <vmsig/guest/page_walk.hpp>
#include <vmsig/guest/region_map.hpp>

namespace vmsig {

/// The most that one write may carry: it bounds the plan.
inline constexpr std::size_t max_guest_write_bytes = 64 * 1024;
/// Pages, and region ends, that so many bytes can touch.
inline constexpr std::size_t max_write_pieces = max_guest_write_bytes / ram_granule_bytes + 1;

/// Where every byte of one write goes, found and checked before the first is written.
class write_plan {
public:
    std::span<const std::span<std::byte>> pieces() const { return {pieces_.data(), count_}; }

private:
    friend class ram_writer;
    std::array<std::span<std::byte>, max_write_pieces> pieces_;
    std::size_t count_ = 0;
};

class ram_writer {
public:
    /// `mappings[i]` is all of descriptor i, writable, from its offset 0, 8-byte aligned; borrowed,
    /// as long as the writer is used. Regions are copied.
    static expected<ram_writer, region_fault> over(std::span<const ram_region> regions,
                                                   std::span<const std::span<std::byte>> mappings,
                                                   paging_mode paging = paging_mode::none) {
        const auto fit = check_regions(regions, static_cast<std::uint32_t>(mappings.size()));
        if (!fit) return unexpected{fit.error()};
        ram_writer writer;
        for (const ram_region& r : regions) {
            const std::span<std::byte> mapping = mappings[r.fd_index];
            if (r.offset + r.length > mapping.size())
                return unexpected{region_fault::beyond_backing};
            if (reinterpret_cast<std::uintptr_t>(mapping.data()) % sizeof(std::uint64_t) != 0)
                return unexpected{region_fault::misaligned};
            writer.start_[writer.count_] = mapping.data() + r.offset;
            writer.regions_[writer.count_++] = r;
        }
        writer.paging_ = paging;
        return writer;
    }

    region_map regions() const { return region_map{{regions_.data(), count_}}; }

    /// 1, 2, 4 or 8 bytes, naturally aligned, in one store that no vCPU sees in part (release).
    [[gnu::always_inline]] expected<void, guest_error>
    store(const guest_address& to, std::span<const std::byte> value) const {
        guest_error why;
        std::byte* const at = atomic_place(to, value.size(), why);
        if (!at) return unexpected{why};
        with_word(value.size(), [&](auto word) {
            std::memcpy(&word, value.data(), sizeof word);
            __atomic_store_n(reinterpret_cast<decltype(word)*>(at), word, __ATOMIC_RELEASE);
        });
        return {};
    }

    /// As `store`, if memory holds `old` at that instant; `mismatch` otherwise.
    expected<void, guest_error> compare_exchange(const guest_address& to,
                                                 std::span<const std::byte> old,
                                                 std::span<const std::byte> value) const {
        if (old.size() != value.size()) return guest_failure(guest_fault::bad_length);
        guest_error why;
        std::byte* const at = atomic_place(to, value.size(), why);
        if (!at) return unexpected{why};
        bool same = false;
        with_word(value.size(), [&](auto word) {
            auto seen = word;
            std::memcpy(&seen, old.data(), sizeof seen);
            std::memcpy(&word, value.data(), sizeof word);
            same = __atomic_compare_exchange_n(reinterpret_cast<decltype(word)*>(at), &seen, word,
                                               false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
        });
        if (!same) return guest_failure(guest_fault::mismatch);
        return {};
    }

    /// Any length up to the limit; all bytes or, on any error, none. Running vCPUs may see parts.
    expected<void, guest_error> write(const guest_address& to,
                                      std::span<const std::byte> bytes) const {
        const auto found = plan(to, bytes.size());
        if (!found) return unexpected{found.error()};
        copy(*found, bytes);
        return {};
    }

    /// As `write`, if all bytes there equal `old`. Only while the vCPUs are stopped: comparing and
    /// writing are two steps.
    expected<void, guest_error> write_compare(const guest_address& to,
                                              std::span<const std::byte> old,
                                              std::span<const std::byte> bytes) const {
        if (old.size() != bytes.size()) return guest_failure(guest_fault::bad_length);
        const auto found = plan(to, bytes.size());
        if (!found) return unexpected{found.error()};
        for (const std::span<std::byte> piece : found->pieces()) {
            if (std::memcmp(piece.data(), old.data(), piece.size()) != 0)
                return guest_failure(guest_fault::mismatch);
            old = old.subspan(piece.size());
        }
        copy(*found, bytes);
        return {};
    }

    /// Translates and checks all of a range, and writes nothing.
    expected<write_plan, guest_error> plan(guest_address to, std::size_t length) const {
        if (length == 0 || length > max_guest_write_bytes)
            return guest_failure(guest_fault::bad_length);
        write_plan found;
        if (!to.is_virtual) {
            if (!append(found, to.value, length)) return guest_failure(guest_fault::outside_ram);
            return found;
        }
        if (to.value + (length - 1) < to.value) return guest_failure(guest_fault::not_canonical);
        while (length != 0) {
            const auto page = translate(to);
            if (!page) return unexpected{page.error()};
            const std::size_t here = std::min<std::uint64_t>(length, page->bytes_left());
            if (!append(found, page->gpa, here)) return guest_failure(guest_fault::outside_ram);
            to.value += here;
            length -= here;
        }
        return found;
    }

    /// Reads a page-table entry once: the gpa_reader of the walk.
    bool read_u64(std::uint64_t gpa, std::uint64_t& value) const {
        const ram_piece piece = regions().find(gpa, sizeof value);
        if (piece.length != sizeof value || gpa % sizeof value != 0) return false;
        value = load_once<std::uint64_t>(start_[piece.index] + piece.into);
        return true;
    }

private:
    ram_writer() = default;

    expected<guest_page, guest_error> translate(const guest_address& at) const {
        return walk_page(*this, regions(), paging_, {at.root, at.second_root, at.control}, at.value,
                         at.need);
    }
    /// Null, and why. Not an expected: to copy one costs more than the store.
    std::byte* atomic_place(const guest_address& to, std::size_t length, guest_error& why) const {
        if (length != 8 && length != 4 && length != 2 && length != 1) {
            why = {guest_fault::bad_length};
        } else if ((to.value & (length - 1)) != 0) {
            why = {guest_fault::misaligned};
        } else if (to.is_virtual) {
            return virtual_place(to, length, why);
        } else {
            const ram_piece piece = regions().find(to.value, length);
            if (piece.length == length) return start_[piece.index] + piece.into;
            why = {guest_fault::outside_ram};
        }
        return nullptr;
    }
    /// Apart, so that the physical path is inlined.
    [[gnu::noinline]] std::byte* virtual_place(const guest_address& to, std::size_t length,
                                               guest_error& why) const {
        const auto page = translate(to);
        if (page) return atomic_place(page->gpa, length, why);
        why = page.error();
        return nullptr;
    }
    bool append(write_plan& found, std::uint64_t gpa, std::size_t length) const {
        const region_map ram = regions();
        return ram.contains(gpa, length) &&
               ram.for_each_piece(gpa, length, [&](const ram_piece& piece) {
                   found.pieces_[found.count_++] = {start_[piece.index] + piece.into, piece.length};
                   return true;
               });
    }
    static void copy(const write_plan& to, std::span<const std::byte> bytes) {
        for (const std::span<std::byte> piece : to.pieces()) {
            std::memcpy(piece.data(), bytes.data(), piece.size());
            bytes = bytes.subspan(piece.size());
        }
    }
    template <class F>
    static void with_word(std::size_t length, F&& f) {
        if (length == 8) return f(std::uint64_t{});
        if (length == 4) return f(std::uint32_t{});
        if (length == 2) return f(std::uint16_t{});
        return f(std::uint8_t{});
    }

    std::array<ram_region, max_ram_regions> regions_{};
    std::array<std::byte*, max_ram_regions> start_{}; ///< of each region
    std::size_t count_ = 0;
    paging_mode paging_ = paging_mode::none;
};

} // namespace vmsig
