// Rule: the bus knows CLOCK_MONOTONIC alone: dates may jump, and a process that stood still for
// long goes on without a burst; what was due meanwhile happens once.
#include <csignal>

#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include "child.hpp"
#include "workload.hpp"

#include <support/sanitizers.hpp>

#if !VMSIG_TEST_SANITIZED
namespace {
std::atomic<std::uint64_t> monotonic_reads{0}, other_reads{0};
std::atomic<bool> watching{false};
} // namespace

// Before those of the C library, for everything in this program. The date is another one each time.
extern "C" {
int clock_gettime(clockid_t which, timespec* out) noexcept {
    if (watching) ++(which == CLOCK_MONOTONIC ? monotonic_reads : other_reads);
    const long result = ::syscall(SYS_clock_gettime, which, out);
    constexpr time_t ten_years = 10L * 365 * 24 * 3600;
    if (result == 0 && which == CLOCK_REALTIME)
        out->tv_sec += monotonic_reads % 2 ? ten_years : -ten_years;
    return static_cast<int>(result);
}
int gettimeofday(timeval* out, void*) noexcept {
    if (watching) ++other_reads;
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    *out = {t.tv_sec, t.tv_nsec / 1000};
    return 0;
}
time_t time(time_t* out) noexcept {
    if (watching) ++other_reads;
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    if (out) *out = t.tv_sec;
    return t.tv_sec;
}
}
#endif

using namespace vmsig;
using namespace vmsig::test;

namespace {

instant read_clock() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return instant{std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec};
}

/// Completes, and notes when.
struct timed_device {
    static constexpr roles serves = role::host_management;
    std::vector<instant> asked; ///< by the time of the turn
    adapter_handle bus;
    void on_attach(adapter_handle b) { bus = b; }
    void execute(fenced_command c, adapter_handle b) {
        if (!c.take()) return;
        asked.push_back(b.now());
        b.complete(c.id());
    }
};
struct tally {
    std::uint64_t lost = 0, receipts = 0, done = 0, expired = 0;
    void on_event(const event& e, control_handle) {
        if (const auto* l = e.as<lease_lost>()) lost += l->why == lease_end::expired ? 1u : 100u;
        if (const auto* r = e.as<receipt>()) {
            ++receipts;
            done += r->outcome == outcome::done ? 1u : 0u;
            expired += r->outcome == outcome::expired ? 1u : 0u;
        }
    }
};

constexpr duration pace = milliseconds(5);
constexpr duration time_to_live = milliseconds(50);

/// The life of a bus in a process that is stopped for longer than anything here lasts, once it has
/// said so through the pipe. 0, or what was wrong.
int stopped_life(int tell) {
    timed_device device;
    tally sees;
    workload_core bus;
    const endpoint_id vm = bus.add_endpoint("vm");
    bus.attach_adapter(device, vm);
    bus.set_pace(vm, command_class::query, pace);
    const control_handle me = bus.attach(sees, full(vm));
    while (bus.dispatch()) {}
    if (!me.acquire(vm, lease_class::power, {.time_to_live = time_to_live})) return 1;
    unsigned accepted = 0;
    for (int i = 0; i < 20; ++i) accepted += me.submit(query_status(vm)) ? 1u : 0u;
    accepted +=
        me.submit(query_status(vm).within(milliseconds(20)).delayed(milliseconds(10))) ? 1u : 0u;
    const char byte = 1;
    if (::write(tell, &byte, 1) != 1) return 2;
    ::raise(SIGSTOP); // for longer than the time to live
    while (sees.receipts < accepted || sees.lost == 0) {
        pollfd p{bus.fd(), POLLIN, 0};
        (void)::poll(&p, 1, -1);
        bus.dispatch();
    }
    while (bus.dispatch()) {}
    if (sees.lost != 1) return 3;
    if (sees.expired != 1 || sees.done != 20) return 4;
    for (std::size_t i = 1; i < device.asked.size(); ++i) // no catching up
        if (device.asked[i] - device.asked[i - 1] < pace) return 5;
    return device.asked.size() == 20 ? 0 : 6;
}

} // namespace

TEST_CASE("the library reads CLOCK_MONOTONIC and no other, and a date that jumps changes nothing") {
#if VMSIG_TEST_SANITIZED
    VMSIG_SKIP("a sanitizer has these functions of its own");
#else
    workload w;
    monotonic_reads = other_reads = 0;
    watching = true;
    w.post_from_beside(200);
    w.run(30);
    w.dispatch(30);
    watching = false;
    CHECK(monotonic_reads > 60);
    CHECK(other_reads == 0);
    w.check_all();
    for (const auto& [fd, is] : kernel_objects_by_fd()) {
        if (is.find("[timerfd]") == std::string::npos) continue;
        const std::string info = text_of("/proc/self/fdinfo/" + std::to_string(fd));
        CHECK(info.find("clockid: 1\n") != std::string::npos);
    }
#endif
}

TEST_CASE("a process that stood still goes on without a burst, and what was due comes once") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const unique_fd from{ends[0]};
    unique_fd to{ends[1]};
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) leave_child([&] { return stopped_life(to.get()); });
    to.reset();
    char byte = 0;
    REQUIRE(::read(from.get(), &byte, 1) == 1);
    int status = 0;
    REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
    REQUIRE(WIFSTOPPED(status));
    const instant until = read_clock() + duration{3 * time_to_live.ns};
    while (read_clock() < until) ::usleep(10'000);
    REQUIRE(::kill(child, SIGCONT) == 0);
    status = wait_for(child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
