// probes: what this computer can do for vmsig, each found out by doing it.
#pragma once

#include <string>
#include <vector>

#include <vmsig/base/time.hpp>

namespace ctl {

enum class ability : unsigned char { yes, no, not_here };

struct finding {
    std::string name;
    ability can = ability::no;
    bool needed = false; ///< without it vmsig does not work at all
    std::string why;     ///< how it was found out, or what is in the way
};

/// Of this computer alone.
std::vector<finding> probe_system();
/// Whether a guest truly runs; waits at most so long for it.
finding probe_kvm(vmsig::duration limit);

} // namespace ctl
