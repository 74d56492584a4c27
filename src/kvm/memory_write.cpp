// Find the places, then write.
#include "memory_write.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <vmsig/guest/ram_writer.hpp>

namespace vmsig::kvm {

namespace {

using bytes = std::span<const std::byte>;

failure failure_of(const guest_error& e) {
    return e.fault == guest_fault::outside_ram ? failure::outside_ram : failure::not_translated;
}

failure failure_of(memory_error e) {
    switch (e) {
    case memory_error::out_of_range: return failure::outside_ram;
    case memory_error::misaligned: return failure::misaligned;
    case memory_error::off:
    case memory_error::not_stopped: break;
    }
    return failure::unavailable;
}

struct piece {
    std::uint64_t gpa = 0;
    std::size_t length = 0;
};

/// Where every byte of a write goes.
class places {
public:
    std::span<const piece> pieces() const { return {pieces_.data(), count_}; }
    std::uint64_t first() const { return pieces_[0].gpa; }

    /// Translates and checks; `none` when all is well.
    failure find(const vm& machine, const memory_access& m) {
        if (m.root == 0) return append(machine, m.address, m.length);
        if (m.address + (m.length - 1) < m.address) return failure::not_translated;
        const page_table_reader tables{machine};
        const region_map ram{machine.regions()};
        const paging_mode paging = machine.last_registers().paging();
        for (std::size_t done = 0; done < m.length;) {
            const auto page = walk_page(tables, ram, paging, m.root, m.address + done);
            if (!page) return failure_of(page.error());
            const auto here = std::min<std::uint64_t>(m.length - done, page->bytes_left());
            const failure f = append(machine, page->gpa, here);
            if (f != failure::none) return f;
            done += here;
        }
        return failure::none;
    }

private:
    failure append(const vm& machine, std::uint64_t gpa, std::size_t length) {
        if (!machine.contains(gpa, length)) return failure::outside_ram;
        pieces_[count_++] = {gpa, length};
        return failure::none;
    }

    std::array<piece, max_write_pieces> pieces_;
    std::size_t count_ = 0;
};

completion done(std::size_t length) { return {.bytes = static_cast<std::uint32_t>(length)}; }

/// What is there instead, little-endian, where it fits.
completion mismatch(const vm& machine, const places& to, std::size_t length) {
    completion how = completion::failed(failure::mismatch);
    if (length > sizeof how.value) return how;
    auto into = std::as_writable_bytes(std::span{&how.value, 1});
    for (const piece& p : to.pieces()) {
        (void)machine.read(p.gpa, into.first(p.length));
        into = into.subspan(p.length);
    }
    return how;
}

completion store(vm& machine, const places& to, bytes value) {
    const auto stored = machine.store(to.first(), value);
    return stored ? done(value.size()) : completion::failed(failure_of(stored.error()));
}

/// The machine says that the words differ, not by what: it is read afterwards, and when the guest
/// has changed it back meanwhile, compared again.
completion compare_store(vm& machine, const places& to, bytes wanted, bytes value) {
    constexpr int attempts = 8;
    completion how;
    for (int i = 0; i < attempts; ++i) {
        const auto exchanged = machine.compare_exchange(to.first(), wanted, value);
        if (!exchanged) return completion::failed(failure_of(exchanged.error()));
        if (*exchanged) return done(value.size());
        how = mismatch(machine, to, value.size());
        if (std::memcmp(&how.value, wanted.data(), wanted.size()) != 0) break;
    }
    return how;
}

bool equal(const vm& machine, const places& to, bytes wanted) {
    std::array<std::byte, 512> buffer;
    for (const piece& p : to.pieces())
        for (std::size_t at = 0; at < p.length;) {
            const std::size_t here = std::min(p.length - at, buffer.size());
            const auto part = std::span{buffer}.first(here);
            if (!machine.read(p.gpa + at, part)) return false;
            if (std::memcmp(part.data(), wanted.data(), here) != 0) return false;
            wanted = wanted.subspan(here);
            at += here;
        }
    return true;
}

using writer = expected<void, memory_error> (vm::*)(std::uint64_t, bytes);

/// Only the first can be refused: all were found, and the machine does not change meanwhile.
completion copy(vm& machine, const places& to, bytes value, writer write) {
    const std::size_t length = value.size();
    for (const piece& p : to.pieces()) {
        const auto written = (machine.*write)(p.gpa, value.first(p.length));
        if (!written) return completion::failed(failure_of(written.error()));
        value = value.subspan(p.length);
    }
    return done(length);
}

} // namespace

bool page_table_reader::read_u64(std::uint64_t gpa, std::uint64_t& value) const {
    return machine.read(gpa, std::as_writable_bytes(std::span{&value, 1})).has_value();
}

completion write_memory(vm& machine, const taken_command& t) {
    const command& c = t.command;
    const memory_access& m = c.memory;
    if (m.length > max_guest_write_bytes) return completion::failed(failure::unsupported);
    places to;
    if (const failure f = to.find(machine, m); f != failure::none) return completion::failed(f);
    bytes value = t.bulk.first(std::min<std::size_t>(m.length, t.bulk.size()));
    bytes wanted = t.bulk.subspan(value.size());
    if (t.bulk.empty()) {
        value = std::as_bytes(std::span{&m.value, 1}).first(m.length);
        wanted = std::as_bytes(std::span{&m.expected, 1}).first(m.length);
    }
    switch (c.mode) {
    case write_mode::atomic:
        return c.compare ? compare_store(machine, to, wanted, value) : store(machine, to, value);
    case write_mode::paused:
        if (c.compare && !equal(machine, to, wanted)) return mismatch(machine, to, m.length);
        return copy(machine, to, value, &vm::write_stopped);
    case write_mode::best_effort: break;
    }
    return copy(machine, to, value, &vm::write);
}

} // namespace vmsig::kvm
