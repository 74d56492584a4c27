// Rule: the suite of reactors finds each fault under the name of the rule that it breaks, so that
// the author of a reactor need not guess.
#include <vmsig/testing/reactor_conformance.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <set>
#include <string_view>

#include <support/catch.hpp>

#include "conformance/scripted_driver.hpp"

namespace {

using namespace vmsig;
using vmsig::test::scripted_driver;
using waited = expected<std::size_t, os_error>;
using changed = expected<void, os_error>;

template <class Reactor>
std::set<std::string_view> broken_rules() {
    std::set<std::string_view> rules;
    auto sink = [&rules](const testing::finding& f) {
        if (!f.ok) rules.insert(f.rule);
    };
    testing::report to{sink};
    testing::reactor_conformance([] { return scripted_driver<Reactor>{}; }, to);
    CHECK(to.failures() >= rules.size());
    return rules;
}

/// Says of every watch that it is ready.
struct eager : manual_reactor {
    static constexpr std::array broken{"a watch that is not ready is not told",
                                       "a served watch is silent", "what is not wanted is not told",
                                       "a refused modify adds nothing"};
    waited wait(std::span<readiness> out, bool block) {
        const auto n = manual_reactor::wait(out, block);
        if (!n || *n == out.size()) return n;
        out[*n] = {99, interest::read};
        return *n + 1;
    }
};
/// Never says that anything is ready.
struct silent : manual_reactor {
    static constexpr std::array broken{"a ready watch is told until it is served",
                                       "ready before it was watched is ready",
                                       "what is wanted again is told",
                                       "modify changes the token",
                                       "a batch is no longer than its room",
                                       "remove is total",
                                       "a peer that closed is told unasked",
                                       "a number may be watched anew"};
    waited wait(std::span<readiness> out, bool block) {
        const auto n = manual_reactor::wait(out, block);
        if (!n) return n;
        return 0;
    }
};
/// Its descriptor is always readable.
struct restless : manual_reactor {
    static constexpr std::array broken{"nothing watched, nothing to poll",
                                       "a watch that is not ready is not told",
                                       "a served watch is silent",
                                       "what is not wanted is not told",
                                       "a removed watch is silent",
                                       "an hour ahead is not due",
                                       "never does not come",
                                       "a withdrawn sleep is none",
                                       "one wait takes them all",
                                       "a wake ends one sleep only"};
    bool readable() const { return true; }
};
/// Its descriptor is never readable.
struct unpollable : manual_reactor {
    static constexpr std::array broken{"a ready watch makes fd() readable",
                                       "ready before it was watched is ready",
                                       "re-arming to an earlier time holds",
                                       "due and armed again is due again",
                                       "armed for now is due",
                                       "a wake of a sleeper is seen by a host",
                                       "work that is left makes fd() readable"};
    bool readable() const { return false; }
};
/// Tells its own timer and its own bell as if they were watches.
struct tells_itself : manual_reactor {
    static constexpr std::array broken{
        "a due timer ends a wait", "due and armed again is due again",
        "armed for now is due",    "a wake ends a wait",
        "and ends a wait",         "the reactor's own signals are not told"};
    waited wait(std::span<readiness> out, bool block) {
        const bool own = readable();
        const auto n = manual_reactor::wait(out, block);
        if (!n || *n == out.size() || !own) return n;
        out[*n] = {0, interest::read};
        return *n + 1;
    }
};
/// Tells of a timer that was disarmed, and of a sleep that was withdrawn.
struct tells_late : manual_reactor {
    static constexpr std::array broken{"an hour ahead is not due", "never does not come",
                                       "a withdrawn sleep is none"};
    void arm(instant when) noexcept {
        used_ = true;
        manual_reactor::arm(when);
    }
    void prepare_sleep() noexcept {
        used_ = true;
        manual_reactor::prepare_sleep();
    }
    waited wait(std::span<readiness> out, bool block) {
        const auto n = manual_reactor::wait(out, block);
        if (!n || *n == out.size() || !used_) return n;
        out[*n] = {0, interest::read};
        return *n + 1;
    }

private:
    bool used_ = false;
};
struct keeps_the_token : manual_reactor {
    static constexpr std::array broken{"modify changes the token", "what is wanted again is told"};
    changed modify(int fd, interests what, std::uint64_t) {
        return manual_reactor::modify(fd, what, 7);
    }
};
struct refuses_with_another_errno : manual_reactor {
    static constexpr std::array broken{"modify needs a watch", "a descriptor has one watch",
                                       "no descriptor, no watch"};
    changed add(int fd, interests what, std::uint64_t token) {
        return renamed(manual_reactor::add(fd, what, token));
    }
    changed modify(int fd, interests what, std::uint64_t token) {
        return renamed(manual_reactor::modify(fd, what, token));
    }

private:
    static changed renamed(const changed& done) {
        if (done) return done;
        return unexpected{os_error{EIO, "renamed"}};
    }
};
struct watches_no_descriptor : manual_reactor {
    static constexpr std::array broken{"no descriptor, no watch"};
    changed add(int fd, interests what, std::uint64_t token) {
        if (fd < 0) return {};
        return manual_reactor::add(fd, what, token);
    }
};
struct a_refused_add_renames : manual_reactor {
    static constexpr std::array broken{"a refused add changes nothing"};
    changed add(int fd, interests what, std::uint64_t token) {
        const auto added = manual_reactor::add(fd, what, token);
        if (!added && fd >= 0) (void)manual_reactor::modify(fd, interest::read, token);
        return added;
    }
};
/// A descriptor that is watched anew comes under the token that it had first.
struct remembers_tokens : manual_reactor {
    static constexpr std::array broken{"the token of a removed watch is gone"};
    changed add(int fd, interests what, std::uint64_t token) {
        const auto before = first_.emplace(fd, token).first->second;
        return manual_reactor::add(fd, what, before);
    }

private:
    std::map<int, std::uint64_t> first_;
};
/// The same, with the newest watch told first.
struct remembers_tokens_and_reverses : remembers_tokens {
    waited wait(std::span<readiness> out, bool block) {
        const auto n = remembers_tokens::wait(out, block);
        if (n) std::reverse(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*n));
        return n;
    }
};
struct renames_the_others_when_it_removes : manual_reactor {
    static constexpr std::array broken{"remove is total"};
    void remove(int fd) noexcept {
        if (fd < 0) (void)manual_reactor::modify(101, interest::read, 5);
        manual_reactor::remove(fd);
    }
};
struct loses_readiness_in_modify : manual_reactor {
    static constexpr std::array broken{"modify changes the token", "what is wanted again is told"};
    changed modify(int fd, interests what, std::uint64_t token) {
        clear_ready(fd);
        return manual_reactor::modify(fd, what, token);
    }
};
struct tells_the_first_only : manual_reactor {
    static constexpr std::array broken{"nobody is told twice before all were told once"};
    waited wait(std::span<readiness> out, bool block) {
        auto n = manual_reactor::wait(out, block);
        if (n && *n == 1 && out.size() == 1) out[0].token = 0;
        return n;
    }
};
struct fails_to_wait : manual_reactor {
    static constexpr std::array broken{"wait succeeds", "a batch is no longer than its room"};
    waited wait(std::span<readiness>, bool) { return unexpected{os_error{EIO, "wait"}}; }
};
struct hides_the_hangup : manual_reactor {
    static constexpr std::array broken{"as a hangup"};
    waited wait(std::span<readiness> out, bool block) {
        const auto n = manual_reactor::wait(out, block);
        for (std::size_t i = 0; n && i < *n; ++i) out[i].what = interest::read;
        return n;
    }
};
struct runs_backwards : manual_reactor {
    static constexpr std::array broken{"the clock does not run backwards", "and not early"};
    instant now() noexcept {
        const instant real = manual_reactor::now();
        return real + duration{-(calls_++ * 10'000'000)};
    }

private:
    std::int64_t calls_ = 0;
};

} // namespace

TEMPLATE_TEST_CASE("a reactor's fault is found under the name of the rule that it breaks", "",
                   eager, silent, restless, unpollable, tells_itself, tells_late, keeps_the_token,
                   refuses_with_another_errno, watches_no_descriptor, a_refused_add_renames,
                   remembers_tokens, remembers_tokens_and_reverses,
                   renames_the_others_when_it_removes, loses_readiness_in_modify,
                   tells_the_first_only, fails_to_wait, hides_the_hangup, runs_backwards) {
    const auto rules = broken_rules<TestType>();
    for (const std::string_view rule : TestType::broken) {
        INFO(rule);
        CHECK(rules.count(rule) == 1);
    }
}
