// vmsigctl mem read: reads memory, physical or virtual. The bus reads for us, or we read through
// the descriptor of the memctx; what comes is of one epoch.
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vmsig/guest/view.hpp>

#include "memory_place.hpp"
#include "trouble.hpp"
#include "values.hpp"
#include "verbs.hpp"

using namespace vmsig;

namespace ctl {

namespace {

constexpr std::size_t chunk = 4096; ///< bytes in one command
constexpr std::size_t most_read = 64 * 1024 * 1024;

/// Of so many bytes that can not all be read: how many from the first on can. `reads`: those from
/// one on up to another.
template <class Reads>
std::size_t readable(std::size_t length, Reads&& reads) {
    std::size_t can = 0, can_not = length;
    while (can_not - can > 1) {
        const std::size_t n = can + (can_not - can) / 2;
        (reads(can, n) ? can : can_not) = n;
    }
    return can;
}

/// The first address that is missing, with how much was there before it.
std::string missing(const machine& m, std::uint64_t from, std::size_t there) {
    std::string what = fmt::format("{}: {:#x}", m.name, from + there);
    if (there != 0) what += fmt::format(", after {}", counted(there, "bytes"));
    return what;
}

/// What it means that the bus could not read that, with `before` bytes in front of it.
trouble unread(context& c, const machine& m, const vmsig::command& read, const receipt& r,
               std::size_t before) {
    const std::uint64_t from = read.memory.address;
    const bool partly = r.failure == failure::outside_ram || r.failure == failure::not_translated;
    if (!partly) return not_done(r, read, m, missing(m, from, 0));
    const auto reads = [&](std::size_t first, std::size_t end) {
        vmsig::command part = read;
        part.memory.address += first;
        part.memory.length = static_cast<std::uint32_t>(end - first);
        const receipt again = c.bus().receipt_of(part, fmt::format("{:#x}", from));
        const bool done = again.outcome == outcome::done;
        if (!done && again.failure != r.failure)
            throw not_done(again, part, m, missing(m, from, 0));
        return done;
    };
    const std::size_t there = before + readable(read.memory.length, reads);
    return not_done(r, read, m, missing(m, from - before, there));
}

std::vector<std::byte> through_bus(context& c, const machine& m, memory_at at, std::size_t length) {
    std::vector<std::byte> out;
    const epoch_number epoch = m.epoch;
    while (out.size() < length) {
        const std::size_t left = std::min(chunk, length - out.size());
        vmsig::command read =
            read_memory(m.id, {at.address + out.size(), at.root}, static_cast<std::uint32_t>(left));
        read.epoch = epoch; // all of one incarnation
        const receipt r = c.bus().receipt_of(read, fmt::format("{:#x}", read.memory.address));
        if (r.outcome != outcome::done) throw unread(c, m, read, r, out.size());
        const auto bytes = c.bus().client().payload();
        if (bytes.size() != left)
            throw trouble{failed, fmt::format("{}: {:#x}: {} bytes came, not {}", m.name,
                                              read.memory.address, bytes.size(), left)};
        out.insert(out.end(), bytes.begin(), bytes.end());
    }
    return out;
}

const char* name_of_fault(const guest_error& e) {
    switch (e.fault) {
    case guest_fault::outside_ram: return "it has no memory there (outside_ram)";
    case guest_fault::unsupported_paging: return "no translation is known for this guest";
    case guest_fault::unreadable: return std::strerror(e.code);
    case guest_fault::truncated: return "the descriptor is shorter than its region";
    default: return "the address leads to no memory (not_translated)";
    }
}

std::vector<std::byte> through_memctx(context& c, const machine& m, memory_place& place,
                                      std::size_t length) {
    const memory_at at = place.at;
    if (!place.memory) place.memory = memctx_of(c.bus(), m);
    memctx_export& memory = *place.memory;
    const std::uint64_t control = memory.locator.control_of(at.root);
    const auto view = pread_view::open(memory.locator, std::move(memory.fds));
    if (!view) throw trouble{failed, fmt::format("{}: its memory can not be viewed", m.name)};
    std::vector<std::byte> out(length);
    const auto got = view->read(guest_address::of(at.address, at.root, control), out);
    if (got) return out;
    const auto reads = [&](std::size_t first, std::size_t end) {
        const auto from = guest_address::of(at.address + first, at.root, control);
        return static_cast<bool>(view->read(from, std::span{out}.subspan(first, end - first)));
    };
    const std::string name = escaped(m.name);
    throw trouble{failed,
                  fmt::format("{}: {}", missing(m, at.address, readable(length, reads)),
                              name_of_fault(got.error())),
                  got.error().fault == guest_fault::outside_ram
                      ? where_it_has(at.root, name)
                      : fmt::format("`vmsigctl memctx {}` lists regions and roots", name)};
}

void dump(output& out, std::uint64_t address, const std::vector<std::byte>& bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 16) {
        std::string hex, text;
        for (std::size_t n = at; n < at + 16; ++n) {
            if (n == at + 8) hex += ' ';
            if (n >= bytes.size()) {
                hex += "   ";
                continue;
            }
            const auto byte = std::to_integer<unsigned>(bytes[n]);
            hex += fmt::format("{:02x} ", byte);
            text += byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.';
        }
        out.line(fmt::format("{:016x}  {} |{}|", address + at, hex, text));
    }
}

} // namespace

int mem_read(context& c) {
    const std::uint64_t length = number_of(c.given.find("LENGTH").value_or("16"));
    const std::string way = c.given.find("--via").value_or("bus");
    if (length == 0 || length > most_read)
        throw misuse(fmt::format("{} bytes: from 1 to {} can be read", length, most_read));
    if (way != "bus" && way != "memctx")
        throw misuse(fmt::format("--via={}: no such way", way), "one of bus, memctx");
    const machine& m = c.endpoint();
    memory_place place = place_of(c, m);
    const memory_at at = place.at;
    const auto bytes =
        way == "bus" ? through_bus(c, m, at, length) : through_memctx(c, m, place, length);
    if (c.given.has("--raw")) {
        c.out.raw(bytes.data(), bytes.size());
    } else if (c.out.json) {
        nlohmann::ordered_json j{{"endpoint", m.name},
                                 {"address", fmt::format("{:#x}", at.address)}};
        if (at.root != 0) j["root"] = fmt::format("{:#x}", at.root);
        j["length"] = bytes.size();
        j["bytes"] = hex_of(bytes);
        c.out.object(j);
    } else {
        dump(c.out, at.address, bytes);
    }
    return success;
}

} // namespace ctl
