// cue: what the stage tells the operator: which piece of its part is next.
#pragma once

#include <array>
#include <string_view>

namespace demo {

enum class cue : char {
    attach,    ///< comes to the bus and is told what there is
    start,     ///< powers both machines on
    look,      ///< looks into the guest
    watch,     ///< has watched the agent type
    overreach, ///< tries what its grant does not say
    preempt,   ///< takes the input lease away from the agent, and types
    reset,     ///< resets the machine
    type,      ///< one more key
    let_go,    ///< releases its leases
};

inline constexpr std::array<std::string_view, 2> machine_names{"build-7", "build-8"};
/// The agent types so many A; the reason that it gives for its lease is shown to whoever watches.
inline constexpr int keys_typed = 50;
inline constexpr std::string_view agent_reason = "typing a lot of A";

} // namespace demo
