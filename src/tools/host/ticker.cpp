// ticker: a timerfd and what it says.
#include "ticker.hpp"

#include <cerrno>
#include <system_error>

#include <sys/timerfd.h>
#include <unistd.h>

namespace host {

ticker::ticker(vmsig::duration every, vmsig::kind as)
    : timer_{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)}
    , kind_{as} {
    itimerspec period{};
    period.it_interval.tv_sec = static_cast<time_t>(every.ns / 1'000'000'000);
    period.it_interval.tv_nsec = static_cast<long>(every.ns % 1'000'000'000);
    period.it_value = period.it_interval;
    if (!timer_ || ::timerfd_settime(timer_.get(), 0, &period, nullptr) != 0)
        throw std::system_error{errno, std::generic_category(), "the timer of a ticker"};
}

void ticker::on_attach(vmsig::adapter_handle bus) {
    bus_ = bus;
    if (!bus.watch(timer_.get(), vmsig::interest::read, {}))
        throw std::system_error{EMFILE, std::generic_category(), "watch the timer of a ticker"};
}

void ticker::on_ready(vmsig::cookie, vmsig::adapter_handle bus) {
    std::uint64_t expiries = 0;
    if (::read(timer_.get(), &expiries, sizeof expiries) != sizeof expiries) return;
    last_.count += expiries;
    bus.emit(kind_, last_);
}

} // namespace host
