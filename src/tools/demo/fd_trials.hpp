// fd_trials: what somebody would try with a descriptor of guest RAM that he should only read.
#pragma once

#include <string_view>

namespace demo {

/// Tries each; borrows `fd`. What succeeded first ("written"), or "". Harmless: should one succeed,
/// it writes back what was there.
std::string_view try_to_write(int fd);

} // namespace demo
