// Runs a guest to its ready line.
#include <vmsig/kvm/probe.hpp>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <poll.h>
#include <time.h>

#include <vmsig/kvm/vm.hpp>

namespace vmsig::kvm {

namespace {

constexpr std::string_view ready_line = "ready boot=";

bool hidden() {
    const char* value = std::getenv("VMSIG_HIDE_KVM");
    return value && *value != '\0' && std::strcmp(value, "0") != 0;
}

instant now() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return {t.tv_sec * seconds(1).ns + t.tv_nsec};
}

/// False when the time is over.
expected<bool, os_error> wait_readable(int fd, instant deadline) {
    for (;;) {
        const std::int64_t left_ms = ((deadline - now()).ns + 999'999) / 1'000'000;
        if (left_ms <= 0) return false;
        pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
        const int n = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left_ms, INT_MAX)));
        if (n > 0) return true;
        if (n < 0 && errno != EINTR) return unexpected{os_error::last("poll")};
    }
}

probe_verdict verdict_of(const os_error& error) {
    const bool device = std::strcmp(error.operation, "open /dev/kvm") == 0;
    if (device && (error.code == EACCES || error.code == EPERM))
        return probe_verdict::no_permission;
    if (device && (error.code == ENOENT || error.code == ENODEV || error.code == ENXIO))
        return probe_verdict::no_device;
    return error.code == ENOTSUP ? probe_verdict::no_capability : probe_verdict::system_fault;
}

/// The first words of the console, as far as they have come.
class console_head {
public:
    void read_from(vm& machine) { size_ += machine.read_console(std::span{text_}.subspan(size_)); }
    bool says(std::string_view words) const {
        return std::string_view{text_.data(), size_}.find(words) != std::string_view::npos;
    }

private:
    std::array<char, 512> text_{};
    std::size_t size_ = 0;
};

probe_result run(vm& machine, instant deadline) {
    console_head console;
    machine.start();
    for (;;) {
        const auto readable = wait_readable(machine.status_fd(), deadline);
        if (!readable) return {probe_verdict::system_fault, readable.error()};
        if (!*readable) return {probe_verdict::timed_out, {}};
        const auto record = machine.next_status();
        if (!record) continue;
        if (record->kind == status_kind::failed || record->kind == status_kind::reset_requested)
            return {probe_verdict::guest_failed, record->error};
        console.read_from(machine);
        if (console.says(ready_line)) return {probe_verdict::usable, {}};
    }
}

} // namespace

probe_result probe(duration limit) noexcept {
    if (hidden()) return {probe_verdict::hidden, {}};
    const instant deadline = now() + limit;
    auto machine = vm::create();
    if (!machine) return {verdict_of(machine.error()), machine.error()};
    return run(*machine, deadline);
}

std::string to_string(const probe_result& result) {
    const auto with_error = [&](std::string text) {
        if (result.error.code == 0) return text;
        return text + ": " + result.error.operation + ": " + std::strerror(result.error.code);
    };
    switch (result.verdict) {
    case probe_verdict::usable: return "KVM is usable";
    case probe_verdict::hidden: return "hidden by VMSIG_HIDE_KVM";
    case probe_verdict::no_device: return with_error("there is no KVM device");
    case probe_verdict::no_permission: return with_error("KVM may not be used");
    case probe_verdict::no_capability: return std::string{"KVM lacks "} + result.error.operation;
    case probe_verdict::system_fault: return with_error("no machine could be made");
    case probe_verdict::guest_failed: return with_error("the guest could not run");
    case probe_verdict::timed_out: return "the guest was not ready in time";
    }
    return "unknown";
}

} // namespace vmsig::kvm
