// Whatever the journal does (slow, full, absent, restarted), the sink never waits, keeps what it
// accepted in order and whole, and what it could not keep shows as LOST(n), or, fail-closed, is
// refused before it acts (72). No text can add a field.
#include <vmsig/guest/journal_sink.hpp>

#include <cctype>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>
#include <support/fd_count.hpp>

#include <vmsig/audit/auditor.hpp>
#include <vmsig/control/build.hpp>
#include <vmsig/core/core.hpp>
#include <vmsig/reactor/manual_reactor.hpp>

#include "audit/flat_json.hpp"
#include "guest/journal.hpp"

using namespace vmsig;
using vmsig::test::fake_journal;
using vmsig::test::journal_entry;
using vmsig::test::read_entry;

namespace {

audit_record numbered(std::uint64_t n) {
    audit_record r = audit_record::of(decision::attached);
    r.number = n;
    return r;
}
std::string rendered(const audit_record& r, std::string_view identifier = "vmsig") {
    std::string bytes(max_journal_datagram_bytes, '\0');
    bytes.resize(render_journal(r, identifier, bytes));
    return bytes;
}
/// Reads and flushes in turn until all that waits is read.
template <class Sink>
void read_all(fake_journal& journal, Sink& sink, std::vector<journal_entry>& entries) {
    for (int rounds = 0; rounds < 10000; ++rounds) {
        sink.flush();
        if (!journal.read(entries)) break;
    }
    CHECK(sink.waiting() == 0);
}
/// Numbered from 1 without a hole.
void check_numbers(const std::vector<journal_entry>& entries) {
    for (std::size_t i = 0; i < entries.size(); ++i)
        REQUIRE(entries[i].at("VMSIG_NUMBER") == std::to_string(i + 1));
}

/// sendto(2) as the test wants it.
struct scripted {
    static inline int error = 0;
    static inline int interruptions = 0;
    static inline std::size_t sent = 0;

    static ssize_t send(int, std::span<const char> bytes, const sockaddr_un&) noexcept {
        if (interruptions > 0) {
            --interruptions;
            errno = EINTR;
            return -1;
        }
        if (error != 0) {
            errno = error;
            return -1;
        }
        ++sent;
        return static_cast<ssize_t>(bytes.size());
    }
    static void reset(int with) {
        error = with;
        interruptions = 0;
        sent = 0;
    }
};
using scripted_sink = basic_journal_sink<lossy_backlog<64>, scripted>;

using small_fail_closed = basic_journal_sink<fail_closed_sink<64 * 4 + 4, 4>>;

struct audited_traits : default_traits {
    using reactor = manual_reactor;
    using audit_sink = basic_journal_sink<fail_closed_sink<64 * 12 + 256, 12>>;
};
struct hosted_machine {
    static constexpr roles serves = role::host_management;
    void execute(fenced_command c, adapter_handle bus) {
        if (c.take()) bus.complete(c.id());
    }
};
struct receiver {
    int receipts = 0;
    void on_event(const event& e, control_handle) { receipts += e.is(kind::receipt) ? 1 : 0; }
};

} // namespace

TEST_CASE("journal_sink: a record is one datagram with exactly these fields") {
    fake_journal journal;
    journal_sink sink{"build-host", journal.path()};
    audit_record r =
        audit_record::of(decision::command_refused).with(verb::reset).with(refusal::denied);
    r.number = 41;
    r.time = instant{1234567890};
    r.origin = origin_id{65537};
    r.endpoint = endpoint_id{131073};
    r.epoch = epoch_number{3};
    r.serial = serial_number{5};
    r.correlation = correlation_id{77};
    r.flags = audit_by_host;
    r.detail = 9;
    CHECK(sink.reserve(0, ~0u));
    REQUIRE(sink.write(r, audit_room::free));
    CHECK(journal.datagram() == "MESSAGE=command_refused reset denied lane 9\n"
                                "PRIORITY=5\n"
                                "SYSLOG_IDENTIFIER=build-host\n"
                                "VMSIG_NUMBER=41\n"
                                "VMSIG_TIME_NS=1234567890\n"
                                "VMSIG_DECISION=command_refused\n"
                                "VMSIG_REFUSAL=denied\n"
                                "VMSIG_VERB=reset\n"
                                "VMSIG_ORIGIN=65537\n"
                                "VMSIG_ENDPOINT=131073\n"
                                "VMSIG_EPOCH=3\n"
                                "VMSIG_SERIAL=5\n"
                                "VMSIG_CORRELATION=77\n"
                                "VMSIG_FLAGS=2\n"
                                "VMSIG_LANE=9\n");
    CHECK_FALSE(journal.datagram());
    CHECK(sink.error().code == 0);
    CHECK(sink.waiting() == 0);

    REQUIRE(sink.write(numbered(42), audit_room::reserved));
    CHECK(journal.datagram() == "MESSAGE=attached\nPRIORITY=6\nSYSLOG_IDENTIFIER=build-host\n"
                                "VMSIG_NUMBER=42\nVMSIG_TIME_NS=0\nVMSIG_DECISION=attached\n");
}

