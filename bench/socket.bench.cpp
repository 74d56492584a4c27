// Rows 7, 7b, 7c: the unix socket. A request and its answer, both sides on one CPU; events one way,
// as many as a turn has gathered in one datagram; the same to 64 peers. The limits are blocking
// SOCK_SEQPACKET sockets, 32 frames of 64 bytes per datagram where frames are gathered. They
// promise nothing, so 7b and 7c are compared with the same promises kept by hand too. Where
// ZeroMQ and sd-bus are installed, they do the same work against the same limits.
#include "one_cpu.hpp"
#include "other_buses.hpp"
#include "ratio.hpp"
#include "served.hpp"
#include "stream_by_hand.hpp"

#include <sys/socket.h>

#include <array>
#include <cstring>

namespace {

using vmsig::unique_fd;

constexpr int round_trips = 500;
constexpr int frames = 32; ///< in one datagram
constexpr std::size_t frame_bytes = 64;
constexpr int crowd = 64;
constexpr int datagrams = 20; ///< in one iteration

std::pair<unique_fd, unique_fd> seqpackets() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) std::abort();
    return {unique_fd{fds[0]}, unique_fd{fds[1]}};
}

void limit_request(benchmark::State& state) {
    auto [here, there] = seqpackets();
    const int server = there.get();
    const int client = here.get();
    bench::timed_with(
        state,
        [&] {
            std::byte frame[frame_bytes] = {};
            for (int i = 0; i < round_trips; ++i)
                if (::send(client, frame, sizeof frame, MSG_NOSIGNAL) < 0 ||
                    ::recv(client, frame, sizeof frame, 0) <= 0)
                    std::abort();
        },
        [&] {
            std::byte frame[frame_bytes];
            for (int i = 0; i < round_trips; ++i)
                if (::recv(server, frame, sizeof frame, 0) <= 0 ||
                    ::send(server, frame, sizeof frame, MSG_NOSIGNAL) < 0)
                    std::abort();
        });
}

void ours_request(benchmark::State& state) {
    bench::served s{1};
    vmsig::client& c = *s.peers.front();
    vmsig::endpoint_id vm;
    c.for_each_endpoint([&vm](vmsig::endpoint_id e, std::string_view) { vm = e; });
    bench::timed_with(
        state,
        [&] {
            for (int i = 0; i < round_trips; ++i)
                if (c.may(vmsig::verb::status, vm) != vmsig::refusal::none) std::abort();
            s.bus.stop();
        },
        [&] {
            s.bus.run();
            s.bus.restart();
        });
}

