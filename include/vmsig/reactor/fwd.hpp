// The names of the module, for those who need no more.
#pragma once

namespace vmsig {

struct linux_calls;
template <class Calls = linux_calls>
class epoll_reactor;
class manual_reactor;

} // namespace vmsig
