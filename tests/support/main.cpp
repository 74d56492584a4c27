// The main of every test executable: Catch's, with an exit code for skipped, and with a run of no
// test case at all counted as a failure. It is also the fixture of every test case: one that ends
// with other descriptors open than it began with has failed, unless it says so; and so has one in
// which a core on a `metered` reactor allocated in a turn.
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"

#include <algorithm>
#include <iostream>
#include <type_traits>

#include "support/alloc_guard.hpp"
#include "support/fd_count.hpp"

namespace {

struct tally {
    bool ran = false;
    unsigned cases = 0;
    unsigned skipped = 0;
    bool skipped_current = false;
    unsigned broken = 0;   ///< promises that hold in every test case, and did not
    bool may_leak = false; ///< the current one
};
tally counted;

using descriptors = std::vector<vmsig::test::open_descriptor>;

/// What is in `these` and not in `those`, one line each.
unsigned tell_difference(const descriptors& these, const descriptors& those, const char* verdict,
                         const std::string& test_case) {
    unsigned differences = 0;
    for (const auto& d : these) {
        if (std::find(those.begin(), those.end(), d) != those.end()) continue;
        ++differences;
        std::cout << verdict << ": descriptor " << d.number << ", " << d.what << ", by the test \""
                  << test_case << "\"" << std::endl;
    }
    return differences;
}

#if CATCH_VERSION_MAJOR >= 3
using listener_base = Catch::EventListenerBase;
#else
using listener_base = Catch::TestEventListenerBase;
#endif

struct counting_listener : listener_base {
    using listener_base::listener_base;
    void testRunStarting(const Catch::TestRunInfo&) override { counted.ran = true; }
    void testCaseStarting(const Catch::TestCaseInfo&) override {
        counted.skipped_current = false;
        counted.may_leak = false;
        before_ = vmsig::test::open_descriptors();
        allocated_before_ = vmsig::test::allocations_in_turns();
    }
    void testCaseEnded(const Catch::TestCaseStats& stats) override {
        ++counted.cases;
        if (counted.skipped_current) ++counted.skipped;
        const std::string& name = name_of(stats);
        if (const auto n = vmsig::test::allocations_in_turns() - allocated_before_; n != 0) {
            ++counted.broken;
            std::cout << "ALLOCATED: " << n << " times in turns, by the test \"" << name << "\""
                      << std::endl;
        }
        if (counted.may_leak) return;
        const descriptors after = vmsig::test::open_descriptors();
        counted.broken += tell_difference(after, before_, "LEAKED", name);
        counted.broken += tell_difference(before_, after, "CLOSED", name);
    }

private:
    template <class Stats> // a reference in version 2, a pointer in version 3
    static const std::string& name_of(const Stats& stats) {
        if constexpr (std::is_pointer_v<decltype(stats.testInfo)>)
            return stats.testInfo->name;
        else
            return stats.testInfo.name;
    }

    descriptors before_;
    std::uint64_t allocated_before_ = 0;
};

} // namespace

CATCH_REGISTER_LISTENER(counting_listener)

void vmsig::test::mark_skipped(std::string_view why) {
    counted.skipped_current = true;
    std::cout << "SKIPPED: " << why << std::endl;
}

void vmsig::test::leaves_descriptors(std::string_view why) {
    counted.may_leak = true;
    std::cout << "LEAVES DESCRIPTORS: " << why << std::endl;
}

int main(int argc, char** argv) {
    const int result = Catch::Session().run(argc, argv);
    if (!counted.ran) return result; // a listing, or a usage error
    if (result != 0 || counted.cases == 0 || counted.broken != 0) return 1;
    return counted.skipped == counted.cases ? vmsig::test::skip_exit_code : 0;
}
