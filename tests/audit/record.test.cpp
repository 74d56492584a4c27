// The audit record is a fixed-size binary value of 64 bytes with every byte accounted for.
#include <vmsig/audit/record.hpp>

#include <cstddef>
#include <cstring>

#include <support/catch.hpp>
#include <support/equality.hpp>

using namespace vmsig;

static_assert(sizeof(audit_record) == 64 && alignof(audit_record) == 8);
static_assert(std::is_trivially_copyable_v<audit_record>);
static_assert(std::has_unique_object_representations_v<audit_record>, "no padding");
static_assert(offsetof(audit_record, number) == 0 && offsetof(audit_record, correlation) == 48 &&
              offsetof(audit_record, what) == 56 && offsetof(audit_record, detail) == 60);

TEST_CASE("record: says what was decided, why, and about what") {
    constexpr audit_record r =
        audit_record::of(decision::command_refused).with(verb::reset).with(refusal::denied);
    CHECK(r.what == decision::command_refused);
    CHECK(r.subject == static_cast<std::uint8_t>(verb::reset));
    CHECK(r.verdict == static_cast<std::uint8_t>(refusal::denied));
    CHECK(r.number == 0);
    CHECK_FALSE(r.origin);
}

TEST_CASE("record: verdicts and subjects of every kind") {
    CHECK(audit_record{}.with(outcome::stale_epoch).verdict ==
          static_cast<std::uint8_t>(outcome::stale_epoch));
    CHECK(audit_record{}.with(lease_end::forced).verdict ==
          static_cast<std::uint8_t>(lease_end::forced));
    CHECK(audit_record{}.with(lease_class::power).subject ==
          static_cast<std::uint8_t>(lease_class::power));
    CHECK(audit_record{}.with(right::admin).subject == static_cast<std::uint8_t>(right::admin));
    CHECK(audit_record{}.with(transition::reset).subject ==
          static_cast<std::uint8_t>(transition::reset));
}

TEST_CASE("record: is its bytes") {
    audit_record r = audit_record::of(decision::attached);
    r.number = 7;
    r.endpoint = endpoint_id::make(3, 9);
    unsigned char bytes[sizeof r];
    std::memcpy(bytes, &r, sizeof r);
    audit_record copy;
    std::memcpy(&copy, bytes, sizeof r);
    CHECK(copy == r);
}

TEST_CASE("record: two are equal exactly if every field is") {
    using record = audit_record;
    test::check_every_part_counts(
        audit_record::of(decision::command_ended), [](record& r) { r.number = 1; },
        [](record& r) { r.time = {1}; }, [](record& r) { r.origin = origin_id::make(0, 1); },
        [](record& r) { r.endpoint = endpoint_id::make(0, 1); },
        [](record& r) { r.epoch = epoch_number{1}; },
        [](record& r) { r.serial = serial_number{1}; },
        [](record& r) { r.correlation = correlation_id::make(0, 1); },
        [](record& r) { r.what = decision::lost; }, [](record& r) { r.verdict = 1; },
        [](record& r) { r.subject = 1; }, [](record& r) { r.flags = audit_begun; },
        [](record& r) { r.detail = 1; });
}
