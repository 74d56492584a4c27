// Whatever bytes a client of another user sends, it ends its own connection at most: rows 1 to 10
// and 60, against the host's program.
#include "scene.hpp"

#include <sys/resource.h>

#include <vmsig/transport/catalogue.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
    std::vector<std::byte> out;
    for (const unsigned v : values) out.push_back(static_cast<std::byte>(v));
    return out;
}

/// Ends a connection that says this, before hello and after it.
void is_thrown_out(const std::string& path, std::span<const std::byte> said) {
    raw_client fresh{path};
    must(!fresh.send(said) || fresh.is_closed(), "goes on without a hello");
    raw_client known{path};
    known.join();
    must(!known.send(said) || known.is_closed(), "goes on behind a hello");
}

void prefixes(const std::string& path) {
    unsigned stride = 0;
    wire::for_each_request([&]<class Frame>(const char*) {
        raw_client sample{path};
        sample.put(Frame{});
        const std::vector<std::byte> whole = sample.out;
        // Each prefix of the frames in turn: all of them would take minutes.
        for (std::size_t n = 1 + stride++ % 7; n < whole.size(); n += 7) {
            raw_client c{path};
            c.join();
            must(c.send(std::span{whole}.first(n)) && c.is_closed(), "a prefix is taken");
        }
    });
}
void oversize(const std::string& path) {
    for (const std::size_t n : {wire::max_datagram_bytes + 1, std::size_t{64} * 1024}) {
        std::vector<std::byte> much(n);
        wire::writer to{much};
        wire::put(to, wire::header{static_cast<std::uint32_t>(n), 2, 1});
        is_thrown_out(path, much);
    }
    raw_client c{path};
    c.join();
    std::vector<std::byte> most(wire::max_datagram_bytes);
    wire::writer to{most};
    wire::put(to, wire::header{wire::max_datagram_bytes, 4711, wire::flag_optional});
    must(c.send(most), "the largest datagram can not be sent");
    (void)c.ask<wire::answer>(wire::may{0, 0, c.vm}); // it may be skipped, and so it is
}
void nothing_at_all(const std::string& path) {
    raw_client c{path};
    c.join();
    must(c.send({}) && c.is_closed(), "an empty datagram is no end");
    raw_client fresh{path};
    must(fresh.send({}) && fresh.is_closed(), "an empty datagram is no end");
}
void garbage(const std::string& path) {
    is_thrown_out(path, bytes_of({0}));
    is_thrown_out(path, std::vector<std::byte>(8));
    is_thrown_out(path, std::vector<std::byte>(300, std::byte{0xff}));
    is_thrown_out(path, bytes_of({8, 0, 0, 0x80, 3, 0, 0, 0}));
    is_thrown_out(path, bytes_of({8, 0, 0, 0, 3, 0, 2, 0}));
    is_thrown_out(path, bytes_of({7, 0, 0, 0, 3, 0, 0, 0}));
}
void wrong_versions(const std::string& path) {
    wire::hello h;
    h.oldest = h.newest = wire::newest_version + 1;
    raw_client late{path};
    late.put(h).flush();
    const auto no = late.await<wire::rejected>();
    must(no.why == wire::farewell::version && no.newest == wire::newest_version,
         "the range is not told");
    must(late.is_closed(), "another version goes on");
    h = {};
    h.byte_order = __builtin_bswap32(h.byte_order);
    raw_client turned{path};
    turned.put(h).flush();
    must(turned.await<wire::rejected>().why == wire::farewell::protocol, "bytes turned round");
    h = {};
    h.magic ^= 1;
    raw_client other{path};
    other.put(h).flush();
    must(other.is_closed(), "another protocol goes on");
}
void wrong_states(const std::string& path) {
    raw_client early{path};
    early.put(wire::acquire{}).flush();
    must(early.is_closed(), "a request before hello is heard");
    raw_client twice{path};
    twice.join();
    twice.put(wire::hello{}).flush();
    must(twice.is_closed(), "a second hello is heard");
    raw_client behind{path};
    behind.join();
    wire::acquire q;
    q.endpoint = behind.vm;
    behind.put(wire::bye{}).put(q).flush();
    must(behind.is_closed(), "a bye is no end");
    for (const auto& f : behind.frames)
        must(f.type != wire::frame_type::acquired, "what is behind a bye is done");
}
void unknown_kinds(const std::string& path) {
    raw_client c{path};
    c.join();
    c.send(bytes_of({8, 0, 0, 0, 200, 0, 1, 0}));
    (void)c.ask<wire::answer>(wire::may{0, 0, c.vm});
    c.send(bytes_of({8, 0, 0, 0, 200, 0, 0, 0}));
    must(c.is_closed(), "an unknown frame is skipped");
    for (const unsigned type : {64u, 68u, 80u, 88u}) // what only a host says
        is_thrown_out(path, bytes_of({8, 0, 0, 0, type, 0, 0, 0}));
}
void forged_credits(const std::string& path) {
    for (const wire::acknowledge a : {wire::acknowledge{1'000, 0}, wire::acknowledge{0, 1},
                                      wire::acknowledge{~std::uint64_t{0}, 0}}) {
        raw_client c{path};
        c.join();
        c.put(a).flush();
        must(c.is_closed(), "what was never sent is acknowledged");
    }
    raw_client back{path};
    back.join();
    back.put(wire::acknowledge{2, 0}).put(wire::acknowledge{1, 0}).flush();
    must(back.is_closed(), "less than before is acknowledged");
}
void descriptors(const std::string& path) {
    ::rlimit most{4096, 4096};
    (void)::setrlimit(RLIMIT_NOFILE, &most);
    const std::vector<int> many(253, 0);
    for (int n = 0; n < 100; ++n) {
        raw_client one{path};
        one.join();
        const int own = one.fd.get(); // a cycle, if anybody kept it
        must(one.put(wire::bye{}).flush({&own, 1}) && one.is_closed(), "a socket is taken");
        raw_client all{path};
        must(all.put(wire::hello{}).flush(many) && all.is_closed(), "253 of them are taken");
    }
}

} // namespace

TEST_CASE("frames: every prefix of a request ends the connection that sends it") {
    run_beside("prefixes", prefixes);
}
TEST_CASE("frames: a datagram beyond the largest ends its connection, the largest is read") {
    run_beside("oversize", oversize);
}
TEST_CASE("frames: an empty datagram is an end") { run_beside("empty", nothing_at_all); }
TEST_CASE("frames: garbage ends its connection, before hello and after") {
    run_beside("garbage", garbage);
}
TEST_CASE("frames: another version, byte order or protocol is told so and closed") {
    run_beside("versions", wrong_versions);
}
TEST_CASE("frames: a request before hello, a second hello, a request behind a bye do nothing") {
    run_beside("states", wrong_states);
}
TEST_CASE("frames: unknown kinds are skipped if they say so, else they end the connection") {
    run_beside("unknown", unknown_kinds);
}
TEST_CASE("frames: forged and replayed acknowledgements end the connection") {
    run_beside("credits", forged_credits);
}
TEST_CASE("frames: descriptors are never kept, a hundred times 1 and 253 of them") {
    run_beside("descriptors", descriptors);
}
