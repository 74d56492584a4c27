// vmsigctl mem write: writes memory under the memwrite lease, which it takes for as long as it
// needs.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vmsig/transport/names.hpp>

#include "lease_hold.hpp"
#include "memory_place.hpp"
#include "trouble.hpp"
#include "values.hpp"
#include "verbs.hpp"
#include "words.hpp"

using namespace vmsig;

namespace ctl {

namespace {

constexpr std::size_t most_written =
    16 * 1024; ///< bytes in one command, the expected ones with them

std::vector<std::byte> contents_of(const std::string& name) {
    const auto close = [](std::FILE* f) {
        if (f != stdin) std::fclose(f);
    };
    const std::unique_ptr<std::FILE, decltype(close)> file{
        name == "-" ? stdin : std::fopen(name.c_str(), "rbe"), close};
    if (!file) throw trouble{failed, fmt::format("{}: {}", name, std::strerror(errno))};
    std::vector<std::byte> out(most_written + 1);
    out.resize(std::fread(out.data(), 1, out.size(), file.get()));
    if (std::ferror(file.get()) != 0)
        throw trouble{failed, fmt::format("{}: it can not be read", name)};
    return out;
}

bool is_word(std::size_t n) { return n == 1 || n == 2 || n == 4 || n == 8; }

/// With 0x in front a number was meant, of which the last byte comes first in memory: which of the
/// two is not guessed.
std::vector<std::byte> bytes_said(const std::string& text) {
    if (text.substr(0, 2) != "0x" && text.substr(0, 2) != "0X") return bytes_of(text);
    const std::string digits = text.substr(2);
    const std::size_t size = (digits.size() + 1) / 2;
    std::string next = "bytes have no 0x in front";
    if (is_word(size)) next += fmt::format("; a number is `--value {} --size {}`", text, size);
    throw misuse(fmt::format("`{}` is a number, not bytes in the order of memory", text), next);
}

std::vector<std::byte> what_to_write(const arguments& given) {
    const int said = given.has("BYTES") + given.has("--file") + given.has("--value");
    if (said != 1)
        throw misuse(said == 0 ? "nothing to write" : "said twice what to write",
                     "BYTES, --file FILE or --value NUMBER");
    if (given.has("BYTES")) return bytes_said(given["BYTES"]);
    if (given.has("--file")) return contents_of(given["--file"]);
    const std::uint64_t value = number_of(given["--value"]);
    const std::uint64_t size = number_of(given.find("--size").value_or("8"));
    if (!is_word(size) || (size < 8 && value >> (8 * size) != 0))
        throw misuse(fmt::format("{} is no number of {} bytes", value, size));
    std::vector<std::byte> out(size);
    std::memcpy(out.data(), &value, size);
    return out;
}

std::uint64_t word_of(const std::vector<std::byte>& bytes) {
    std::uint64_t n = 0;
    if (!bytes.empty()) std::memcpy(&n, bytes.data(), std::min(bytes.size(), sizeof n));
    return n;
}

struct write_plan {
    vmsig::command what;
    std::vector<std::byte> beside;
};

write_plan plan_of(const lease& l, memory_at at, write_mode mode,
                   const std::vector<std::byte>& bytes, const std::vector<std::byte>& expected) {
    const auto length = static_cast<std::uint32_t>(bytes.size());
    write_plan p{write_memory(l, at, length, mode), {}};
    p.what.compare = !expected.empty();
    if (mode == write_mode::atomic) {
        p.what.memory.value = word_of(bytes);
        p.what.memory.expected = word_of(expected);
        return p;
    }
    p.beside = bytes;
    p.beside.insert(p.beside.end(), expected.begin(), expected.end());
    return p;
}

} // namespace

int mem_write(context& c) {
    const auto bytes = what_to_write(c.given);
    const auto compare = c.given.find("--compare");
    const auto expected = compare ? bytes_said(*compare) : std::vector<std::byte>{};
    const std::uint64_t address = number_of(c.given["ADDRESS"]);
    const bool plain = is_word(bytes.size()) && address % bytes.size() == 0;
    const auto said = c.given.find("--mode");
    const write_mode mode = said    ? write_mode_of(*said)
                            : plain ? write_mode::atomic
                                    : write_mode::paused;
    if (bytes.empty() || bytes.size() + expected.size() > most_written)
        throw misuse(
            fmt::format("{} bytes: from 1 to {} fit in one write", bytes.size(), most_written),
            "what is longer is written in pieces, each on its own");
    if (compare && expected.size() != bytes.size())
        throw misuse("as many bytes are compared as are written");
    if (compare && mode == write_mode::best_effort)
        throw misuse("best-effort compares nothing", "--mode atomic or --mode paused");
    if (mode == write_mode::atomic && !is_word(bytes.size()))
        throw misuse("atomic writes 1, 2, 4 or 8 bytes", "--mode paused writes more at once");
    const lease_wish wish = wish_of(c.given, lease_class::memwrite);
    const machine& m = c.endpoint();
    const memory_at at = place_of(c, m).at;
    const lease_hold hold{c.bus(), m, wish};
    const write_plan p = plan_of(hold.lease(), at, mode, bytes, expected);
    const receipt r = c.bus().carry_out(p.what, fmt::format("{:#x}", at.address), p.beside);
    if (c.out.json) {
        nlohmann::ordered_json j{{"endpoint", m.name},
                                 {"address", fmt::format("{:#x}", at.address)}};
        if (at.root != 0) j["root"] = fmt::format("{:#x}", at.root);
        j["written"] = r.bytes;
        j["mode"] = name_of(r.mode);
        c.out.object(j);
    } else {
        c.out.line(fmt::format("{}: {} written at {:#x} ({})", m.name, counted(r.bytes, "bytes"),
                               at.address, name_of(r.mode)));
    }
    return success;
}

} // namespace ctl
