// rights: what one may do at a machine, found out by asking.
#pragma once

#include <string>
#include <vector>

#include "connection.hpp"

namespace ctl {

struct verb_right {
    std::string verb; ///< as on the command line
    bool may = false;
};

/// Every verb of a command, in the order of the bus.
std::vector<verb_right> rights_at(connection& bus, const machine& m);
bool may_do(connection& bus, const machine& m, vmsig::verb v);

} // namespace ctl
