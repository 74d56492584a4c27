// socket_carrier: the controls of control_conformance.hpp behind a socket: a real server on the
// core under test, and peers that speak frames. Sockets are real, time is the manual reactor's:
// before each turn it is told which descriptors are ready.
#pragma once

#include <vmsig/client/socket_connection.hpp>
#include <vmsig/testing/control_port.hpp>
#include <vmsig/transport/server.hpp>

#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include <transport/bridge.hpp>

#include "frame_port.hpp"

namespace vmsig::testing {

/// Grants what the rule wants to the next who says hello.
struct suite_gate {
    grant next;
    std::optional<grant> authenticate(const peer_identity&) { return next; }
};

/// Brings controls through a server, which goes before the core does: with a watch of it.
template <class Core>
class socket_carrier {
public:
    std::unique_ptr<control_port> attach(Core& bus, const grant& g, const subscription& s) {
        if (!door_) open(bus);
        gate_->next = g;
        unique_fd mine{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
        const int connected =
            ::connect(mine.get(), reinterpret_cast<const ::sockaddr*>(&at_), at_size_);
        VMSIG_ASSERT(connected == 0);
        (void)connected;
        auto port =
            std::make_unique<frame_port>(std::make_unique<socket_connection>(std::move(mine)));
        for (int n = 0; n < 100 && !port->welcomed(); ++n) turn(bus);
        port->begin(s, name_in(bus));
        for (int n = 0; n < 100 && !port->begun(); ++n) turn(bus);
        return port;
    }
    bool turn(Core& bus) {
        const bool ready = test::tell_readiness(bus);
        return bus.dispatch() || ready;
    }
    void pass(Core& bus, duration d) { bus.reactor().advance(d); }

private:
    using door = server<Core, suite_gate>;

    void open(Core& bus) {
        unique_fd listener{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
        at_.sun_family = AF_UNIX; // of no name: the kernel gives one
        ::bind(listener.get(), reinterpret_cast<const ::sockaddr*>(&at_), sizeof at_.sun_family);
        at_size_ = sizeof at_;
        ::getsockname(listener.get(), reinterpret_cast<::sockaddr*>(&at_), &at_size_);
        ::listen(listener.get(), 8);
        gate_ = std::make_unique<suite_gate>();
        unique_fd last{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        const auto kept = bus.watch(
            last, interest::read, [](interests) {}, [this] { door_.reset(); });
        VMSIG_ASSERT(kept.has_value());
        (void)kept;
        server_options o;
        o.peers = 8;
        door_ = std::make_unique<door>(bus, *gate_, std::move(listener), o);
    }
    static std::string name_in(const Core& bus) {
        std::string first;
        bus.for_each_endpoint([&](endpoint_id, std::string_view n) {
            if (first.empty()) first = n;
        });
        return first;
    }
    ::sockaddr_un at_{};
    ::socklen_t at_size_ = 0;
    std::unique_ptr<suite_gate> gate_;
    std::unique_ptr<door> door_;
};

} // namespace vmsig::testing
