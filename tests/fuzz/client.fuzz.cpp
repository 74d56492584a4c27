// Rows 1, 3, 4, 8, 11, 58, 60: whatever a server sends, with whatever descriptors, the client's
// library answers with a value or says that the connection is lost. It sends the protocol and
// nothing else, acknowledges no more than it was sent, and keeps no descriptor that it did not give
// to its caller.
#include "drawn_frame.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <vmsig/client/client.hpp>

namespace {

using namespace vmsig;
using fuzz::require;

constexpr std::size_t most_sent = 60'000; // what the kernel's buffer takes of one input

/// The other end of a client's socket: it says what the input says before the client asks.
class hostile_server {
public:
    explicit hostile_server(unique_fd socket)
        : socket_{std::move(socket)} {}

    void welcome() {
        put(wire::welcome{wire::newest_version, {}, wire::event_window, 0, {0x10001}});
        flush({});
    }
    /// One datagram.
    void say(fuzz::bytes& in) {
        const std::uint8_t how = in.byte();
        if (how >= 224) {
            out_.resize(in.byte());
            for (std::byte& b : out_) b = std::byte{in.byte()};
        } else {
            for (unsigned n = how % 4 + 1; n > 0; --n) put_drawn(in);
            if (how % 32 == 31 && !out_.empty())
                out_[in.take<std::uint16_t>() % out_.size()] ^= std::byte{in.byte()};
        }
        flush({descriptors, how % 8 == 7 ? 1u + in.byte() % 5 : 0});
    }
    /// What the client has sent is what one may send.
    void listen() {
        for (;;) {
            const ssize_t n = ::recv(socket_.get(), heard_.data(), heard_.size(), MSG_DONTWAIT);
            if (n <= 0) return;
            auto left = std::span{heard_}.first(static_cast<std::size_t>(n));
            std::span<const std::byte> frames = left;
            wire::frame_view f;
            while (!frames.empty()) {
                require(wire::next_frame(frames, f), "a client sends no frame");
                require(known(f), "a client sends what is no request");
                wire::acknowledge a;
                std::span<const std::byte> tail;
                if (f.type != a.type || !wire::parse(f, a, tail)) continue;
                require(a.events <= events_ && a.memctxs <= memctxs_,
                        "60: a client acknowledges what it was not sent");
            }
        }
    }
    void expect_request(std::uint32_t number) { request_ = number; }

private:
    static constexpr int descriptors[5] = {0, 0, 0, 0, 0};

    static bool known(const wire::frame_view& f) {
        bool found = false;
        std::span<const std::byte> tail;
        wire::for_each_request([&]<class Frame>(const char*) {
            Frame one;
            found = found || (f.type == Frame::type && wire::parse(f, one, tail));
        });
        return found;
    }
    template <class Frame>
    void put(const Frame& f, std::span<const std::byte> tail = {}) {
        const std::size_t before = out_.size();
        out_.resize(before + wire::frame_bytes<Frame>(tail.size()));
        wire::writer to{std::span{out_}.subspan(before)};
        wire::put_frame(to, f, tail.size());
        to.bytes(tail.data(), tail.size());
    }
    void put_drawn(fuzz::bytes& in) {
        constexpr unsigned types = 17;
        fuzz::drawer drawn{in, heard_values_};
        unsigned pick = in.byte() % (types + 8), n = 0;
        if (pick >= types) pick = pick % 2 == 0 ? 4 : 15; // events, memctxs
        wire::for_each_reply([&]<class Frame>(const char*) {
            if (n++ != pick) return;
            Frame f = drawn.template frame<Frame>();
            if constexpr (requires { f.request; }) f.request = request_ + in.byte() / 128;
            std::vector<std::byte> tail;
            if constexpr (std::is_same_v<Frame, wire::event_frame>)
                tail = draw_payload(f, drawn);
            else if constexpr (std::is_same_v<Frame, wire::memctx>)
                tail = draw_regions(f, in);
            put(f, tail);
        });
    }
    static std::vector<std::byte> draw_payload(wire::event_frame& f, fuzz::drawer& draw) {
        std::size_t bytes = 0;
        wire::detail::with_payload_of(f.kind, [&]<class P>() { bytes = wire::size_of<P>(); });
        std::vector<std::byte> payload = draw.some(40);
        f.payload_size = static_cast<std::uint32_t>(payload.size());
        if (draw.below(8) == 0) bytes += draw.below(64);
        payload.insert(payload.begin(), bytes, std::byte{1});
        return payload;
    }
    static std::vector<std::byte> draw_regions(wire::memctx& f, fuzz::bytes& in) {
        const std::uint8_t how = in.byte();
        f.region_count = how % 8;
        f.root_count = how / 8 % 4;
        f.fd_count = how / 32;
        std::vector<std::byte> tail(f.region_count * wire::size_of<ram_region>() +
                                    f.root_count * wire::size_of<address_space_root>());
        for (std::size_t n = 0; n + 8 <= tail.size(); n += 8) tail[n] = std::byte{in.byte()};
        return tail;
    }
    void flush(std::span<const int> fds) {
        if (sent_ + out_.size() > most_sent) return out_.clear();
        iovec v{out_.data(), out_.size()};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof descriptors)> control{};
        msghdr m{};
        m.msg_iov = &v;
        m.msg_iovlen = 1;
        if (!fds.empty()) {
            m.msg_control = control.data();
            m.msg_controllen = CMSG_SPACE(fds.size_bytes());
            cmsghdr* c = CMSG_FIRSTHDR(&m);
            *c = {CMSG_LEN(fds.size_bytes()), SOL_SOCKET, SCM_RIGHTS};
            std::memcpy(CMSG_DATA(c), fds.data(), fds.size_bytes());
        }
        if (::sendmsg(socket_.get(), &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) count();
        out_.clear();
    }
    void count() {
        sent_ += out_.size();
        std::span<const std::byte> left{out_};
        wire::frame_view f;
        while (!left.empty() && wire::next_frame(left, f)) {
            events_ += f.type == wire::frame_type::event ? 1 : 0;
            memctxs_ += f.type == wire::frame_type::memctx ? 1 : 0;
        }
    }