TEST_CASE("journal_sink: each word and number of the JSON line is a field, and all of it fits") {
    constexpr std::uint64_t most = ~std::uint64_t{0};
    const std::string identifier(3 * max_journal_identifier_bytes, '\n');
    std::size_t longest = 0;
    for (unsigned what = 0; what < 256; ++what) {
        for (unsigned byte = 0; byte < 256; ++byte) {
            audit_record r;
            r.what = static_cast<decision>(what);
            r.verdict = r.subject = r.flags = static_cast<std::uint8_t>(byte);
            r.number = r.origin.value = r.endpoint.value = r.epoch.value = most;
            r.serial.value = r.correlation.value = most;
            r.time.ns = static_cast<std::int64_t>(most / 2);
            r.detail = ~std::uint32_t{0};
            const std::string bytes =
                rendered(r, std::string_view{identifier}.substr(0, max_journal_identifier_bytes));
            longest = std::max(longest, bytes.size());
            std::string line(max_audit_line_bytes, '\0');
            line.resize(render_json(r, line));
            const auto entry = read_entry(bytes);
            const auto json = vmsig::test::read_flat_json(line);
            REQUIRE(entry);
            REQUIRE(json);
            CHECK(entry->size() == json->size() + 3); // MESSAGE, PRIORITY, SYSLOG_IDENTIFIER
            for (const auto& [key, value] : *json) {
                std::string name = "VMSIG_";
                for (const char c : key) name += static_cast<char>(std::toupper(c));
                if (!entry->count(name) || entry->at(name) != value) FAIL(name << " in " << bytes);
            }
        }
    }
    CHECK(longest > 0);
    CHECK(longest <= max_journal_datagram_bytes - 100); // room for a longer word
}

TEST_CASE("journal_sink: too little room is said, whatever it is") {
    audit_record r = audit_record::of(decision::lost);
    r.detail = 3;
    const std::string whole = rendered(r, "two\nlines");
    std::string part(whole.size(), '\0');
    for (std::size_t n = 0; n < whole.size(); ++n)
        REQUIRE(render_journal(r, "two\nlines", {part.data(), n}) == 0);
    CHECK(render_journal(r, "two\nlines", part) == whole.size());
    CHECK(part == whole);
}

TEST_CASE("journal_sink: an identifier of any shape stays one field") {
    for (const std::string& identifier :
         {std::string{"vmsig\nPRIORITY=0"}, std::string{"\n"}, std::string{"\n\nMESSAGE=forged\n"},
          std::string{"a=b\r\t\x01\xff"}, std::string("nul\0inside", 10),
          std::string{"x\n\0\0", 4}}) {
        fake_journal journal;
        journal_sink sink{identifier, journal.path()};
        REQUIRE(sink.write(numbered(7), audit_room::free));
        std::vector<journal_entry> entries;
        REQUIRE(journal.read(entries) == 1);
        CHECK(entries[0].at("SYSLOG_IDENTIFIER") == identifier);
        CHECK(entries[0].at("MESSAGE") == "attached");
        CHECK(entries[0].at("PRIORITY") == "6");
        CHECK(entries[0].size() == 6);
    }
    fake_journal journal;
    journal_sink nameless{"", journal.path()};
    REQUIRE(nameless.write(numbered(1), audit_room::free));
    journal_sink wordy{std::string(max_journal_identifier_bytes + 1, 'x'), journal.path()};
    REQUIRE(wordy.write(numbered(1), audit_room::free));
    std::vector<journal_entry> entries;
    REQUIRE(journal.read(entries) == 2);
    CHECK_FALSE(entries[0].count("SYSLOG_IDENTIFIER"));
    CHECK(entries[1].at("SYSLOG_IDENTIFIER") == std::string(max_journal_identifier_bytes, 'x'));
}

