// How often a test repeats what it races with another thread. VMSIG_TEST_REPETITIONS lowers it
// where each one is slow, as under valgrind, which runs one thread at a time and changes it seldom.
#pragma once

#include <cstdlib>
#include <iostream>

namespace vmsig::test {

/// `usual`, or as many as the environment says, and then it prints so.
inline int repetitions(int usual) {
    const char* said = std::getenv("VMSIG_TEST_REPETITIONS");
    const int fewer = said ? std::atoi(said) : 0;
    if (fewer <= 0 || fewer >= usual) return usual;
    std::cout << "REPEATED: " << fewer << " times instead of " << usual
              << ", by VMSIG_TEST_REPETITIONS" << std::endl;
    return fewer;
}

} // namespace vmsig::test
