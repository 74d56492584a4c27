// close: that of the test program. The library closes through `unique_fd`, which has no policy; a
// number of the simulated kernel goes to it, any other to the kernel below.
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>

#include "calls.hpp"

using vmsig::simkernel::kernel;
using vmsig::simkernel::library;

extern "C" int close(int fd) {
    if (fd < kernel::first_fd) return static_cast<int>(::syscall(SYS_close, fd));
    std::optional<vmsig::sim::meter::side> ours;
    if (library::cost != nullptr) ours.emplace(*library::cost, false);
    const int r = kernel::current != nullptr ? kernel::current->close(fd) : -EBADF;
    if (r == 0) return 0;
    errno = -r;
    return -1;
}