/// Gathers frames as a turn does, and walks through them on the other side.
struct raw_stream {
    std::pair<unique_fd, unique_fd> ends = seqpackets();
    std::array<std::byte, frames * frame_bytes> sent{};
    std::array<std::byte, frames * frame_bytes> got{};
    std::uint64_t seen = 0;
    void gather(std::uint64_t first) {
        for (std::uint64_t i = 0; i < frames; ++i) {
            const std::uint64_t number = first + i;
            std::memcpy(sent.data() + i * frame_bytes, &number, sizeof number);
        }
    }
    void send() {
        if (::send(ends.first.get(), sent.data(), sent.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            std::abort();
    }
    void receive() {
        const auto n = ::recv(ends.second.get(), got.data(), got.size(), MSG_DONTWAIT);
        for (ssize_t at = 0; at + ssize_t{frame_bytes} <= n; at += frame_bytes) {
            std::uint64_t number = 0;
            std::memcpy(&number, got.data() + at, sizeof number);
            benchmark::DoNotOptimize(number);
            ++seen;
        }
    }
};

void limit_stream(benchmark::State& state) {
    raw_stream s;
    std::uint64_t sent = 0;
    bench::timed(state, [&] {
        for (int i = 0; i < datagrams; ++i) {
            s.gather(sent);
            s.send();
            s.receive();
            sent += frames;
        }
    });
    if (s.seen != sent) state.SkipWithError("lost");
}

void limit_crowd(benchmark::State& state) {
    std::vector<raw_stream> all(crowd);
    std::uint64_t sent = 0;
    bench::timed(state, [&] {
        for (int i = 0; i < datagrams; ++i) {
            for (raw_stream& s : all) {
                s.gather(sent);
                s.send();
            }
            for (raw_stream& s : all) s.receive();
            sent += frames;
        }
    });
    if (all.back().seen != sent) state.SkipWithError("lost");
}

void hand_to(benchmark::State& state, unsigned receivers) {
    bench::stream_server server;
    std::vector<std::unique_ptr<bench::stream_client>> clients;
    for (unsigned i = 0; i < receivers; ++i)
        clients.push_back(std::make_unique<bench::stream_client>(server.join()));
    std::uint64_t sent = 0, seen = 0;
    const auto deliver = [&] {
        server.turn();
        for (auto& c : clients)
            c->turn([&seen](const bench::stream_frame& f) {
                benchmark::DoNotOptimize(f.payload[0]);
                ++seen;
            });
    };
    bench::timed(state, [&] {
        for (int i = 0; i < datagrams; ++i) {
            for (int n = 0; n < frames; ++n) {
                bench::stream_frame f;
                f.payload[0] = sent++;
                server.emit(f);
            }
            deliver();
        }
        for (int turns = 0; seen != sent * receivers && turns < 100; ++turns) deliver();
    });
    if (seen != sent * receivers) state.SkipWithError("lost");
}
void hand_stream(benchmark::State& state) { hand_to(state, 1); }
void hand_crowd(benchmark::State& state) { hand_to(state, crowd); }

struct receiver {
    std::uint64_t seen = 0;
    void on_event(const vmsig::event& e, vmsig::client&) {
        const auto* got = e.payload_as<bench::sample>();
        if (got == nullptr) return;
        benchmark::DoNotOptimize(got->numbers[0]);
        ++seen;
    }
};

void ours_to(benchmark::State& state, unsigned receivers) {
    bench::served s{receivers};
    std::uint64_t sent = 0;
    const auto emit = [&] {
        bench::sample what;
        for (int i = 0; i < frames; ++i) {
            what.numbers[0] = sent++;
            s.emitter.bus.emit(s.news, what);
        }
    };
    receiver count;
    const auto deliver = [&] {
        s.bus.dispatch();
        for (auto& c : s.peers) c->dispatch(count);
    };
    bench::timed(state, [&] {
        for (int i = 0; i < datagrams; ++i) {
            emit();
            deliver();
        }
        for (int turns = 0; count.seen != sent * receivers && turns < 100; ++turns) deliver();
    });
    if (count.seen != sent * receivers) state.SkipWithError("lost");
}
void ours_stream(benchmark::State& state) { ours_to(state, 1); }
void ours_crowd(benchmark::State& state) { ours_to(state, crowd); }

#if defined(VMSIG_BENCH_ZMQ)
void zmq_request(benchmark::State& s) { bench::zmq_request(s, round_trips, frame_bytes); }
void zmq_stream(benchmark::State& s) {
    bench::zmq_stream(s, ZMQ_PAIR, 1, datagrams * frames, frame_bytes);
}
void zmq_crowd(benchmark::State& s) {
    bench::zmq_stream(s, ZMQ_PUB, crowd, datagrams * frames, frame_bytes);
}
#endif
#if defined(VMSIG_BENCH_SDBUS)
void sdbus_request(benchmark::State& s) { bench::sdbus_request(s, round_trips); }
void sdbus_stream(benchmark::State& s) { bench::sdbus_stream(s, datagrams * frames); }
#endif

} // namespace

int main(int argc, char** argv) {
    using bench::pair;
    constexpr auto manual = bench::clock::manual;
    constexpr int events = datagrams * frames;
    const bench::first_cpu all;
    pair("7  request and answer", 1.30, round_trips, limit_request, ours_request, manual);
    pair("7b one way, 32 in a datagram", 1.25, events, limit_stream, ours_stream, manual);
    pair("7c to 64 peers, per delivery", 1.25, events * crowd, limit_crowd, ours_crowd, manual);
    pair("7b, same promises", 0, events, hand_stream, ours_stream, manual);
    pair("7c, same promises", 0, events * crowd, hand_crowd, ours_crowd, manual);
#if defined(VMSIG_BENCH_ZMQ)
    pair("7  ZeroMQ REQ and REP", 0, round_trips, limit_request, zmq_request, manual);
    pair("7b ZeroMQ PAIR", 0, events, limit_stream, zmq_stream, manual);
    pair("7c ZeroMQ PUB", 0, events * crowd, limit_crowd, zmq_crowd, manual);
#endif
#if defined(VMSIG_BENCH_SDBUS)
    pair("7  sd-bus, direct", 0, round_trips, limit_request, sdbus_request, manual);
    pair("7b sd-bus, direct", 0, events, limit_stream, sdbus_stream, manual);
#endif
    return bench::run(argc, argv);
}
