// other_buses: the work of rows 7, 7b and 7c done by ZeroMQ and by sd-bus, as their manuals advise.
// They are measured where they are installed, and are not needed otherwise.
#pragma once

#include "one_cpu.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#if defined(VMSIG_BENCH_ZMQ)
#include <zmq.h>
#endif
#if defined(VMSIG_BENCH_SDBUS)
#include <systemd/sd-bus.h>
#endif

namespace bench {

inline void must(bool ok) {
    if (!ok) std::abort();
}

#if defined(VMSIG_BENCH_ZMQ)

class zmq {
public:
    ~zmq() {
        for (void* s : sockets_) zmq_close(s);
        zmq_ctx_term(context_);
    }
    void* open(int type) {
        sockets_.push_back(zmq_socket(context_, type));
        const int unlimited = 0;
        zmq_setsockopt(sockets_.back(), ZMQ_SNDHWM, &unlimited, sizeof unlimited);
        zmq_setsockopt(sockets_.back(), ZMQ_RCVHWM, &unlimited, sizeof unlimited);
        if (type == ZMQ_SUB) zmq_setsockopt(sockets_.back(), ZMQ_SUBSCRIBE, "", 0);
        return sockets_.back();
    }
    void* bind(int type) {
        void* s = open(type);
        must(zmq_bind(s, "ipc://*") == 0);
        std::size_t size = sizeof address_;
        must(zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, address_, &size) == 0);
        return s;
    }
    void* connect(int type) {
        void* s = open(type);
        must(zmq_connect(s, address_) == 0);
        return s;
    }

private:
    void* context_ = zmq_ctx_new();
    std::vector<void*> sockets_;
    char address_[256] = {};
};

inline void zmq_request(benchmark::State& state, int round_trips, std::size_t bytes) {
    zmq z;
    void* server = z.bind(ZMQ_REP);
    void* client = z.connect(ZMQ_REQ);
    timed_with(
        state,
        [&] {
            std::vector<std::byte> frame(bytes);
            for (int i = 0; i < round_trips; ++i)
                must(zmq_send(client, frame.data(), bytes, 0) >= 0 &&
                     zmq_recv(client, frame.data(), bytes, 0) >= 0);
        },
        [&] {
            std::vector<std::byte> frame(bytes);
            for (int i = 0; i < round_trips; ++i)
                must(zmq_recv(server, frame.data(), bytes, 0) >= 0 &&
                     zmq_send(server, frame.data(), bytes, 0) >= 0);
        });
}

/// To each of `receivers`.
inline void zmq_stream(benchmark::State& state, int type, int receivers, int messages,
                       std::size_t bytes) {
    zmq z;
    void* from = z.bind(type);
    std::vector<void*> to;
    for (int i = 0; i < receivers; ++i) to.push_back(z.connect(type == ZMQ_PUB ? ZMQ_SUB : type));
    std::vector<std::byte> frame(bytes);
    for (void* s : to) { // until its subscription has arrived
        const int at_most = 10;
        zmq_setsockopt(s, ZMQ_RCVTIMEO, &at_most, sizeof at_most);
        do must(zmq_send(from, frame.data(), bytes, 0) >= 0);
        while (zmq_recv(s, frame.data(), bytes, 0) < 0);
    }
    for (void* s : to) {
        while (zmq_recv(s, frame.data(), bytes, 0) >= 0) {}
        const int for_ever = -1;
        zmq_setsockopt(s, ZMQ_RCVTIMEO, &for_ever, sizeof for_ever);
    }
    timed(state, [&] {
        for (int i = 0; i < messages; ++i) must(zmq_send(from, frame.data(), bytes, 0) >= 0);
        for (void* s : to)
            for (int i = 0; i < messages; ++i) must(zmq_recv(s, frame.data(), bytes, 0) >= 0);
    });
}

#endif

#if defined(VMSIG_BENCH_SDBUS)

/// Two connections to each other, without a broker.
class sd_pair {
public:
    sd_pair() {
        int fds[2];
        must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
        sd_id128_t id{};
        id.bytes[0] = 1;
        for (int i = 0; i < 2; ++i) {
            sd_bus*& b = i == 0 ? server : client;
            must(sd_bus_new(&b) >= 0 && sd_bus_set_fd(b, fds[i], fds[i]) >= 0);
            must(sd_bus_set_anonymous(b, 1) >= 0);
            if (i == 0) must(sd_bus_set_server(b, 1, id) >= 0);
            must(sd_bus_start(b) >= 0);
        }
        while (sd_bus_is_ready(client) <= 0 || sd_bus_is_ready(server) <= 0)
            must(sd_bus_process(server, nullptr) >= 0 && sd_bus_process(client, nullptr) >= 0);
    }
    ~sd_pair() {
        sd_bus_close_unref(client);
        sd_bus_close_unref(server);
    }
    sd_pair(const sd_pair&) = delete;
    sd_pair& operator=(const sd_pair&) = delete;

    sd_bus* server = nullptr;
    sd_bus* client = nullptr;
};

inline void sdbus_request(benchmark::State& state, int round_trips) {
    sd_pair p;
    int answered = 0;
    const auto answer = [](sd_bus_message* m, void* count, sd_bus_error*) {
        ++*static_cast<int*>(count);
        return sd_bus_reply_method_return(m, "t", std::uint64_t{1});
    };
    static const sd_bus_vtable table[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("May", "tt", "t", +answer, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};
    must(sd_bus_add_object_vtable(p.server, nullptr, "/a", "a.b", table, &answered) >= 0);
    timed_with(
        state,
        [&] {
            for (int i = 0; i < round_trips; ++i) {
                sd_bus_message* reply = nullptr;
                must(sd_bus_call_method(p.client, nullptr, "/a", "a.b", "May", nullptr, &reply,
                                        "tt", std::uint64_t{1}, std::uint64_t{2}) >= 0);
                sd_bus_message_unref(reply);
            }
        },
        [&] {
            const int until = answered + round_trips;
            while (answered < until) {
                const int more = sd_bus_process(p.server, nullptr);
                must(more >= 0);
                if (more == 0 && answered < until) sd_bus_wait(p.server, UINT64_MAX);
            }
        });
}

inline void sdbus_stream(benchmark::State& state, int messages) {
    sd_pair p;
    int seen = 0;
    const auto take = [](sd_bus_message*, void* count, sd_bus_error*) {
        return ++*static_cast<int*>(count), 0;
    };
    must(sd_bus_add_filter(p.client, nullptr, take, &seen) >= 0);
    timed(state, [&] {
        for (int i = 0; i < messages; ++i) {
            must(sd_bus_emit_signal(p.server, "/a", "a.b", "Sample", "tttt", std::uint64_t{1},
                                    std::uint64_t{2}, std::uint64_t{3}, std::uint64_t{4}) >= 0);
            if (i % 32 != 31) continue;
            while (sd_bus_process(p.client, nullptr) > 0) {}
        }
        while (sd_bus_process(p.client, nullptr) > 0) {}
    });
    must(seen > 0);
}

#endif

} // namespace bench
