// page_table_builder: writes x86-64 page tables into guest RAM, for a machine that has no operating
// system to do it: the stub VM, a micro-VMM's boot code, tests of the walk. Not for a running
// guest: it assumes that nobody else writes the tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/bits.hpp>
#include <vmsig/base/expected.hpp>
#include <vmsig/guest/address.hpp>
#include <vmsig/guest/page_walk.hpp>

namespace vmsig {

enum class table_fault : std::uint8_t {
    bad_size,      ///< not 4 KiB, 2 MiB or 1 GiB
    misaligned,    ///< one of the addresses is no multiple of the size
    not_canonical, ///< for this number of levels
    occupied,      ///< a page is mapped there already, or a larger one above it
    no_room,       ///< the range for tables is used up
};

class page_table_builder {
public:
    /// `ram` is guest RAM that begins at physical `ram_start`, borrowed. Tables are taken in order
    /// from [tables, tables + length), which must lie in it, 4 KiB aligned, and hold the root.
    page_table_builder(std::span<std::byte> ram, std::uint64_t ram_start, paging_mode paging,
                       std::uint64_t tables, std::uint64_t length)
        : ram_{ram}
        , ram_start_{ram_start}
        , levels_{paging_levels(paging)}
        , root_{tables}
        , next_{tables + ram_granule_bytes}
        , end_{tables + length} {
        VMSIG_ASSERT(levels_ != 0 && length >= ram_granule_bytes);
        VMSIG_ASSERT((tables | length) % ram_granule_bytes == 0);
        VMSIG_ASSERT(tables >= ram_start && tables - ram_start + length <= ram.size());
        std::memset(at(root_), 0, ram_granule_bytes);
    }

    /// What CR3 holds.
    std::uint64_t root() const { return root_; }
    /// Physical address after the last table.
    std::uint64_t used_end() const { return next_; }

    /// Maps one page of `size` bytes; `gpa` need not be RAM. Readable always; `access` adds write,
    /// execute and user. On `no_room` or `occupied` the tables above it may exist, and map nothing.
    expected<void, table_fault> map(std::uint64_t va, std::uint64_t gpa, std::uint64_t size,
                                    mask<page_access> access) {
        const unsigned leaf = level_of(size);
        if (leaf == 0) return unexpected{table_fault::bad_size};
        if (((va | gpa) & (size - 1)) != 0 || (gpa & ~page_entry::address) != 0)
            return unexpected{table_fault::misaligned};
        if (!is_canonical(va, levels_)) return unexpected{table_fault::not_canonical};
        std::uint64_t table = root_;
        for (unsigned level = levels_; level > leaf; --level) {
            const std::uint64_t slot = entry_address(table, va, level);
            std::uint64_t entry = load(slot);
            if (entry & page_entry::large) return unexpected{table_fault::occupied};
            if (!(entry & page_entry::present)) {
                if (next_ == end_) return unexpected{table_fault::no_room};
                entry = next_ | page_entry::present | page_entry::writable | page_entry::user;
                std::memset(at(next_), 0, ram_granule_bytes);
                next_ += ram_granule_bytes;
                store(slot, entry);
            }
            table = entry & page_entry::address;
        }
        const std::uint64_t slot = entry_address(table, va, leaf);
        if (load(slot) & page_entry::present) return unexpected{table_fault::occupied};
        store(slot, leaf_entry(gpa, leaf, access));
        return {};
    }

private:
    static unsigned level_of(std::uint64_t size) {
        for (unsigned level = 1; level <= 3; ++level)
            if (size == bit(paging_shift(level))) return level;
        return 0;
    }
    static std::uint64_t leaf_entry(std::uint64_t gpa, unsigned level, mask<page_access> access) {
        std::uint64_t entry = gpa | page_entry::present;
        if (level > 1) entry |= page_entry::large;
        if (access.has(page_access::write)) entry |= page_entry::writable;
        if (access.has(page_access::user)) entry |= page_entry::user;
        if (!access.has(page_access::execute)) entry |= page_entry::no_execute;
        return entry;
    }
    static std::uint64_t entry_address(std::uint64_t table, std::uint64_t va, unsigned level) {
        return table + (va >> paging_shift(level) & 511) * sizeof(std::uint64_t);
    }
    std::byte* at(std::uint64_t gpa) const { return ram_.data() + (gpa - ram_start_); }
    std::uint64_t load(std::uint64_t gpa) const {
        std::uint64_t entry = 0;
        std::memcpy(&entry, at(gpa), sizeof entry);
        return entry;
    }
    void store(std::uint64_t gpa, std::uint64_t entry) {
        std::memcpy(at(gpa), &entry, sizeof entry);
    }

    std::span<std::byte> ram_;
    std::uint64_t ram_start_;
    unsigned levels_;
    std::uint64_t root_;
    std::uint64_t next_;
    std::uint64_t end_;
};

} // namespace vmsig
