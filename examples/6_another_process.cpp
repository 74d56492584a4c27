// Another process: the host serves its bus on a socket; a program of its own attaches, takes the
// keyboard of a machine and types. Who may attach, and as what, is the host's word.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include <vmsig/client/client.hpp>
#include <vmsig/stub/machine.hpp>
#include <vmsig/transport/listener.hpp>
#include <vmsig/transport/server.hpp>
#include <vmsig/vmsig.hpp>

using vmsig::kind;

/// What the other program does.
static int operate(const std::string& path) {
    const auto bus = vmsig::client::connect(path, {"operator"});
    if (!bus) return 1;
    while (const vmsig::event* e = (*bus)->next_event(vmsig::seconds(5))) {
        if (e->is(kind::replay_end)) {
            const auto got = (*bus)->acquire(e->endpoint, vmsig::lease_class::input);
            if (!got) return 1;
            (*bus)->submit(vmsig::press(got.lease, KEY_A).hold(vmsig::milliseconds(20)));
        } else if (const auto* receipt = e->as<vmsig::receipt>()) {
            return receipt->outcome == vmsig::outcome::done ? 0 : 1;
        }
    }
    return 1;
}

/// The host's word: whoever runs as the same user may watch and type. Ends with the first to leave.
struct doorkeeper {
    std::optional<vmsig::grant> authenticate(const vmsig::peer_identity& who) {
        if (who.uid != ::getuid()) return {};
        std::printf("%s is let in\n", who.name.data());
        return vmsig::grant{}.on(vm).allow(vmsig::right::observe | vmsig::right::input);
    }
    void admitted(const vmsig::peer_identity&, vmsig::origin_id) {}
    void left(const vmsig::peer_identity& who, vmsig::origin_id, vmsig::wire::farewell) {
        std::printf("%s has left\n", who.name.data());
        host->stop();
    }

    vmsig::endpoint_id vm;
    vmsig::core<>* host = nullptr;
};

int main() {
    char folder[] = "/tmp/vmsig-example-XXXXXX";
    if (!::mkdtemp(folder)) return 1;
    const std::string path = std::string{folder} + "/socket";
    int status = 1;
    {
        auto listening = vmsig::listening_socket::at(path, 0600);
        if (!listening) return 1;
        const pid_t other = ::fork(); // before the bus is made: a forked child has none
        if (other == 0) std::exit(operate(path));

        vmsig::stub::machine machine;
        doorkeeper door;
        vmsig::core<> bus;
        door.host = &bus;
        door.vm = bus.add_endpoint("build-7");
        machine.plug_into(bus, door.vm);
        vmsig::server server{bus, door, listening->take()};
        bus.run();
        ::waitpid(other, &status, 0);
    }
    ::unlink((path + ".lock").c_str());
    ::rmdir(folder);
    std::printf("the key was %s\n", status == 0 ? "pressed and released" : "not pressed");
    return status == 0 ? 0 : 1;
}
