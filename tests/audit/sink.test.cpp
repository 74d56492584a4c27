// The null and the callback sink always have room; a share belongs to one control or to the host.
#include <vmsig/audit/sink.hpp>

#include <vector>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("sink: what no control caused is charged to the host") {
    CHECK(audit_share_of({}) == audit_host_share);
    CHECK(audit_share_of(origin_id::make(0, 1)) == 0);
    CHECK(audit_share_of(origin_id::make(63, 5)) == 63);
    CHECK(audit_share_of(origin_id::make(64, 1)) == audit_host_share);
    CHECK(audit_share_of(origin_id{~std::uint64_t{0}}) == audit_host_share);
}

TEST_CASE("sink: the null sink always has room") {
    null_sink sink;
    CHECK(sink.reserve(0, ~0u));
    sink.refund(0, 1);
    CHECK(sink.write({}, audit_room::free));
    CHECK(sink.write({}, audit_room::reserved));
}

TEST_CASE("sink: the callback sees every record as written") {
    std::vector<audit_record> seen;
    callback_sink sink{[&seen](const audit_record& r) { seen.push_back(r); }};
    CHECK(sink.reserve(3, 1000));
    const audit_record r = audit_record::of(decision::attached);
    CHECK(sink.write(r, audit_room::reserved));
    CHECK(sink.write(r, audit_room::free));
    CHECK(seen == std::vector{r, r});
}

TEST_CASE("sink: a record that the callback throws on is lost, and nothing else") {
    bool angry = true;
    callback_sink sink{[&angry](const audit_record&) {
        if (angry) throw 1;
    }};
    CHECK_FALSE(sink.write({}, audit_room::reserved));
    angry = false;
    CHECK(sink.write({}, audit_room::free));
}
