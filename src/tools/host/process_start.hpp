// process_start: when a process began, which tells it from others that had its number before or
// have it later. For the log: nothing is decided by it.
#pragma once

#include <cstdint>
#include <optional>

#include <sys/types.h>

namespace host {

/// In clock ticks since boot, proc(5). Nothing unless `pidfd` says that what was looked at is that
/// very process: its number may be another's already.
std::optional<std::uint64_t> process_start(pid_t pid, int pidfd);

} // namespace host
