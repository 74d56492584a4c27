// dissector: the protocol for Wireshark, in Lua: for captures in which each packet is one datagram
// (text2pcap or a user DLT), or by hand with "Decode As".
#include "wire.hpp"

#include <fmt/format.h>

namespace vmsig::wire_tool {
namespace {

std::string lua_type(const field& f, bool known_enum) {
    if (f.type == "text") return "stringz";
    if (f.type == "zero") return "bytes";
    if (f.type == "bool") return "uint8";
    if (f.type[0] == 'i' && f.type.size() <= 3) return "int" + f.type.substr(1);
    if (f.type[0] == 'u' && f.type.size() <= 3) return "uint" + f.type.substr(1);
    return known_enum || f.bytes == 1 ? "uint8" : fmt::format("uint{}", f.bytes * 8);
}

bool is_enum(const std::vector<enumeration>& all, const std::string& name) {
    for (const enumeration& e : all)
        if (e.name == name) return true;
    return false;
}

void declare(std::string& out, const char* prefix, const std::vector<frame>& frames,
             const std::vector<enumeration>& enums) {
    for (const frame& f : frames) {
        for (const field& each : f.fields) {
            const bool known = is_enum(enums, each.type);
            const std::string key = fmt::format("{}_{}_{}", prefix, f.name, each.offset);
            const std::string type = lua_type(each, known);
            const bool number = type != "bytes" && type != "stringz";
            out += fmt::format("fields.{} = ProtoField.{}(\"vmsig.{}.{}\", \"{}\"{})\n", key, type,
                               f.name, each.name, each.name,
                               known    ? fmt::format(", base.DEC, words.{}", each.type)
                               : number ? ", base.DEC"
                                        : "");
        }
    }
}

void layouts(std::string& out, const char* table, const char* prefix,
             const std::vector<frame>& frames) {
    for (const frame& f : frames) {
        out += fmt::format("{}[{}] = {{name = \"{}\", bytes = {}, {{", table, f.number, f.name,
                           f.bytes);
        for (const field& each : f.fields)
            out += fmt::format("{{fields.{}_{}_{}, {}, {}}}, ", prefix, f.name, each.offset,
                               each.offset, each.bytes);
        out += "}}\n";
    }
}

constexpr const char* tail = R"(
local function put_fields(tree, buffer, layout)
    for _, field in ipairs(layout[1]) do
        if buffer:len() >= field[2] + field[3] then
            tree:add_le(field[1], buffer(field[2], field[3]))
        end
    end
end

function vmsig.dissector(buffer, pinfo, tree)
    pinfo.cols.protocol = "vmsig"
    local at, names = 0, {}
    while buffer:len() - at >= 8 do
        local length, number = buffer(at, 4):le_uint(), buffer(at + 4, 2):le_uint()
        if length < 8 or length > buffer:len() - at then break end
        local frame = frames[number]
        local name = frame and frame.name or ("frame " .. number)
        local branch = tree:add(vmsig, buffer(at, length), name)
        names[#names + 1] = name
        if frame and length > 8 then
            local body = buffer(at + 8, length - 8)
            put_fields(branch, body, frame)
            if frame.name == "event" and body:len() > frame.bytes then
                local payload = payloads[body(0, 2):le_uint()]
                local bytes = body(frame.bytes)
                if payload then
                    put_fields(branch:add(vmsig, bytes, payload.name), bytes, payload)
                end
            end
        end
        at = at + length
    end
    pinfo.cols.info = table.concat(names, ", ")
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, vmsig)
)";

} // namespace

std::string dissector() {
    const std::vector<enumeration> enums = enumerations();
    std::string out = "-- The vmsig protocol for Wireshark. Made from the table in "
                      "include/vmsig/transport/ by\n-- vmsig-wire; do not edit. See "
                      "protocol.md.\nlocal vmsig = Proto(\"vmsig\", \"vmsig\")\nlocal words = {}\n";
    for (const enumeration& e : enums) {
        out += fmt::format("words.{} = {{", e.name);
        for (std::size_t n = 0; n < e.words.size(); ++n)
            out += fmt::format("[{}] = \"{}\", ", n, e.words[n]);
        out += "}\n";
    }
    out += "local fields = vmsig.fields\n";
    declare(out, "frame", requests(), enums);
    declare(out, "frame", replies(), enums);
    declare(out, "payload", payloads(), enums);
    out += "local frames, payloads = {}, {}\n";
    layouts(out, "frames", "frame", requests());
    layouts(out, "frames", "frame", replies());
    layouts(out, "payloads", "payload", payloads());
    return out + tail;
}

} // namespace vmsig::wire_tool
