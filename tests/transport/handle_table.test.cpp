// Rule (R3): a peer names endpoints by handles of its own connection: each is given once, names
// nothing before it was announced and nothing after its endpoint is gone.
#include <vmsig/transport/handle_table.hpp>

#include <support/catch.hpp>

#include <set>

using namespace vmsig;

namespace {

endpoint_id endpoint_in(unsigned slot, std::uint64_t generation = 1) {
    return endpoint_id::make(slot, generation);
}

} // namespace

TEST_CASE("handle_table: an endpoint has one handle, and a handle one endpoint") {
    handle_table t;
    std::set<std::uint64_t> handles;
    for (unsigned n = 0; n < handle_table::places; ++n) {
        const endpoint_id h = t.handle_of(endpoint_in(n));
        REQUIRE(h);
        CHECK(handles.insert(h.value).second);
        t.set_announced(endpoint_in(n), true);
    }
    for (unsigned n = 0; n < handle_table::places; ++n) {
        CHECK(t.handle_of(endpoint_in(n)) == t.known_handle(endpoint_in(n)));
        CHECK(t.endpoint_of(t.known_handle(endpoint_in(n))) == endpoint_in(n));
    }
}

TEST_CASE(
    "handle_table: a handle names nothing until it was announced, nor after it was taken back") {
    handle_table t;
    const endpoint_id h = t.handle_of(endpoint_in(3));
    CHECK_FALSE(t.announced(endpoint_in(3)));
    CHECK_FALSE(t.endpoint_of(h));
    t.set_announced(endpoint_in(3), true);
    CHECK(t.announced(endpoint_in(3)));
    CHECK(t.endpoint_of(h) == endpoint_in(3));
    t.set_announced(endpoint_in(3), false);
    CHECK_FALSE(t.endpoint_of(h));
    t.set_announced(endpoint_in(4), true); // never seen: nothing happens
    CHECK_FALSE(t.announced(endpoint_in(4)));
    CHECK_FALSE(t.known_handle(endpoint_in(4)));
}

TEST_CASE("handle_table: the handle of an endpoint that is gone is never used again") {
    handle_table t;
    std::set<std::uint64_t> handles;
    for (std::uint64_t life = 1; life <= 100; ++life) {
        const endpoint_id h = t.handle_of(endpoint_in(7, life));
        CHECK(handles.insert(h.value).second);
        t.set_announced(endpoint_in(7, life), true);
        CHECK(t.endpoint_of(h) == endpoint_in(7, life));
        t.forget(endpoint_in(7, life));
        CHECK_FALSE(t.endpoint_of(h));
        CHECK_FALSE(t.known_handle(endpoint_in(7, life)));
        CHECK_FALSE(t.announced(endpoint_in(7, life)));
        t.forget(endpoint_in(7, life));
    }
    CHECK_FALSE(t.known_handle(endpoint_in(7, 1000)));
}

TEST_CASE("handle_table: what a peer makes up names nothing") {
    handle_table t;
    const endpoint_id h = t.handle_of(endpoint_in(0));
    t.set_announced(endpoint_in(0), true);
    CHECK_FALSE(t.endpoint_of({}));
    CHECK_FALSE(t.endpoint_of(endpoint_id::make(h.slot(), h.generation() + 1)));
    CHECK_FALSE(t.endpoint_of(endpoint_id::make(h.slot() + 1, h.generation())));
    CHECK_FALSE(t.endpoint_of(endpoint_id::make(handle_table::places, 1)));
    CHECK_FALSE(t.endpoint_of(endpoint_id{~std::uint64_t{0}}));
    CHECK_FALSE(t.handle_of({}));
    CHECK_FALSE(t.known_handle({}));
}

TEST_CASE("handle_table: a full table gives no handle, and a place that was left does") {
    handle_table t;
    for (unsigned n = 0; n < handle_table::places; ++n) REQUIRE(t.handle_of(endpoint_in(n)));
    CHECK_FALSE(t.handle_of(endpoint_in(0, 2))); // its predecessor's removal was not told yet
    t.forget(endpoint_in(9));
    CHECK(t.handle_of(endpoint_in(0, 2)));
    CHECK_FALSE(t.handle_of(endpoint_in(1, 2)));
    t.clear();
    CHECK_FALSE(t.known_handle(endpoint_in(0)));
    CHECK(t.handle_of(endpoint_in(1, 2)));
}
