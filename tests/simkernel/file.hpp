// file: an open file description of the simulated kernel, which descriptors refer to, and the queue
// of those who watch it. What can be read and written is in files.hpp, epoll in epoll_file.hpp.
#pragma once

#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace vmsig::simkernel {

class epoll_file;
class file;

/// One entry of an epoll. It names the file and the number under which it was added, and holds
/// neither: it goes when the last descriptor of the file is closed.
struct registration {
    epoll_file* set = nullptr;
    file* of = nullptr;
    int fd = -1;
    std::uint32_t events = 0;
    std::uint64_t data = 0;
    bool linked = false;   ///< in the list of the ready
    bool spurious = false; ///< told once though nothing is ready
};

/// Results are those of the call, or -errno. All are as if O_NONBLOCK were set.
class file {
public:
    file() = default;
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    virtual ~file();

    /// EPOLL* bits.
    virtual std::uint32_t poll() = 0;
    virtual bool pollable() const { return true; }
    /// Something was written that nobody has read, though its writer may be gone.
    virtual bool unread() const { return false; }
    virtual long read(std::span<std::byte>) { return -EINVAL; }
    virtual long write(std::span<const std::byte>) { return -EINVAL; }
    /// Of st_mode.
    virtual mode_t mode() const { return 0600; }
    /// What F_GETFL says.
    virtual int flags() const { return 02; }

    /// Of what changed: 0 is anything. The newest watcher hears first.
    void wake(std::uint32_t key);

    std::vector<registration*> watchers;
};

} // namespace vmsig::simkernel
