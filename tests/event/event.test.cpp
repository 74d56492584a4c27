// An event is two cache lines; its payload is read only as the type that its kind and size say.
#include <vmsig/event/event.hpp>

#include <array>
#include <type_traits>

#include <support/catch.hpp>

#include <vmsig/event/payloads.hpp>

using namespace vmsig;

static_assert(sizeof(event) == 128 && std::is_trivially_copyable_v<event>);
static_assert(offsetof(event, inline_data) + inline_payload_bytes == sizeof(event));

namespace {
struct sample {
    double celsius = 0;
};
struct too_large {
    std::array<std::byte, inline_payload_bytes + 1> bytes;
};
struct not_plain {
    ~not_plain() {}
};
static_assert(inline_payload<sample> && !core_payload<sample>);
static_assert(!inline_payload<too_large> && !inline_payload<not_plain>);

template <class P>
event carrying(const P& payload) {
    event e;
    e.kind = P::event_kind;
    e.set_payload(payload);
    return e;
}
} // namespace

TEST_CASE("event: a payload comes out as it was put in") {
    receipt r;
    r.outcome = outcome::failed;
    r.failure = failure::io;
    r.error = 5;
    r.value = 0x0123456789abcdef;
    const event e = carrying(r);
    CHECK(e.is(kind::receipt));
    REQUIRE(e.as<receipt>() != nullptr);
    CHECK(e.as<receipt>()->outcome == outcome::failed);
    CHECK(e.as<receipt>()->value == 0x0123456789abcdef);
    CHECK(static_cast<const void*>(e.as<receipt>()) == e.inline_data);
}

TEST_CASE("event: another kind's payload is not there") {
    const event e = carrying(memctx_published{});
    CHECK(e.as<memctx_published>() != nullptr);
    CHECK(e.as<memctx_invalidated>() == nullptr); // of the same size
    CHECK(e.as<receipt>() == nullptr);
}

TEST_CASE("event: a payload of another size is not read") {
    event e = carrying(gap{});
    e.inline_size = sizeof(gap) - 1;
    CHECK(e.as<gap>() == nullptr);
    event bare;
    bare.kind = kind::gap;
    CHECK(bare.as<gap>() == nullptr);
}

TEST_CASE("event: a host's own payload goes by its size") {
    event e;
    e.kind = kind::first_host;
    e.set_payload(sample{36.6});
    REQUIRE(e.payload_as<sample>() != nullptr);
    CHECK(e.payload_as<sample>()->celsius == 36.6);
    CHECK(e.payload_as<std::uint32_t>() == nullptr);
}

TEST_CASE("event: the largest payload fits") {
    console_output text;
    text.size = static_cast<std::uint8_t>(text.text.size());
    text.text.fill('x');
    const event e = carrying(text);
    CHECK(e.inline_size == inline_payload_bytes);
    CHECK(e.as<console_output>()->text.back() == 'x');
}

TEST_CASE("event: a copy carries its payload along") {
    const event e = carrying(gap{lane::bulk, 42});
    const event copy = e;
    CHECK(copy.as<gap>()->count == 42);
    CHECK(copy.as<gap>() != e.as<gap>());
}
