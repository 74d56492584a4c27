// served: a bus with one endpoint on a unix socket, and clients of it, in one process, so that the
// benchmarks of the socket say when each side runs.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <vmsig/client/client.hpp>
#include <vmsig/transport/listener.hpp>
#include <vmsig/transport/server.hpp>
#include <vmsig/vmsig.hpp>

namespace bench {

/// What is sent one way: with its header an event frame of the protocol.
struct sample {
    std::uint64_t numbers[4] = {};
};

struct sensor {
    vmsig::adapter_handle bus;
    void on_attach(vmsig::adapter_handle b) { bus = b; }
    void on_ready(vmsig::cookie, vmsig::adapter_handle) {}
};

class served {
public:
    explicit served(unsigned clients) {
        const std::string path = folder_ + "/socket";
        auto listening = vmsig::listening_socket::at(path, 0600);
        if (!listening) std::abort();
        vmsig::server_options o;
        o.peers = 64;
        o.peers_per_user = 64;
        server_.emplace(bus, gate_, listening->take(), o);
        at = bus.add_endpoint("vm");
        bus.attach_adapter(emitter, at);
        news = bus.register_kind("sample", {});
        for (unsigned i = 0; i < clients; ++i) join(path);
        ::unlink((path + ".lock").c_str());
        ::rmdir(folder_.c_str());
    }
    /// All that is on its way arrives.
    void settle() {
        for (bool more = true; more;) {
            more = bus.dispatch();
            for (auto& c : peers) {
                if (!c->receive()) std::abort();
                while (c->next_event() != nullptr) more = true;
            }
        }
    }

    struct everybody {
        std::optional<vmsig::grant> authenticate(const vmsig::peer_identity&) {
            return vmsig::grant{}.on_every().allow(vmsig::right::observe);
        }
    };
    sensor emitter;
    vmsig::core<> bus;
    vmsig::endpoint_id at;
    vmsig::kind news{};
    std::vector<std::unique_ptr<vmsig::client>> peers;

private:
    static std::string new_folder() {
        char name[] = "/tmp/vmsig-bench-XXXXXX";
        if (::mkdtemp(name) == nullptr) std::abort();
        return name;
    }
    /// Its hello waits for the answer, so it is said on a thread of its own.
    void join(const std::string& path) {
        std::atomic<bool> done = false;
        std::thread other{[&] {
            auto c = vmsig::client::connect(path);
            if (!c) std::abort();
            peers.push_back(std::move(*c));
            done = true;
        }};
        while (!done) bus.dispatch();
        other.join();
        settle();
    }

    std::string folder_ = new_folder();
    everybody gate_;
    std::optional<vmsig::server<vmsig::core<>, everybody>> server_;
};

} // namespace bench