TEST_CASE("journal_sink: what an operator should look at has a higher priority") {
    const auto priority = [](const audit_record& r) {
        return read_entry(rendered(r))->at("PRIORITY");
    };
    audit_record lost = audit_record::of(decision::lost);
    lost.detail = 12;
    CHECK(priority(lost) == "4");
    CHECK(read_entry(rendered(lost))->at("MESSAGE") == "lost records 12");
    CHECK(priority(audit_record::of(decision::adapter_quarantined)) == "4");
    CHECK(priority(audit_record::of(decision::attach_refused).with(refusal::exhausted)) == "5");
    CHECK(priority(audit_record::of(decision::lease_forced)) == "6");
    CHECK(priority(audit_record::of(decision::command_ended).with(outcome::failed)) == "6");
}

TEST_CASE("journal_sink: a journal that never reads is never waited for, and recovers") {
    fake_journal journal;
    basic_auditor<basic_journal_sink<lossy_backlog<64>>> audit{"vmsig", journal.path()};
    std::uint64_t allocations = vmsig::test::allocations_in([&] {
        for (int i = 0; i < 5000; ++i) audit.note(audit_record::of(decision::lease_ended));
    });
    CHECK(allocations == 0);
    CHECK(audit.sink().error().code == EAGAIN);
    CHECK(audit.sink().waiting() > 0);
    const std::uint64_t lost = audit.lost(audit_host_share);
    CHECK(lost > 0);
    CHECK(lost + audit.number() == 5000);
    CHECK(audit.admit(3)); // not fail-closed
    audit.withdraw(3, 2);

    std::vector<journal_entry> entries;
    read_all(journal, audit.sink(), entries);
    audit.settle(instant{7});
    journal.read(entries);
    REQUIRE(entries.size() == audit.number());
    check_numbers(entries);
    CHECK(entries.back().at("VMSIG_DECISION") == "lost");
    CHECK(entries.back().at("VMSIG_RECORDS") == std::to_string(lost));
}

TEST_CASE("journal_sink: a journal that is absent, stale or restarted is found when it comes") {
    fake_journal journal{fake_journal::absent};
    journal_sink sink{"vmsig", journal.path()};
    CHECK(sink.write(numbered(1), audit_room::free));
    CHECK(sink.error().code == ENOENT);
    CHECK(std::string{sink.error().operation} == "sendto");
    CHECK(sink.write(numbered(2), audit_room::free));
    CHECK(sink.waiting() == 2);

    std::vector<journal_entry> entries;
    journal.start();
    CHECK(sink.write(numbered(3), audit_room::free)); // takes the earlier ones along
    CHECK(journal.read(entries) == 3);
    CHECK(sink.error().code == 0);

    journal.crash(); // the name stays, and nobody listens
    CHECK(sink.write(numbered(4), audit_room::free));
    CHECK(sink.error().code == ECONNREFUSED);
    journal.start();
    sink.flush();
    CHECK(journal.read(entries) == 1);
    check_numbers(entries);
}

TEST_CASE("journal_sink: the journal's return is no burst, and signals do not lose a record") {
    scripted::reset(ENOENT);
    scripted_sink sink{"vmsig", "nowhere"};
    for (std::uint64_t n = 1; n <= 65; ++n) CHECK(sink.write(numbered(n), audit_room::free));
    CHECK_FALSE(sink.write(numbered(66), audit_room::free));
    CHECK(sink.lost() == 1);
    CHECK(sink.waiting() == 65); // one of them in hand
    scripted::reset(0);
    CHECK(sink.write(numbered(66), audit_room::free));
    CHECK(scripted::sent <= 2 * scripted_sink::burst);
    CHECK(scripted::sent < 66); // the rest goes with later ones
    sink.flush();
    CHECK(scripted::sent == 66);

    scripted::reset(0);
    scripted::interruptions = 5;
    CHECK(sink.write(numbered(67), audit_room::free));
    CHECK(scripted::sent == 1);
    CHECK(sink.waiting() == 0);
    scripted::interruptions = 1 << 20; // a storm of them ends the attempt
    CHECK(sink.write(numbered(68), audit_room::free));
    CHECK(sink.waiting() == 1);
}

