// signals: those that a host is told by, as a descriptor in its loop. No handler is installed.
#pragma once

#include <vmsig/base/unique_fd.hpp>

namespace host {

/// What has been asked for by signals, since it was looked at last.
struct wishes {
    bool stop = false;   ///< SIGTERM, SIGINT
    bool reload = false; ///< SIGHUP
};

/// Blocks those signals, in this thread and those that it starts; SIGPIPE is ignored. Before any
/// other thread is there. Throws std::system_error.
vmsig::unique_fd signal_descriptor();
/// Reads what has come.
void read_signals(int descriptor, wishes& into) noexcept;

} // namespace host
