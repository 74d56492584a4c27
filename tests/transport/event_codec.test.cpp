// Events cross the wire whole: envelope, payload of each kind, and what comes beside it.
#include <vmsig/transport/event_codec.hpp>

#include <support/catch.hpp>

#include <vector>

using namespace vmsig;

namespace {

event sample(kind k) {
    event e;
    e.kind = k;
    e.source = source::lease;
    e.lane = lane::high;
    e.endpoint = endpoint_id::make(5, 77);
    e.epoch = {3};
    e.sequence = 12;
    e.origin = origin_id::make(1, 2);
    e.correlation = {99};
    e.timestamp = {1'000};
    e.deadline = {2'000};
    return e;
}

struct crossing {
    std::vector<std::byte> bytes;
    event back;
    std::vector<std::byte> payload;
    bool good = false;
};
crossing cross(const event& e, std::span<const std::byte> payload = {}) {
    crossing c;
    c.bytes.resize(wire::event_bytes(e));
    wire::writer to{c.bytes};
    wire::put_event(to, e, endpoint_id::make(0, 1), payload);
    CHECK(to.size() == c.bytes.size());
    std::span<const std::byte> rest{c.bytes};
    wire::frame_view f;
    REQUIRE(wire::next_frame(rest, f));
    std::span<const std::byte> beside;
    c.good = wire::get_event(f, c.back, beside);
    c.payload.assign(beside.begin(), beside.end());
    return c;
}

template <class P>
std::vector<std::byte> wire_bytes(const P& p) {
    std::vector<std::byte> out(wire::size_of<P>());
    wire::writer to{out};
    wire::put(to, p);
    return out;
}

} // namespace

TEST_CASE("event: the envelope crosses whole, and the endpoint becomes a handle") {
    event e = sample(kind::epoch_changed);
    e.set_payload(epoch_changed{transition::reset, cause::guest, 4});
    const crossing c = cross(e);
    REQUIRE(c.good);
    CHECK(c.back.kind == e.kind);
    CHECK(c.back.source == e.source);
    CHECK(c.back.lane == e.lane);
    CHECK(c.back.endpoint == endpoint_id::make(0, 1));
    CHECK(c.back.epoch == e.epoch);
    CHECK(c.back.sequence == 12);
    CHECK(c.back.origin == e.origin);
    CHECK(c.back.correlation == e.correlation);
    CHECK(c.back.timestamp == e.timestamp);
    CHECK(c.back.deadline == e.deadline);
    REQUIRE(c.back.as<epoch_changed>());
    CHECK(c.back.as<epoch_changed>()->count == 4);
}

TEST_CASE("event: a payload of every kind of the bus's own crosses, field by field") {
    unsigned kinds = 0;
    wire::core_payloads::any([&]<class P>() {
        ++kinds;
        std::vector<std::byte> pattern(wire::size_of<P>());
        // Bytes that every field accepts: enumerators 0 and 1 exist everywhere.
        for (std::size_t n = 0; n < pattern.size(); ++n) pattern[n] = std::byte(n % 2);
        P p;
        wire::reader from{pattern};
        REQUIRE(wire::get(from, p));
        event e = sample(P::event_kind);
        if constexpr (std::is_base_of_v<lease, P>) p.endpoint = e.endpoint;
        e.set_payload(p);
        const crossing c = cross(e);
        REQUIRE(c.good);
        REQUIRE(c.back.as<P>());
        CHECK(wire_bytes(*c.back.as<P>()) == pattern);
        if constexpr (std::is_base_of_v<lease, P>)
            CHECK(c.back.as<P>()->endpoint == c.back.endpoint); // no id of the bus's own
        return false;
    });
    CHECK(kinds == 18);
}

TEST_CASE("event: what a guest prints may fill its event to the last byte") {
    event e = sample(kind::console_output);
    console_output said;
    said.size = static_cast<std::uint8_t>(said.text.size());
    said.text.fill('#');
    e.set_payload(said);
    const crossing c = cross(e);
    REQUIRE(c.good);
    CHECK(c.back.as<console_output>()->text == said.text);
}

TEST_CASE("event: console output that says it is longer than it can be is refused") {
    event e = sample(kind::console_output);
    console_output said;
    said.size = static_cast<std::uint8_t>(said.text.size() + 1);
    e.set_payload(said);
    CHECK_FALSE(cross(e).good);
}

TEST_CASE("event: a kind of the host's own crosses as bytes, with what comes beside it") {
    event e = sample(static_cast<kind>(40));
    e.set_payload(std::uint64_t{0x0102030405060708});
    const std::vector<std::byte> beside(1000, std::byte{7});
    e.payload_size = 1000;
    const crossing c = cross(e, beside);
    REQUIRE(c.good);
    REQUIRE(c.back.payload_as<std::uint64_t>());
    CHECK(*c.back.payload_as<std::uint64_t>() == 0x0102030405060708);
    CHECK(c.payload == beside);
}

TEST_CASE("event: cut anywhere, or too long for its kind, it is refused") {
    event e = sample(kind::lease_lost);
    e.set_payload(lease_lost{{e.endpoint, {4}, lease_class::power}, lease_end::preempted});
    const crossing whole = cross(e);
    REQUIRE(whole.good);
    for (std::size_t n = wire::header_bytes; n < whole.bytes.size(); ++n) {
        event back;
        std::span<const std::byte> beside;
        const wire::frame_view cut{wire::frame_type::event, false,
                                   std::span{whole.bytes}.subspan(8, n - 8)};
        CHECK_FALSE(wire::get_event(cut, back, beside));
    }
    std::vector<std::byte> longer{whole.bytes.begin() + 8, whole.bytes.end()};
    longer.push_back(std::byte{0});
    event back;
    std::span<const std::byte> beside;
    CHECK_FALSE(wire::get_event({wire::frame_type::event, false, longer}, back, beside));
}
