// lease_text: what is known of a lease, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>

#include "connection.hpp"

namespace ctl {

/// Asks the bus. Throws `trouble`.
vmsig::lease_view view_of(connection& bus, const machine& m, vmsig::lease_class c);
/// Not escaped: the reason is its owner's.
std::string text_of_lease(const vmsig::lease_view& v, vmsig::origin_id self);
nlohmann::ordered_json object_of_lease(const vmsig::lease_view& v);

} // namespace ctl
