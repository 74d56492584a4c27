// Rule: a request is bounded: a reason too long is refused and changes nothing, and its times mean
// what they say at their limits too.
#include <vmsig/lease/request.hpp>

#include <string>

#include <support/catch.hpp>
#include <support/equality.hpp>

namespace {

using namespace vmsig;

TEST_CASE("a reason of 47 bytes fits and one of 48 changes nothing") {
    lease_reason reason;
    const std::string longest(max_lease_reason_bytes, 'x');
    REQUIRE(reason.assign(longest));
    CHECK(reason.text() == longest);
    CHECK_FALSE(reason.assign(longest + "y"));
    CHECK(reason.text() == longest);
    REQUIRE(reason.assign("typing"));
    CHECK(reason.text() == "typing");
    lease_reason same;
    REQUIRE(same.assign("typing"));
    CHECK(reason == same);
}

TEST_CASE("a request is valid or not by itself") {
    lease_request request;
    CHECK_FALSE(request.valid()); // nobody asks
    request.who.who = origin_id::make(0, 1);
    CHECK(request.valid());
    request.time_to_live = duration{-1};
    CHECK_FALSE(request.valid());
    request.time_to_live = {};
    request.wait_deadline = {-1};
    CHECK_FALSE(request.valid());
    request.wait_deadline = {};
    request.reason.size = max_lease_reason_bytes + 1; // as a peer might send it
    CHECK_FALSE(request.valid());
}

TEST_CASE("no deadline and no time to live mean never") {
    lease_request request;
    CHECK(request.expires_if_granted({5}) == instant::never());
    CHECK(request.waits_until() == instant::never());
    request.time_to_live = duration{10};
    CHECK(request.expires_if_granted({5}) == instant{15});
    CHECK(request.expires_if_granted(instant::never()) == instant::never());
    request.wait_deadline = {9};
    CHECK(request.waits_until() == instant::never()); // it does not wait
    request.wait = true;
    CHECK(request.waits_until() == instant{9});
}

TEST_CASE("two requests are equal exactly if every part of them is") {
    lease_request request;
    request.who = {origin_id::make(0, 1), 3};
    test::check_every_part_counts(
        request, [](lease_request& r) { r.who.who = origin_id::make(0, 2); },
        [](lease_request& r) { r.who.rank = 4; }, [](lease_request& r) { r.wait = true; },
        [](lease_request& r) { r.wait_deadline = {1}; },
        [](lease_request& r) { r.time_to_live = duration{1}; },
        [](lease_request& r) { REQUIRE(r.reason.assign("typing")); });
}

TEST_CASE("two reasons of one length differ in their text") {
    lease_reason reason;
    REQUIRE(reason.assign("typing"));
    test::check_every_part_counts(
        reason, [](lease_reason& r) { REQUIRE(r.assign("dozing")); },
        [](lease_reason& r) { REQUIRE(r.assign("typing on")); });
}

} // namespace
