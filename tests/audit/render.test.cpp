// Any 64 bytes render as one valid line that never overflows its place, whatever a guest or a peer
// put into them (fault 73).
#include <vmsig/audit/render.hpp>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

#include "audit/flat_json.hpp"

using namespace vmsig;

namespace {

std::string render(const audit_record& r) {
    char line[max_audit_line_bytes];
    return {line, render_json(r, line)};
}

audit_record random_record(std::mt19937_64& dice) {
    std::uint64_t words[8];
    for (std::uint64_t& word : words) word = dice();
    audit_record r;
    std::memcpy(&r, words, sizeof r);
    if (dice() % 2 == 0) r.what = static_cast<decision>(dice() % decision_count);
    if (dice() % 2 == 0) r.verdict = static_cast<std::uint8_t>(dice() % 14);
    if (dice() % 2 == 0) r.subject = static_cast<std::uint8_t>(dice() % 14);
    return r;
}

} // namespace

TEST_CASE("render: a line, verbatim") {
    audit_record r =
        audit_record::of(decision::command_refused).with(verb::reset).with(refusal::denied);
    r.number = 12;
    r.time = instant{1500};
    r.origin = origin_id::make(2, 1);
    r.endpoint = endpoint_id::make(0, 1);
    r.epoch = epoch_number{4};
    r.detail = 9;
    CHECK(render(r) == "{\"number\":12,\"time_ns\":1500,\"decision\":\"command_refused\","
                       "\"refusal\":\"denied\",\"verb\":\"reset\",\"origin\":65539,"
                       "\"endpoint\":65537,\"epoch\":4,\"lane\":9}\n");
}

TEST_CASE("render: a loss says how many") {
    audit_record r = audit_record::of(decision::lost);
    r.number = 3;
    r.detail = 41;
    CHECK(render(r) == "{\"number\":3,\"time_ns\":0,\"decision\":\"lost\",\"records\":41}\n");
}

TEST_CASE("render: bytes that name nothing appear as numbers") {
    audit_record r = audit_record::of(static_cast<decision>(200));
    r.verdict = 250;
    r.subject = 251;
    r.time = instant{-5};
    CHECK(render(r) == "{\"number\":0,\"time_ns\":-5,\"decision\":200,\"verdict\":250,"
                       "\"subject\":251}\n");
    r = audit_record::of(decision::command_ended);
    r.verdict = 99;
    r.subject = 98;
    const auto line = vmsig::test::read_flat_json(render(r));
    REQUIRE(line);
    CHECK(line->at("outcome") == "99");
    CHECK(line->at("verb") == "98");
}

TEST_CASE("render: the extremes of time and number") {
    audit_record r;
    r.number = ~std::uint64_t{0};
    r.time.ns = std::numeric_limits<std::int64_t>::min();
    const auto line = vmsig::test::read_flat_json(render(r));
    REQUIRE(line);
    CHECK(line->at("number") == "18446744073709551615");
    CHECK(line->at("time_ns") == "-9223372036854775808");
}

TEST_CASE("render: random bytes give one valid line that says what is in them") {
    std::mt19937_64 dice{73};
    for (int round = 0; round < 20000; ++round) {
        const audit_record r = random_record(dice);
        const std::string text = render(r);
        const auto line = vmsig::test::read_flat_json(text);
        if (!line) FAIL(text);
        if (line->at("number") != std::to_string(r.number)) FAIL(text);
        if (line->at("time_ns") != std::to_string(r.time.ns)) FAIL(text);
        if (r.origin && line->at("origin") != std::to_string(r.origin.value)) FAIL(text);
    }
}

TEST_CASE("render: never beyond its place, and 0 when it does not fit") {
    std::mt19937_64 dice{74};
    unsigned wrong = 0;
    for (int round = 0; round < 300; ++round) {
        const audit_record r = random_record(dice);
        const std::string whole = render(r);
        for (std::size_t room = 0; room <= whole.size() + 1; ++room) {
            std::vector<char> place(room + 8, '#');
            const std::size_t n = render_json(r, {place.data(), room});
            wrong += n != (room >= whole.size() ? whole.size() : 0);
            wrong += std::string(place.end() - 8, place.end()) != "########";
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("render: every record fits in the stated number of bytes") {
    audit_record r;
    std::memset(static_cast<void*>(&r), 0xff, sizeof r);
    r.time.ns = std::numeric_limits<std::int64_t>::min();
    for (unsigned what = 0; what < 256; ++what)
        for (unsigned n = 0; n < 256; ++n) {
            r.what = static_cast<decision>(what);
            r.verdict = r.subject = static_cast<std::uint8_t>(n);
            char line[max_audit_line_bytes];
            if (render_json(r, line) == 0) FAIL(what << " " << n);
        }
}

TEST_CASE("render: allocates nothing") {
    std::mt19937_64 dice{75};
    const audit_record r = random_record(dice);
    char line[max_audit_line_bytes];
    CHECK(vmsig::test::allocations_in([&] { (void)render_json(r, line); }) == 0);
}

TEST_CASE(
    "render: a name with quotes or control bytes stays one member, and none is an empty object") {
    char place[64];
    detail::json_line hostile{place};
    hostile.member("name", std::string_view{"a\"b\\c\nd"}, 0);
    CHECK(std::string(place, hostile.end()) == "{\"name\":\"a\\\"b\\\\c?d\"}\n");
    detail::json_line empty{place};
    CHECK(std::string(place, empty.end()) == "{}\n");
}