TEST_CASE("journal_sink: fail-closed, who exhausts its share is refused alone, until it is sent") {
    fake_journal journal{fake_journal::absent};
    basic_auditor<small_fail_closed> audit{"vmsig", journal.path()};
    const auto of_control = [](std::uint16_t slot) {
        audit_record r = audit_record::of(decision::command_ended);
        r.origin = origin_id::make(slot, 1);
        return r;
    };
    const unsigned share = audit_share_of(of_control(3).origin);
    const auto act = [&] { // until refused; how often
        std::uint64_t admitted = 0;
        for (; admitted < 100 && audit.admit(share, 1); ++admitted) audit.write(of_control(3));
        return admitted;
    };
    CHECK(act() == 5); // its share, and the record that is in hand
    CHECK(audit.admit(audit_share_of(of_control(4).origin)));
    audit.withdraw(audit_share_of(of_control(4).origin), 2);

    std::vector<journal_entry> entries;
    journal.start();
    REQUIRE(audit.admit(share, 1)); // by itself: nothing was written since
    audit.write(of_control(3));
    read_all(journal, audit.sink(), entries);
    CHECK(entries.size() == 6);

    journal.crash();
    CHECK(act() == 5);
    audit.note(of_control(3)); // a safety action goes on
    CHECK(audit.lost(share) == 1);
    journal.start();
    audit.settle(instant{1});
    read_all(journal, audit.sink(), entries);
    REQUIRE(entries.size() == 12);
    check_numbers(entries);
    CHECK(entries.back().at("VMSIG_RECORDS") == "1");
    CHECK(audit.lost(share) == 0);
}

TEST_CASE("journal_sink: without a journal, a core that must audit refuses to act, and resumes") {
    hosted_machine vm;
    receiver a, b;
    fake_journal journal{fake_journal::absent};
    core<audited_traits> bus{{}, "vmsig", journal.path()};
    const endpoint_id id = bus.add_endpoint("vm");
    bus.attach_adapter(vm, id);
    const grant full = grant{}.on(id).allow(right::observe | right::power);
    const control_handle first = bus.attach(a, full);
    const control_handle second = bus.attach(b, full);
    const auto settle = [&bus] {
        for (int turns = 0; bus.dispatch(); ++turns) REQUIRE(turns < 100);
    };
    settle();
    int accepted = 0;
    while (accepted < 100 && first.submit(query_status(id))) ++accepted;
    CHECK(accepted > 0);
    CHECK(first.submit(query_status(id)).why == refusal::audit_unavailable);
    CHECK(second.submit(query_status(id)));
    settle();
    CHECK(a.receipts == accepted);
    CHECK(b.receipts == 1);

    journal.start();
    refusal again = refusal::audit_unavailable;
    std::vector<journal_entry> entries;
    for (int tries = 0; tries < 10 && again != refusal::none; ++tries) {
        again = first.submit(query_status(id)).why;
        journal.read(entries);
    }
    CHECK(again == refusal::none);
    settle();
    read_all(journal, bus.audit().sink(), entries);
    CHECK(a.receipts == accepted + 1);
    check_numbers(entries);
    std::map<std::string, int> count;
    for (const journal_entry& e : entries) ++count[e.at("VMSIG_DECISION")];
    CHECK(count["command_admitted"] == accepted + 2);
    CHECK(count["command_ended"] == accepted + 2);
    CHECK(count["lost"] >= 1); // the refusals
}

TEST_CASE("journal_sink: one descriptor, closed once, and a path that no socket has") {
    const int before = vmsig::test::open_fd_count();
    {
        journal_sink sink{"vmsig", "/no/such/folder/socket"};
        CHECK(vmsig::test::open_fd_count() == before + 1);
        CHECK(sink.write(numbered(1), audit_room::free));
        CHECK(sink.error().code == ENOENT);
    }
    CHECK_THROWS_AS(journal_sink("vmsig", std::string(108, 'x')), std::system_error);
    CHECK(vmsig::test::open_fd_count() == before);
}
