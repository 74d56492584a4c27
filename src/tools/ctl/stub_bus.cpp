#include "stub_bus.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include <vmsig/stub/machine.hpp>
#include <vmsig/transport/listener.hpp>
#include <vmsig/transport/server.hpp>
#include <vmsig/vmsig.hpp>

#include "trouble.hpp"

using namespace vmsig;

namespace ctl {

namespace {

/// Lets in whoever runs as the same user, to everything.
struct open_door {
    std::optional<grant> authenticate(const peer_identity& who) {
        if (who.uid != ::geteuid()) return std::nullopt;
        return grant{}.on_every().allow(right::observe | right::memctx | right::memread |
                                        right::memwrite | right::input | right::power |
                                        right::admin);
    }
};

class folder {
public:
    folder() {
        const char* const base = std::getenv("TMPDIR");
        path_ = fmt::format("{}/vmsigctl-XXXXXX", base && *base ? base : "/tmp");
        if (!::mkdtemp(path_.data()))
            throw trouble{failed, fmt::format("{}: {}", path_, std::strerror(errno))};
    }
    ~folder() { clear(); }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    std::string socket() const { return path_ + "/bus.sock"; }
    void clear() const {
        ::unlink(socket().c_str());
        ::unlink((socket() + ".lock").c_str());
        ::rmdir(path_.c_str());
    }

private:
    std::string path_;
};

listening_socket listening_at(const std::string& path) {
    auto made = listening_socket::at(path, 0600);
    if (!made)
        throw trouble{failed, fmt::format("{}: {}: {}", path, made.error().operation,
                                          std::strerror(made.error().code))};
    return std::move(*made);
}

} // namespace

struct stub_bus::parts {
    folder place;
    stub::machine build, db;
    listening_socket listening = listening_at(place.socket());
    open_door door;
    core<> bus;
    std::optional<server<core<>, open_door>> served;
    std::thread loop;

    parts() {
        build.plug_into(bus, bus.add_endpoint("build-7"));
        db.plug_into(bus, bus.add_endpoint("db-1"));
        served.emplace(bus, door, listening.take());
        ::sigset_t all, before; // signals are the main thread's
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &before);
        loop = std::thread{[this] { bus.run(); }};
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    ~parts() {
        bus.stop();
        loop.join();
    }
};

stub_bus::stub_bus()
    : parts_{std::make_unique<parts>()} {}
stub_bus::~stub_bus() = default;
std::string stub_bus::path() const { return parts_->place.socket(); }
void stub_bus::hide() { parts_->place.clear(); }

} // namespace ctl
