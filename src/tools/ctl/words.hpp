// words: the names on the command line, as the numbers of the bus. Each throws `trouble` with the
// names that there are.
#pragma once

#include <string_view>

#include <vmsig/event/command.hpp>
#include <vmsig/event/kind.hpp>
#include <vmsig/event/lane.hpp>

namespace ctl {

vmsig::lease_class lease_class_of(std::string_view name);
/// "reset", "power-button", ...
vmsig::verb power_verb_of(std::string_view name);
/// Any verb of a command.
vmsig::verb verb_of(std::string_view name);
vmsig::write_mode write_mode_of(std::string_view name);
vmsig::source source_of(std::string_view name);
std::string_view name_of_source(vmsig::source s);

} // namespace ctl
