// Rule: what a journal did not take when it was written goes at the end of a turn, a burst at a
// time, whether or not anything is written then.
#include <vmsig/guest/journal_sink.hpp>

#include <string>
#include <vector>

#include <vmsig/core/core.hpp>

#include <support/catch.hpp>

#include "journal.hpp"

using namespace vmsig;
using namespace vmsig::test;

TEST_CASE("journal_sink: what the journal did not take goes at the end of a turn") {
    struct traits : default_traits {
        using audit_sink = journal_sink;
    };
    fake_journal journal{fake_journal::absent};
    core<traits> bus{{}, "vmsig", journal.path()};
    const journal_sink& sink = bus.audit().sink();
    for (int i = 0; i < 40; ++i) bus.add_endpoint("vm" + std::to_string(i));
    while (bus.dispatch()) {}
    const std::size_t waiting = sink.waiting();
    CHECK(waiting == bus.audit().number());
    REQUIRE(waiting > 2 * journal_sink::burst);

    journal.start();
    std::vector<journal_entry> entries;
    while (sink.waiting() != 0) { // a datagram socket may take fewer than a burst
        const std::size_t before = sink.waiting();
        bus.dispatch();
        const std::size_t sent = before - sink.waiting();
        REQUIRE((sent > 0 && sent <= journal_sink::burst));
        CHECK(journal.read(entries) == sent);
    }
    CHECK(entries.size() == waiting);
    for (std::size_t i = 0; i < entries.size(); ++i)
        CHECK(entries[i].at("VMSIG_NUMBER") == std::to_string(i + 1));
}
