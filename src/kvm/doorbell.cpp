// From the doorbell's counter to an event.
#include <vmsig/kvm/doorbell.hpp>

#include <sys/eventfd.h>

namespace vmsig::kvm {

void doorbell::rung(adapter_handle bus) {
    eventfd_t rings = 0;
    if (::eventfd_read(fd(), &rings) != 0) return;
    count_ += rings;
    bus.emit(kind_, doorbell_rung{count_});
}

} // namespace vmsig::kvm
