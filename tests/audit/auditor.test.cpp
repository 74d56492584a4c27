// Per decision one record, numbered without a hole, or an explicit LOST(n); with a fail-closed sink
// nothing acts without room for both of its records (I9, I21; R11, fault 72).
#include <vmsig/audit/auditor.hpp>

#include <array>
#include <random>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>

#include <vmsig/audit/fail_closed_sink.hpp>
#include <vmsig/audit/ring_sink.hpp>

using namespace vmsig;

namespace {

audit_record noted(decision d, unsigned share = audit_host_share, std::int64_t at = 0) {
    audit_record r = audit_record::of(d);
    r.time = instant{at};
    if (share < audit_control_shares) r.origin = origin_id::make(share, 1);
    return r;
}

/// Accepts records while `room` lasts; knows no shares.
struct moody_sink {
    std::vector<audit_record> written;
    unsigned room = 0;

    bool reserve(unsigned, unsigned) noexcept { return true; }
    void refund(unsigned, unsigned) noexcept {}
    bool write(const audit_record& r, audit_room) noexcept {
        if (room == 0) return false;
        --room;
        written.push_back(r);
        return true;
    }
};

using small_sink = fail_closed_sink<64 * 4 + 4, 4>;

} // namespace

TEST_CASE("auditor: numbers records from 1 without a hole") {
    basic_auditor<ring_sink<8>> audit;
    audit.note(noted(decision::endpoint_added));
    REQUIRE(audit.admit(3));
    audit.write(noted(decision::command_admitted, 3));
    audit.note(noted(decision::neutral));
    audit.write(noted(decision::command_ended, 3));
    std::vector<std::uint64_t> numbers;
    audit.sink().for_each_last(8, [&](const audit_record& r) { numbers.push_back(r.number); });
    CHECK(numbers == std::vector<std::uint64_t>{1, 2, 3, 4});
    CHECK(audit.number() == 4);
    CHECK(audit.reserved() == 0);
}

TEST_CASE("auditor: counts decisions, also those that changed nothing") {
    basic_auditor<null_sink> audit;
    audit.note(noted(decision::lease_ended));
    audit.note(noted(decision::lease_ended));
    audit.tally(decision::lease_ended);
    CHECK(audit.count(decision::lease_ended) == 3);
    CHECK(audit.number() == 2);
    CHECK(audit.count(decision::attached) == 0);
}

TEST_CASE("auditor: without room a command is refused, and safety actions go on as LOST") {
    basic_auditor<small_sink> audit;
    REQUIRE(audit.admit(5));
    audit.write(noted(decision::command_admitted, 5));
    REQUIRE(audit.admit(5));
    CHECK_FALSE(audit.admit(5));
    CHECK(audit.admit(6));
    for (int i = 0; i < 3; ++i) audit.note(noted(decision::lease_ended, 5));
    CHECK(audit.lost(5) == 3);
    CHECK(audit.count(decision::lease_ended) == 3);
    audit.write(noted(decision::command_ended, 5)); // room was set aside for it

    std::vector<audit_record> seen;
    const auto drain = [&] {
        audit.sink().drain([&](const audit_record& r) { seen.push_back(r); });
    };
    drain();
    audit.settle(instant{99});
    drain();
    REQUIRE(seen.size() == 3);
    CHECK(seen[2].what == decision::lost);
    CHECK(seen[2].detail == 3);
    CHECK(seen[2].time == instant{99});
    CHECK(seen[2].origin == origin_id::make(5, 1));
    CHECK(seen[2].number == 3);
    CHECK(audit.lost(5) == 0);
    CHECK(audit.admit(5)); // it recovered by itself
}

TEST_CASE("auditor: a loss is told before what its share writes next") {
    basic_auditor<moody_sink> audit;
    audit.note(noted(decision::detached, 1, 10));
    audit.note(noted(decision::detached, 1, 20));
    audit.sink().room = 9;
    audit.note(noted(decision::attached, 1, 30));
    audit.note(noted(decision::attached, 1, 40));
    const auto& seen = audit.sink().written;
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].what == decision::lost);
    CHECK(seen[0].detail == 2);
    CHECK(seen[0].time == instant{30});
    CHECK(seen[1].what == decision::attached);
    CHECK(seen[2].number == 3);
    CHECK(audit.count(decision::lost) == 1);
}

TEST_CASE("auditor: what nobody's share lost is told at the next settle") {
    basic_auditor<moody_sink> audit;
    audit.note(noted(decision::epoch_raised));
    audit.settle(instant{1});
    CHECK(audit.lost(audit_host_share) == 1);
    audit.sink().room = 9;
    audit.settle(instant{2});
    audit.settle(instant{3});
    REQUIRE(audit.sink().written.size() == 1);
    CHECK(audit.sink().written[0].what == decision::lost);
    CHECK(audit.sink().written[0].detail == 1);
    CHECK_FALSE(audit.sink().written[0].origin);
}