    unique_fd socket_;
    fuzz::heard heard_values_{
        {{{0x10001}, {0x10002}, {0x20001}, {0x10003}}}, {}, {}, {}, {1}, {}, 0};
    std::uint32_t request_ = 1;
    std::size_t sent_ = 0;
    std::uint64_t events_ = 0, memctxs_ = 0;
    std::vector<std::byte> out_;
    std::array<std::byte, 64 * 1024> heard_;
};

/// Reads what a caller may read.
void look_at(const event& e, std::span<const std::byte> payload) {
    static volatile unsigned sum = 0;
    for (const std::byte b : payload) sum = sum + std::to_integer<unsigned>(b);
    require(payload.size() == e.payload_size, "the bytes beside an event are others than it says");
    if (const auto* said = e.as<console_output>())
        for (unsigned n = 0; n < said->size; ++n)
            sum = sum + static_cast<unsigned char>(said->text[n]);
}

void look_at(const expected<memctx_export, refusal>& got) {
    if (!got) return;
    require(got->locator.fd_count <= max_ram_fds, "4: more descriptors than there can be");
    for (unsigned n = 0; got->fds_included && n < got->locator.fd_count; ++n)
        require(::fcntl(got->fds[n].get(), F_GETFD) >= 0, "11: a descriptor is missing");
}

/// One verb; whether it asked something.
bool ask(vmsig::client& c, std::uint8_t what, endpoint_id e) {
    const lease l{e, {1}, lease_class::input};
    switch (what % 20) {
    case 0: return look_at(c.memctx(e)), true;
    case 1: return look_at(c.memctx({})), true;
    case 2: return (void)c.submit(press(l, KEY_A)), true;
    case 3: return (void)c.submit(query_status(e)), true;
    case 4: return (void)c.cancel({1}), true;
    case 5: return (void)c.acquire(e, lease_class::power), true;
    case 6: return (void)c.release(l), true;
    case 7: return (void)c.renew(l, seconds(1)), true;
    case 8: return (void)c.withdraw({1}), true;
    case 9: return (void)c.status(e, lease_class::input), true;
    case 10: return (void)c.read_audit(e, 4), true;
    case 11: return (void)c.statistics(e), true;
    case 12: return (void)c.subscribe(subscription::all()), true;
    case 13: return (void)c.may(verb::input, e), true;
    case 14: return (void)c.refresh(e), true;
    case 15: return (void)c.find("build-7"), true;
    case 16: return (void)c.force_release(e, lease_class::input), true;
    case 17: return (void)c.send(press(l, KEY_B)), true;
    default: break;
    }
    while (const event* got = c.next_event()) look_at(*got, c.payload());
    c.for_each_endpoint([&c](endpoint_id id, std::string_view) { (void)c.name_of(id); });
    for (unsigned k = 0; k < max_kinds; ++k) (void)c.name_of(static_cast<kind>(k));
    return false;
}

/// The number that the next descriptor would have.
int next_fd() {
    const int fd = ::fcntl(0, F_DUPFD_CLOEXEC, 3);
    ::close(fd);
    return fd;
}

void play(fuzz::bytes& in) {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "socketpair");
    hostile_server server{unique_fd{ends[0]}};
    const std::uint8_t first = in.byte();
    for (unsigned n = first % 4 == 3 ? 1 : 0; n > 0; --n) server.say(in);
    if (first % 8 != 7) server.welcome();
    auto c = client::over(unique_fd{ends[1]}, {"fuzz", duration{}});
    std::uint32_t requests = 0;
    for (int n = 0; c && n < 100 && (*c)->connected() && !in.empty(); ++n) {
        server.expect_request(requests + 1);
        for (unsigned times = in.byte() % 4; times > 0; --times) server.say(in);
        const bool asked = ask(**c, in.byte(), {0x10001});
        if (asked) ++requests;
        server.listen();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::bytes in{{data, size}};
    const int before = next_fd();
    play(in);
    require(next_fd() == before, "11: a descriptor stays open");
    return 0;
}
