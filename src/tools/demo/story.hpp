// story: the steps of the demo, told twice: with an operator in the host's process, and with one
// that is a process of its own, of another user, on the other side of a socket.
#pragma once

#include <string_view>

#include "machines.hpp"
#include "timeline.hpp"

namespace demo {

/// Stops at the first step that did not hold. True when every one did.
bool tell(timeline& out, std::string_view backend, machine_maker make);

} // namespace demo
