// A ring whose eventfd is non-zero exactly when it is not empty.
#include "status_queue.hpp"

#include <sys/eventfd.h>

#include <vmsig/base/assert.hpp>

#include "fault.hpp"

namespace vmsig::kvm {

status_queue::status_queue()
    : fd_{checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")} {}

void status_queue::push(const status& record) {
    VMSIG_ASSERT(size() < capacity);
    if (size() == 0) ::eventfd_write(fd(), 1);
    records_[written_++ % capacity] = record;
}

void status_queue::push_once(status_kind kind) {
    for (std::size_t i = read_; i != written_; ++i)
        if (records_[i % capacity].kind == kind) return;
    push({.kind = kind});
}

std::optional<status> status_queue::pop() {
    std::optional<status> record;
    if (size() != 0) record = records_[read_++ % capacity];
    eventfd_t count = 0;
    if (size() == 0) ::eventfd_read(fd(), &count); // if it fails, the next call reads again
    return record;
}

} // namespace vmsig::kvm
