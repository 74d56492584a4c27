// Rule: what is needed to be a reactor, shown by an archetype and by models that lack one thing.
#include <vmsig/reactor/reactor.hpp>

#include <support/catch.hpp>

#include <vmsig/reactor/epoll_reactor.hpp>
#include <vmsig/reactor/manual_reactor.hpp>

using namespace vmsig;

namespace {

using done = expected<void, os_error>;

/// Nothing but the concept.
struct archetype {
    archetype() = delete;
    archetype(archetype&&) = delete;
    done add(int, interests, std::uint64_t);
    done modify(int, interests, std::uint64_t);
    void remove(int) noexcept;
    expected<std::size_t, os_error> wait(std::span<readiness>, bool);
    instant now();
    void arm(instant) noexcept;
    void prepare_sleep();
    void awake();
    void wake() noexcept;
    void ring() noexcept;
    int fd() const;
};

// Each of these hides one operation of the archetype by another that does not do.
struct add_that_cannot_say_why : archetype {
    bool add(int, interests, std::uint64_t);
};
struct add_without_token : archetype {
    done add(int, interests);
};
struct add_that_consumes : archetype {
    struct owned {
        explicit owned(int);
    };
    done add(owned, interests, std::uint64_t);
};
struct modify_that_cannot_say_why : archetype {
    void modify(int, interests, std::uint64_t);
};
struct remove_that_may_throw : archetype {
    void remove(int);
};
struct remove_that_may_fail : archetype {
    done remove(int) noexcept;
};
struct wait_without_error : archetype {
    std::size_t wait(std::span<readiness>, bool);
};
struct wait_that_always_blocks : archetype {
    expected<std::size_t, os_error> wait(std::span<readiness>);
};
struct now_in_integers : archetype {
    std::int64_t now();
};
struct arm_that_may_throw : archetype {
    void arm(instant);
};
struct arm_with_a_length : archetype {
    void arm(duration) noexcept;
};
struct no_declared_sleep : archetype {
    void prepare_sleep() = delete;
};
struct no_withdrawal : archetype {
    void awake() = delete;
};
struct wake_that_may_throw : archetype {
    void wake();
};
struct ring_that_may_throw : archetype {
    void ring();
};
struct fd_that_changes_state : archetype {
    int fd();
};
struct fd_that_may_be_missing : archetype {
    bool fd() const;
};

static_assert(reactor<archetype>);
static_assert(reactor<epoll_reactor<>>);
static_assert(reactor<manual_reactor>);
static_assert(!reactor<int>);
static_assert(!reactor<add_that_cannot_say_why>);
static_assert(!reactor<add_without_token>);
static_assert(!reactor<add_that_consumes>);
static_assert(!reactor<modify_that_cannot_say_why>);
static_assert(!reactor<remove_that_may_throw>);
static_assert(!reactor<remove_that_may_fail>);
static_assert(!reactor<wait_without_error>);
static_assert(!reactor<wait_that_always_blocks>);
static_assert(!reactor<now_in_integers>);
static_assert(!reactor<arm_that_may_throw>);
static_assert(!reactor<arm_with_a_length>);
static_assert(!reactor<no_declared_sleep>);
static_assert(!reactor<no_withdrawal>);
static_assert(!reactor<wake_that_may_throw>);
static_assert(!reactor<ring_that_may_throw>);
static_assert(!reactor<fd_that_changes_state>);
static_assert(!reactor<fd_that_may_be_missing>);

} // namespace

TEST_CASE("the reactor concept is decided at compile time") { SUCCEED("see the assertions above"); }
