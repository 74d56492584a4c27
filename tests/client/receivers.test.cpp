// Rule: what of a guest's memory a peer is handed is decided by the uid that the kernel says it
// has.
#include <vmsig/client/client.hpp>

#include <grp.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <transport/peers.hpp>

using namespace vmsig;

namespace {

constexpr uid_t stranger = 65534;

/// Shows a file that is not sealed, and that only its owner may open.
struct private_ram {
    static constexpr roles serves = role::memctx_provider;
    unique_fd fd{::memfd_create("guest-ram", MFD_CLOEXEC)};
    adapter_handle bus;

    private_ram() {
        REQUIRE(::ftruncate(fd.get(), 4096) == 0);
        REQUIRE(::fchmod(fd.get(), 0600) == 0);
    }
    void on_attach(adapter_handle b) { bus = b; }
    expected<memctx_locator, os_error> describe() {
        memctx_locator l;
        l.paging = paging_mode::x86_64_4_level;
        l.fd_count = 1;
        (void)l.add(ram_region{0, 4096, 0, 0, 0});
        return l;
    }
    expected<ram_fds, os_error> share_fds() {
        ram_fds f;
        f.fd[0] = fd.get();
        f.count = 1;
        return f;
    }
    void invalidate(epoch_number e, adapter_handle b) { b.publish(e); }
};

enum answer : int {
    refused_for_good = 10,
    guarded_for_good,
    writable_again,
    lost_and_found,
    unexpected_answer
};

/// What another process does that is shown the machine "ram".
using story = int (*)(client& bus, endpoint_id ram);

int attach(const std::string& path, uid_t as, story then) {
    if (as != ::geteuid())
        if (::setgroups(0, nullptr) != 0 || ::setgid(as) != 0 || ::setuid(as) != 0) return 1;
    const auto bus = client::connect(path, {"reader", seconds(20)});
    if (!bus) return 2;
    const event* e = (*bus)->next_event(seconds(20));
    while (e && !(e->is(kind::replay_end) && (*bus)->name_of(e->endpoint) == "ram"))
        e = (*bus)->next_event(seconds(20));
    return e ? then(**bus, e->endpoint) : 3;
}

int look(client& bus, endpoint_id ram) {
    const auto got = bus.memctx(ram);
    if (!got) return got.error() == refusal::not_ready ? refused_for_good : unexpected_answer;
    if (!got->fds_included || got->locator.level != export_level::guarded) return unexpected_answer;
    const std::string again = "/proc/self/fd/" + std::to_string(got->fds[0].get());
    const unique_fd writable{::open(again.c_str(), O_RDWR | O_CLOEXEC)};
    return writable ? writable_again : guarded_for_good;
}

/// To whoever comes.
void show(private_ram& ram, test::served<>& host) {
    REQUIRE(::chmod(host.dir.at("").c_str(), 0755) == 0);
    REQUIRE(::chmod(host.path().c_str(), 0666) == 0);
    const endpoint_id vm = host.bus->add_endpoint("ram");
    host.bus->attach_adapter(ram, vm);
    REQUIRE(ram.bus.publish(host.bus->epoch_of(vm)));
}

bool room_for_descriptors(rlim_t count) {
    ::rlimit now{};
    if (::getrlimit(RLIMIT_NOFILE, &now) != 0) return false;
    now.rlim_cur = count;
    return ::setrlimit(RLIMIT_NOFILE, &now) == 0;
}

/// Without room for its descriptor, then with some.
int lose_and_ask_again(client& bus, endpoint_id ram) {
    const int first_free = ::dup(0);
    const auto count = static_cast<rlim_t>(first_free);
    if (first_free < 0 || ::close(first_free) != 0) return 4;
    if (!room_for_descriptors(count)) return 4;
    const auto lost = bus.memctx(ram);
    if (lost || lost.error() != refusal::exhausted) return unexpected_answer;
    if (!room_for_descriptors(count + 8)) return 5;
    const auto found = bus.memctx(ram);
    if (!found || !found->fds_included || !found->fds[0]) return unexpected_answer;
    const auto known = bus.memctx(ram);
    return known && !known->fds_included ? lost_and_found : unexpected_answer;
}

/// The same, in a child, while this process serves.
int answer_to(test::served<>& host, uid_t as, story then = look) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(attach(host.path(), as, then));
    int status = -1;
    const bool ended = host.await([&] { return ::waitpid(child, &status, WNOHANG) == child; });
    if (!ended) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("receivers: memory without a seal goes to another user's process, not to one's own") {
    if (::geteuid() != 0) VMSIG_SKIP("only root can become another user");
    private_ram ram;
    test::served<> host;
    show(ram, host);
    CHECK(answer_to(host, 0) == refused_for_good);
    CHECK(answer_to(host, stranger) == guarded_for_good);
    ram.bus.detach();
}

TEST_CASE("receivers: who has no room for a descriptor is told so, and gets it on asking again") {
    if (::geteuid() != 0) VMSIG_SKIP("only root can become another user");
    private_ram ram;
    test::served<> host;
    show(ram, host);
    CHECK(answer_to(host, stranger, lose_and_ask_again) == lost_and_found);
    ram.bus.detach();
}
