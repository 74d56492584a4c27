// Your own adapter: a memory writer that fails, and a sensor with a descriptor, in one object. It
// says what it serves, takes each command out of its fence, and completes it once.
#include <unistd.h>

#include <cstdio>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/vmsig.hpp>

struct reading {
    char byte;
};

struct device {
    static constexpr vmsig::roles serves = vmsig::role::memory_writer;
    vmsig::unique_fd fd;
    vmsig::kind told;
    int executed = 0;

    void on_attach(vmsig::adapter_handle bus) {
        if (!bus.watch(fd.get(), vmsig::interest::read, vmsig::cookie{7})) bus.detach();
    }
    void on_ready(vmsig::cookie, vmsig::adapter_handle bus) {
        reading r{};
        if (::read(fd.get(), &r.byte, 1) == 1) bus.emit(told, r);
    }
    void execute(vmsig::fenced_command c, vmsig::adapter_handle bus) {
        if (!c.take()) return; // no longer to be executed; the bus has told its issuer
        ++executed;
        bus.complete(c.id(), vmsig::completion::failed(vmsig::failure::unsupported));
    }
};

struct user {
    bool refused = false;
    char heard = 0;
    vmsig::kind told{};

    void on_event(const vmsig::event& e, vmsig::control_handle bus) {
        if (e.is(told)) heard = e.payload_as<reading>()->byte;
        if (e.is(vmsig::kind::replay_end)) bus.acquire(e.endpoint, vmsig::lease_class::memwrite);
        if (const auto* lease = e.as<vmsig::lease_granted>())
            bus.submit(vmsig::store(*lease, {0x1000, 0}, 42));
        if (const auto* r = e.as<vmsig::receipt>())
            refused =
                r->outcome == vmsig::outcome::failed && r->failure == vmsig::failure::unsupported;
    }
};

int main() {
    int ends[2];
    if (::pipe(ends) != 0) return 1;
    vmsig::unique_fd line{ends[1]};

    device dev{.fd = vmsig::unique_fd{ends[0]}, .told = {}};
    user u;
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("build-7");
    dev.told = u.told = bus.register_kind("device.reading", {.lane = vmsig::lane::bulk});
    bus.attach_adapter(dev, vm);
    bus.attach(u, vmsig::grant{}.on(vm).allow(vmsig::right::observe | vmsig::right::memwrite));

    bus.dispatch(); // the replay
    if (::write(line.get(), "x", 1) != 1) return 1;
    for (int turn = 0; turn < 10; ++turn) bus.dispatch();
    std::printf("heard '%c', write %s\n", u.heard, u.refused ? "refused by the device" : "done?");
    return u.heard == 'x' && u.refused && dev.executed == 1 ? 0 : 1;
}
