// The main of every test executable: Catch's, with an exit code for skipped, and with a run of no
// test case at all counted as a failure.
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"

#include <iostream>

namespace {

struct tally {
    bool ran = false;
    unsigned cases = 0;
    unsigned skipped = 0;
    bool skipped_current = false;
};
tally counted;

#if CATCH_VERSION_MAJOR >= 3
using listener_base = Catch::EventListenerBase;
#else
using listener_base = Catch::TestEventListenerBase;
#endif

struct counting_listener : listener_base {
    using listener_base::listener_base;
    void testRunStarting(const Catch::TestRunInfo&) override { counted.ran = true; }
    void testCaseStarting(const Catch::TestCaseInfo&) override { counted.skipped_current = false; }
    void testCaseEnded(const Catch::TestCaseStats&) override {
        ++counted.cases;
        if (counted.skipped_current) ++counted.skipped;
    }
};

} // namespace

CATCH_REGISTER_LISTENER(counting_listener)

void vmsig::test::mark_skipped(std::string_view why) {
    counted.skipped_current = true;
    std::cout << "SKIPPED: " << why << std::endl;
}

int main(int argc, char** argv) {
    const int result = Catch::Session().run(argc, argv);
    if (!counted.ran) return result; // a listing, or a usage error
    if (result != 0 || counted.cases == 0) return 1;
    return counted.skipped == counted.cases ? vmsig::test::skip_exit_code : 0;
}
