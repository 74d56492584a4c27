// host: the adapter for host management of a stub machine, which also brings its clock and the
// descriptor whose hang-up means that the machine is gone.
#pragma once

#include <fcntl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/stub/vm.hpp>

namespace vmsig::stub {

class host_adapter final : private performer {
public:
    static constexpr roles serves = role::host_management;

    /// Throws std::system_error.
    explicit host_adapter(vm& machine)
        : vm_{machine} {
        vm_.host_side = this;
        int ends[2];
        check(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), "pipe2");
        life_ = unique_fd{ends[0]};
        life_held_ = unique_fd{ends[1]};
        if (vm_.options.clock == clocking::timer) make_timer();
    }

    void on_attach(adapter_handle bus) {
        vm_.lines.host = bus;
        vm_.script.enter(device::host, hook::on_attach);
        watch(bus, life_.get(), {}, life);
        if (clock_) watch(bus, clock_.get(), interest::read, tick);
        if (!vm_.powered()) bus.emit(lifecycle{transition::powered_off, cause::host});
        if (vm_.powered()) bus.emit(lifecycle{transition::started, cause::host});
        if (vm_.state() == vm_state::paused) bus.emit(lifecycle{transition::paused, cause::host});
    }
    void on_ready(cookie, adapter_handle) {
        vm_.script.enter(device::host, hook::on_ready);
        std::uint64_t expirations = 0;
        if (clock_ && ::read(clock_.get(), &expirations, sizeof expirations) > 0) vm_.step();
    }
    void on_hangup(cookie, adapter_handle) {
        vm_.script.enter(device::host, hook::on_hangup);
        vm_.die();
    }
    void on_detached() {
        vm_.lines.host = {};
        vm_.script.enter(device::host, hook::on_detached);
    }
    void execute(fenced_command c, adapter_handle bus) {
        vm_.script.enter(device::host, hook::execute);
        vm_.accept(*this, c, bus);
    }

    /// What hangs up. Borrowed.
    int life_fd() const { return life_.get(); }
    void hang_up() { life_held_.reset(); }

private:
    static constexpr cookie life{0};
    static constexpr cookie tick{1};

    static void check(int result, const char* operation) {
        if (result < 0) throw std::system_error{errno, std::generic_category(), operation};
    }
    static void watch(adapter_handle bus, int fd, interests what, cookie c) {
        const auto watched = bus.watch(fd, what, c);
        if (!watched)
            throw std::system_error{watched.error().code, std::generic_category(), "watch"};
    }
    void make_timer() {
        clock_ = unique_fd{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
        check(clock_.get(), "timerfd_create");
        constexpr std::int64_t ns_per_s = 1'000'000'000;
        const std::int64_t ns = vm_.options.period.ns;
        const ::timespec period{static_cast<time_t>(ns / ns_per_s),
                                static_cast<long>(ns % ns_per_s)};
        const ::itimerspec setting{period, period};
        check(::timerfd_settime(clock_.get(), 0, &setting, nullptr), "timerfd_settime");
    }

    completion perform(const taken_command& t) override {
        completion how;
        how.failure = act(t.command.verb);
        if (how.failure != failure::none) how.outcome = outcome::failed;
        how.state = vm_.state();
        return how;
    }
    failure act(verb v) {
        switch (v) {
        case verb::start: return vm_.start();
        case verb::pause: return vm_.pause();
        case verb::resume: return vm_.resume();
        case verb::reset: return vm_.reset();
        case verb::power_button: return vm_.press_power_button();
        case verb::power_off: return vm_.power_off();
        case verb::snapshot_save: return vm_.save();
        case verb::snapshot_restore: return vm_.restore();
        case verb::status: return failure::none;
        default: return failure::unsupported;
        }
    }
    /// What it raised the epoch for is over: the memory can be shown.
    void over() override { vm_.publish_due(); }

    vm& vm_;
    unique_fd life_;
    unique_fd life_held_;
    unique_fd clock_;
};

} // namespace vmsig::stub
