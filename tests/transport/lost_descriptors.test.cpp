// Row 11: a control in a process of its own that has room for some of the descriptors of a memctx,
// or for none: it keeps none of them, is told so by a typed error, and goes on.
#include <vmsig/client/client.hpp>

#include <sys/mman.h>
#include <sys/wait.h>

#include "peers.hpp"

#include "few_descriptors.hpp"

using namespace vmsig;

namespace {

/// Memory in so many sealed files.
class split_ram {
public:
    static constexpr roles serves = role::memctx_provider;

    explicit split_ram(unsigned files) {
        for (; files != 0; --files) {
            unique_fd fd{::memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
            constexpr int seals =
                F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL; // memfd_create(2)
            REQUIRE(::ftruncate(fd.get(), page) == 0);
            REQUIRE(::fcntl(fd.get(), F_ADD_SEALS, seals) == 0);
            files_.push_back(std::move(fd));
        }
    }
    void on_attach(adapter_handle b) { bus = b; }
    expected<memctx_locator, os_error> describe() {
        memctx_locator l;
        l.paging = paging_mode::x86_64_4_level;
        for (const unique_fd& fd : files_) {
            (void)fd;
            const std::uint16_t n = l.fd_count++;
            REQUIRE(l.add(ram_region{n * page, page, 0, n, 0}));
        }
        return l;
    }
    expected<ram_fds, os_error> share_fds() {
        ram_fds f;
        for (const unique_fd& fd : files_) f.fd[f.count++] = fd.get();
        return f;
    }
    void invalidate(epoch_number e, adapter_handle b) { b.publish(e); }

    adapter_handle bus;

private:
    static constexpr std::uint64_t page = 4096;
    std::vector<unique_fd> files_;
};

/// In the process of the control.
void must(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "the control: %s\n", what);
    ::_exit(1);
}
unsigned free_descriptors() {
    std::vector<unique_fd> taken;
    for (int fd = 0; (fd = ::dup(STDIN_FILENO)) >= 0;) taken.emplace_back(fd);
    return static_cast<unsigned>(taken.size());
}
std::unique_ptr<client> attached(const std::string& path) {
    auto bus = client::connect(path, {"reader", seconds(20)});
    must(bus.has_value(), "can not connect");
    for (int machines = 3; machines > 0;) {
        const event* e = (*bus)->next_event(seconds(20));
        must(e != nullptr, "is not told of the machines");
        machines -= e->is(kind::replay_end) ? 1 : 0;
    }
    return std::move(*bus);
}
void drives(client& bus) {
    const auto vm = bus.find("build-7");
    must(vm.has_value(), "finds no machine");
    const auto got = bus.acquire(*vm, lease_class::input);
    must(static_cast<bool>(got), "gets no lease");
    must(static_cast<bool>(bus.submit(press(got.lease, KEY_A))), "can not press a key");
    const event* e = bus.next_event(seconds(20));
    while (e && !e->is(kind::receipt)) e = bus.next_event(seconds(20));
    must(e && e->as<receipt>()->outcome == outcome::done, "has pressed no key");
    must(bus.release(got.lease) == refusal::none, "can not release");
}
std::size_t count_of(const memctx_export& m) {
    return static_cast<std::size_t>(
        std::count_if(m.fds.begin(), m.fds.end(), [](const unique_fd& fd) { return bool{fd}; }));
}

/// The control: there is room for `left` of the `files`. `ready`: for another epoch.
void take_memory(const std::string& path, unsigned left, unsigned files, int ready) {
    const auto bus = attached(path);
    const auto vm = bus->find("ram");
    must(vm.has_value(), "finds no memory");
    {
        const test::few_descriptors some{left};
        must(free_descriptors() == left, "has another room than was meant");
        const auto got = bus->memctx(*vm);
        if (left >= files) {
            must(got && got->fds_included && count_of(*got) == files, "has not all the memory");
            must(free_descriptors() == left - files, "has more descriptors than it was given");
        } else {
            must(!got && got.error() == refusal::exhausted, "is not told what it has not");
            must(free_descriptors() == left, "keeps some of what came");
        }
        must(bus->connected(), "has lost its connection");
        drives(*bus);
    }
    must(::write(ready, "", 1) == 1, "can not say so");
    const event* e = bus->next_event(seconds(20));
    while (e && !(e->is(kind::memctx_published) && e->endpoint == *vm))
        e = bus->next_event(seconds(20));
    must(e != nullptr, "is not told of the new epoch");
    const auto got = bus->memctx(*vm);
    must(got && got->fds_included && count_of(*got) == files,
         "has not the memory of the new epoch");
}

int status_of_one(unsigned left, unsigned files) {
    split_ram ram{files};
    test::served<> host;
    const endpoint_id vm = host.bus->add_endpoint("ram");
    host.bus->attach_adapter(ram, vm);
    REQUIRE(ram.bus.publish(host.bus->epoch_of(vm)));
    int ready[2];
    REQUIRE(::pipe2(ready, O_CLOEXEC | O_NONBLOCK) == 0);
    const unique_fd hears{ready[0]}, says{ready[1]};
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        take_memory(host.path(), left, files, says.get());
        ::_exit(0);
    }
    int status = -1;
    const bool ended = host.await([&] {
        char c = 0;
        if (::read(hears.get(), &c, 1) == 1)
            ram.bus.emit(lifecycle{transition::reset, cause::guest});
        return ::waitpid(child, &status, WNOHANG) == child;
    });
    if (!ended) {
        ::kill(child, SIGKILL);
        ::waitpid(child, &status, 0);
    }
    CHECK(host.bus->audit().count(decision::memctx_exported) == 2);
    ram.bus.detach();
    return status;
}

} // namespace

TEST_CASE("client: without room for each descriptor of a memctx it keeps none, says so, goes on") {
    VMSIG_NEEDS_NO_DESCRIPTORS();
    for (unsigned files = 1; files <= max_ram_fds; ++files) {
        for (unsigned left = 0; left <= files; ++left) {
            INFO("room for " << left << " of " << files);
            CHECK(status_of_one(left, files) == 0);
        }
    }
}
