// event_fields: an event as named fields, the same for people and for programs.
#pragma once

#include <nlohmann/json.hpp>

#include <vmsig/client/client.hpp>

namespace ctl {

/// "slot.generation", or null for nobody.
nlohmann::ordered_json id_of(std::uint64_t value);

/// What its payload says. `show`: bytes and values of memory too, else how many there are.
nlohmann::ordered_json fields_of(const vmsig::event& e, std::span<const std::byte> payload,
                                 bool show);
/// `key=value` and so on; nulls and what is not news are left out.
std::string text_of_fields(const nlohmann::ordered_json& fields);

} // namespace ctl
