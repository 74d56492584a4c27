// setup_error: why setting up a core failed: misuse or exhaustion while endpoints, adapters and
// controls are added. Verbs at run time never throw; they return refusals.
#pragma once

#include <stdexcept>

namespace vmsig {

enum class setup_fault {
    none,
    table_full, ///< a limit of the traits
    no_such_endpoint,
    name_taken,     ///< or too long, or empty
    role_taken,     ///< the endpoint has an adapter in that role
    codes_clash,    ///< another input adapter of the endpoint takes the same codes
    bad_descriptor, ///< the reactor refused the control's own descriptor
    bad_kind,       ///< only the bus's own kinds fold, are retained, or go to such an audience
    adapter_failed, ///< it threw or detached itself in `on_attach`
    inert,          ///< in a forked child there is no bus
    exhausted,      ///< what is left of a table has been used as often as its limit allows
};

class setup_error : public std::runtime_error {
public:
    setup_error(setup_fault fault, const char* what)
        : std::runtime_error{what}
        , fault_{fault} {}
    setup_fault fault() const { return fault_; }

private:
    setup_fault fault_;
};

} // namespace vmsig
