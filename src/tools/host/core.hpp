// core: the bus of the host, with the audit that it was configured with.
#pragma once

#include <vmsig/core/core.hpp>

#include "audit_output.hpp"

namespace host {

struct traits : vmsig::default_traits {
    using audit_sink = audit_output;
};
using core = vmsig::core<traits>;

} // namespace host
