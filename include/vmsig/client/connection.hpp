// connection: how whole datagrams go from a control to its bus and come back: over a socket
// (socket_connection.hpp), or through memory to another thread (thread_connection.hpp). Not what
// they say. `client` is the same over each.
#pragma once

#include <cstddef>
#include <span>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/function_ref.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/base/unique_fd.hpp>

namespace vmsig {

struct receiving {
    bool awaited = false;     ///< it may wait, no longer than a verb does
    bool descriptors = false; ///< those that come are taken; else they are closed
};

class connection {
public:
    /// A datagram, and the descriptors that came with it: all of them, or none.
    using taker = function_ref<void(std::span<const std::byte>, std::span<unique_fd>)>;

    virtual ~connection() = default;
    /// Readable when `receive` has something to say.
    virtual int fd() = 0;
    /// Whether it stays readable while something is left. If not, `receive` until it says false, or
    /// `rest`.
    virtual bool level_triggered() const = 0;
    /// Nobody receives for a while: whoever polls `fd()` is told of what is left and of what comes.
    virtual void rest() = 0;
    /// False: not now. It never waits. An error: there is no connection any more.
    virtual expected<bool, os_error> send(std::span<const std::byte> datagram) = 0;
    /// False: none is there. An error: none will come.
    virtual expected<bool, os_error> receive(taker take, receiving how = {}) = 0;
    /// Until there is something to receive, or, if asked, room to send; at most so long. False: not
    /// yet, perhaps for no reason.
    virtual expected<bool, os_error> wait(bool for_room, duration at_most) = 0;
    /// Whether somebody must say hello.
    virtual bool greets() const = 0;
};

} // namespace vmsig
