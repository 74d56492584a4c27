// report: where a conformance suite says what it found. Bound to no test framework: the caller's
// sink turns a finding into an assertion of its own.
#pragma once

#include <cstdint>

#include <vmsig/base/function_ref.hpp>

namespace vmsig::testing {

/// One checked expectation. All strings live for ever.
struct finding {
    bool ok = false;
    const char* rule = "";       ///< what is promised, in words
    const char* expression = ""; ///< what was checked
    const char* file = "";
    int line = 0;
};

class report {
public:
    /// Borrows `sink` for its own life; it is called for what holds and for what does not.
    template <class Sink>
    explicit report(Sink& sink)
        : sink_{sink} {}

    /// Says `ok` back, so that a suite can leave a rule whose first step failed.
    bool check(const finding& f) {
        ++checks_;
        failures_ += f.ok ? 0 : 1;
        sink_(f);
        return f.ok;
    }

    std::uint64_t checks() const { return checks_; }
    std::uint64_t failures() const { return failures_; }

private:
    function_ref<void(const finding&)> sink_;
    std::uint64_t checks_ = 0;
    std::uint64_t failures_ = 0;
};

} // namespace vmsig::testing

/// Reports whether the condition holds, under the name of its rule; its value is the condition.
#define VMSIG_EXPECT(report, rule, ...)                                                            \
    (report).check({static_cast<bool>(__VA_ARGS__), rule, #__VA_ARGS__, __FILE__, __LINE__})
