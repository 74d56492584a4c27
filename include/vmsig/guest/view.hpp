// Guest-memory views: what a sensor reads a guest with, at a physical or a virtual address. A view
// holds a copy of the region list and a way to the bytes (pread or a mapping); it allocates
// nothing, not even when it is opened, and it never writes.
//
// A view belongs to the epoch of the locator it was opened with. It does not know when that ends:
// its owner drops it when the memctx is invalidated. What it returns is hostile input, copied once
// and then the caller's to validate.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include <vmsig/base/assert.hpp>
#include <vmsig/guest/address.hpp>
#include <vmsig/guest/error.hpp>
#include <vmsig/guest/mapped_ram.hpp>
#include <vmsig/guest/page_walk.hpp>
#include <vmsig/guest/pread_ram.hpp>
#include <vmsig/guest/region_map.hpp>
#include <vmsig/guest/view_error.hpp>
#include <vmsig/memctx/locator.hpp>

namespace vmsig {

/// What guest bytes may become. Every member must take any bytes: no bool inside, and an enum only
/// if its reader expects values that it does not name.
template <class T>
concept guest_object = std::is_trivially_copyable_v<T> && !std::is_same_v<T, bool>;

/// `Ram` has the bytes: basic_pread_ram or basic_mapped_ram. A moved-from view holds no RAM: every
/// read says `outside_ram`. Use by one thread, or by several if none moves it.
template <class Ram>
class guest_view {
public:
    /// The locator is copied; the rest goes to `Ram::open`, which says who owns the descriptors.
    template <class... Rest>
    static expected<guest_view, view_error> open(const memctx_locator& locator, Rest&&... rest) {
        auto ram = Ram::open(locator.regions(), std::forward<Rest>(rest)...);
        if (!ram) return unexpected{ram.error()};
        return guest_view{std::move(*ram), locator};
    }
    guest_view(guest_view&& other) noexcept
        : ram_{std::move(other.ram_)}
        , regions_{other.regions_}
        , region_count_{std::exchange(other.region_count_, 0)}
        , paging_{other.paging_} {}
    guest_view& operator=(guest_view&& other) noexcept {
        if (this == &other) return *this;
        ram_ = std::move(other.ram_);
        regions_ = other.regions_;
        region_count_ = std::exchange(other.region_count_, 0);
        paging_ = other.paging_;
        return *this;
    }

    region_map regions() const { return region_map{{regions_.data(), region_count_}}; }

    /// Fills `into`, or fails and leaves it unspecified. Reading nothing succeeds anywhere.
    expected<void, guest_error> read(guest_address from, std::span<std::byte> into) const {
        if (!from.is_virtual) return read_physical(from.value, into);
        if (!into.empty() && from.value + (into.size() - 1) < from.value)
            return guest_failure(guest_fault::not_canonical);
        while (!into.empty()) {
            const auto page = translate(from);
            if (!page) return unexpected{page.error()};
            const std::size_t length = std::min<std::uint64_t>(into.size(), page->bytes_left());
            if (auto got = read_physical(page->gpa, into.first(length)); !got) return got;
            into = into.subspan(length);
            from.value += length;
        }
        return {};
    }

    /// The object there, copied once.
    template <guest_object T>
    expected<T, guest_error> read_object(guest_address from) const {
        std::array<std::byte, sizeof(T)> bytes;
        if (const auto got = read(from, bytes); !got) return unexpected{got.error()};
        return std::bit_cast<T>(bytes);
    }

    /// The page behind a virtual address, now.
    expected<guest_page, guest_error> translate(const guest_address& at) const {
        VMSIG_ASSERT(at.is_virtual);
        table_reader tables{*this, {}};
        auto page = walk_page(tables, regions(), paging_, {at.root, at.second_root, at.control},
                              at.value, at.need);
        if (!page && page.error().fault == guest_fault::unreadable) {
            tables.error.level = page.error().level;
            return unexpected{tables.error};
        }
        return page;
    }

private:
    struct table_reader {
        const guest_view& view;
        guest_error error;
        bool read_u64(std::uint64_t gpa, std::uint64_t& value) {
            const auto got = view.read_physical(gpa, std::as_writable_bytes(std::span{&value, 1}));
            if (!got) error = got.error();
            return got.has_value();
        }
    };

    guest_view(Ram&& ram, const memctx_locator& locator)
        : ram_{std::move(ram)}
        , regions_{locator.region_table}
        , region_count_{locator.region_count}
        , paging_{locator.paging} {}

    expected<void, guest_error> read_physical(std::uint64_t gpa, std::span<std::byte> into) const {
        if (into.empty()) return {};
        const region_map ram = regions();
        const ram_piece first = ram.find(gpa, into.size());
        if (first.length == into.size()) return ram_.read(first, into);
        if (!ram.contains(gpa, into.size())) return guest_failure(guest_fault::outside_ram);
        expected<void, guest_error> result;
        ram.for_each_piece(gpa, into.size(), [&](const ram_piece& piece) {
            result = ram_.read(piece, into.first(piece.length));
            into = into.subspan(piece.length);
            return result.has_value();
        });
        return result;
    }

    Ram ram_;
    std::array<ram_region, max_ram_regions> regions_;
    std::uint16_t region_count_;
    paging_mode paging_;
};

using pread_view = guest_view<basic_pread_ram<>>;
using mapped_view = guest_view<basic_mapped_ram<>>;

} // namespace vmsig
