// wire: what the three printers share: how a field's type is called, and its numbers by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <vmsig/transport/catalogue.hpp>
#include <vmsig/transport/event_codec.hpp>
#include <vmsig/transport/names.hpp>

namespace vmsig::wire_tool {

std::string document();
std::string dissector();
std::string corpus();

struct field {
    std::string name;
    std::string type; ///< u8 .. u64, i32, i64, bool, text, zero, or the name of an enum
    std::string meaning;
    std::size_t offset = 0; ///< from the start of the fields
    std::size_t bytes = 0;
};
struct frame {
    std::string name;
    unsigned number = 0;
    std::vector<field> fields;
    std::size_t bytes = 0;
    std::string tail;
};
struct enumeration {
    std::string name;
    std::vector<std::string> words; ///< by number
};

/// Every enum that travels.
std::vector<enumeration> enumerations();
std::vector<frame> requests();
std::vector<frame> replies();
/// The payloads of the bus's own kinds, with the kind as number.
std::vector<frame> payloads();

} // namespace vmsig::wire_tool
