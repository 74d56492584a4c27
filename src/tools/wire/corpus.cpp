// corpus: one frame of each type as bytes, with values that tell fields apart, for tests of other
// implementations.
#include "wire.hpp"

#include <fmt/format.h>

namespace vmsig::wire_tool {
namespace {

/// Each byte is its offset where any number is allowed; enums, bools and zeros are small.
std::vector<std::byte> sample(const frame& f) {
    std::vector<std::byte> out(f.bytes);
    for (const field& each : f.fields) {
        const bool number = each.type.size() >= 2 && each.type.size() <= 3 &&
                            (each.type[0] == 'u' || each.type[0] == 'i');
        for (std::size_t n = 0; n < each.bytes; ++n) {
            const std::size_t at = each.offset + n;
            if (number && each.bytes > 1) out[at] = std::byte(at + 1);
            if (each.type == "text" && n < 4) out[at] = std::byte("name"[n]);
        }
        if (!number && each.type != "text" && each.type != "zero") out[each.offset] = std::byte{1};
    }
    return out;
}

void print(std::string& out, const std::vector<frame>& frames) {
    for (const frame& f : frames) {
        std::vector<std::byte> bytes(wire::header_bytes);
        wire::writer to{bytes};
        wire::put(to, wire::header{static_cast<std::uint32_t>(wire::header_bytes + f.bytes),
                                   static_cast<std::uint16_t>(f.number), 0});
        const std::vector<std::byte> body = sample(f);
        bytes.insert(bytes.end(), body.begin(), body.end());
        out += f.name + " ";
        for (const std::byte b : bytes) out += fmt::format("{:02x}", std::to_integer<unsigned>(b));
        for (const field& each : f.fields) {
            if (each.type == "zero") continue;
            out += fmt::format(" {}=", each.name);
            if (each.type == "text") {
                out += "\"name\"";
                continue;
            }
            std::uint64_t value = 0;
            std::memcpy(&value, body.data() + each.offset, each.bytes);
            out += std::to_string(value);
        }
        out += "\n";
    }
}

} // namespace

std::string corpus() {
    std::string out = "# One frame of each type: its name, its bytes, its fields as unsigned "
                      "numbers. Made by\n# vmsig-wire; do not edit. Tails are left out.\n";
    print(out, requests());
    print(out, replies());
    return out;
}

} // namespace vmsig::wire_tool