TEST_CASE("auditor: a control that floods refusals costs nobody else a record") {
    basic_auditor<small_sink> audit;
    for (int i = 0; i < 100000; ++i) audit.note(noted(decision::command_refused, 9));
    CHECK(audit.lost(9) == 100000 - 4);
    REQUIRE(audit.admit(8));
    for (int i = 0; i < 4; ++i) audit.note(noted(decision::epoch_raised));
    CHECK(audit.lost(audit_host_share) == 0);
    CHECK(audit.lost(8) == 0);
    audit.withdraw(8, 2);
}

TEST_CASE("auditor: room that is not used goes back") {
    basic_auditor<small_sink> audit;
    REQUIRE(audit.admit(0));
    REQUIRE(audit.admit(0));
    CHECK_FALSE(audit.admit(0));
    audit.withdraw(0);
    audit.withdraw(0);
    CHECK(audit.admit(0));
    audit.withdraw(0, 4);
    CHECK(audit.reserved() == 0);
    CHECK(audit.sink().room(0) == 4);
}

TEST_CASE("auditor: the number never wraps") {
    basic_auditor<moody_sink, 7> audit;
    audit.sink().room = 100;
    REQUIRE(audit.admit(0));
    for (int i = 0; i < 9; ++i) audit.note(noted(decision::neutral));
    CHECK(audit.number() == 5); // two are promised
    CHECK_FALSE(audit.admit(1, 1));
    audit.write(noted(decision::command_admitted, 0));
    audit.write(noted(decision::command_ended, 0));
    CHECK(audit.number() == 7);
    CHECK_FALSE(audit.admit(0, 1));
    CHECK(audit.admit(0, 0));
    CHECK(audit.lost(audit_host_share) == 4);
}

namespace {

/// Random admissions, ends, notes and drains of a few controls, and everything that came out.
struct simulation {
    basic_auditor<small_sink> audit;
    std::mt19937_64 dice{9};
    std::array<unsigned, 4> shares{0, 5, 63, audit_host_share};
    std::array<unsigned, 4> running{};       ///< admitted and not ended
    std::array<std::uint64_t, 4> noted_by{}; ///< decisions, admission and end included
    std::array<std::uint64_t, 4> told{};     ///< records read, and those that a LOST stood for
    std::array<std::uint64_t, 4> admitted{};
    std::array<std::uint64_t, 4> admissions_read{};
    std::uint64_t next = 1;
    std::uint64_t wrong = 0;
    std::uint64_t losses = 0;

    void read(const audit_record& r) {
        wrong += r.number != next++;
        for (unsigned i = 0; i < 4; ++i) {
            if (audit_share_of(r.origin) != shares[i]) continue;
            told[i] += r.what == decision::lost ? r.detail : 1;
            losses += r.what == decision::lost;
            admissions_read[i] += r.what == decision::command_admitted;
        }
    }
    void step(std::int64_t now) {
        const auto i = static_cast<unsigned>(dice() % 4);
        switch (dice() % 4) {
        case 0:
            if (!audit.admit(shares[i])) break;
            audit.write(noted(decision::command_admitted, shares[i], now));
            ++admitted[i], ++running[i], ++noted_by[i];
            break;
        case 1:
            if (running[i] == 0) break;
            audit.write(noted(decision::command_ended, shares[i], now));
            --running[i], ++noted_by[i];
            break;
        case 2:
            audit.note(noted(decision::lease_ended, shares[i], now));
            ++noted_by[i];
            break;
        default:
            audit.sink().drain([this](const audit_record& r) { read(r); }, dice() % 3);
            audit.settle(instant{now});
        }
    }
};

} // namespace

TEST_CASE("auditor: each decision is a numbered record or part of a LOST, whatever the room") {
    simulation s;
    const auto allocations = vmsig::test::allocations_in([&] {
        for (int n = 0; n < 60000; ++n) s.step(n);
    });
    CHECK(allocations == 0);
    for (unsigned i = 0; i < 4; ++i)
        for (; s.running[i] > 0; --s.running[i], ++s.noted_by[i])
            s.audit.write(noted(decision::command_ended, s.shares[i]));
    for (int i = 0; i < 2; ++i) {
        s.audit.sink().drain([&](const audit_record& r) { s.read(r); });
        s.audit.settle(instant{});
    }
    CHECK(s.wrong == 0);
    CHECK(s.told == s.noted_by);
    CHECK(s.admitted == s.admissions_read); // no actuation without its record
    CHECK(s.losses > 100);
    CHECK(s.audit.reserved() == 0);
}

TEST_CASE("auditor: whoever may only look sees the sink that the host filled") {
    basic_auditor<small_sink> audit;
    audit.note(noted(decision::neutral));
    const auto& seen = audit;
    CHECK(&seen.sink() == &audit.sink());
    CHECK(seen.count(decision::neutral) == 1);
}
