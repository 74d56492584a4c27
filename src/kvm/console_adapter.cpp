// From the serial port to console_output.
#include <vmsig/kvm/console.hpp>

#include <sys/eventfd.h>

#include "fault.hpp"

namespace vmsig::kvm {

namespace {

constexpr int pieces_per_call = 64;

} // namespace

console_adapter::console_adapter(vm& machine)
    : vm_{machine}
    , more_{checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")} {}

void console_adapter::on_attach(adapter_handle bus) {
    bus_ = bus;
    const auto watched = bus.watch(more_.get(), interest::read, {});
    if (!watched) throw system_fault{watched.error()};
}

void console_adapter::on_ready(cookie, adapter_handle) {
    eventfd_t once = 0;
    ::eventfd_read(more_.get(), &once);
    drain();
}

void console_adapter::drain() {
    for (int i = 0; i < pieces_per_call; ++i) {
        if (!bus_.id()) return;
        console_output piece;
        const std::size_t size = vm_.read_console(piece.text);
        if (size == 0) return;
        piece.size = static_cast<std::uint8_t>(size);
        bus_.emit(piece);
    }
    ::eventfd_write(more_.get(), 1);
}

} // namespace vmsig::kvm
