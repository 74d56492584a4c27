// door_calls: the system calls of the server, of which the doorkeeper hears how accepting went:
// while nobody can be accepted nobody else would say so. (One server in a process.)
#pragma once

#include <cerrno>

#include <vmsig/transport/socket_calls.hpp>

#include "doorkeeper.hpp"

namespace host {

struct door_calls : vmsig::socket_calls {
    static inline doorkeeper* listens = nullptr; ///< outlives the server

    static int accept(int listener) noexcept {
        const int fd = socket_calls::accept(listener);
        const int error = fd < 0 ? errno : 0;
        if (listens) listens->accepted(error);
        errno = error;
        return fd;
    }
};

} // namespace host
