// Rule: what is needed to be a control, shown by archetypes and by models that lack one thing.
#include <vmsig/control/control.hpp>

#include <support/catch.hpp>

#include <vmsig/control/table.hpp>

using namespace vmsig;

namespace {

/// Nothing but the concept.
struct archetype {
    archetype() = delete;
    archetype(archetype&&) = delete;
    void on_event(const event&, control_handle);
};
struct with_fd : archetype {
    int fd() const;
    void on_ready(interests, control_handle);
};
struct with_flush : archetype {
    void flush(control_handle);
};
struct with_farewell : archetype {
    void on_detached();
};

static_assert(control<archetype> && !control_with_fd<archetype> && !control_with_flush<archetype> &&
              !control_with_farewell<archetype>);
static_assert(control_with_fd<with_fd> && control_with_flush<with_flush> &&
              control_with_farewell<with_farewell>);

// Each of these lacks one thing.
struct without_on_event {};
struct on_event_without_handle {
    void on_event(const event&);
};
struct on_event_that_changes_the_event {
    void on_event(event&, control_handle);
};
struct on_event_that_is_private {
private:
    void on_event(const event&, control_handle);
};
struct fd_without_on_ready : archetype {
    int fd() const;
};
struct on_ready_without_fd : archetype {
    void on_ready(interests, control_handle);
};
struct fd_that_is_none : archetype {
    void fd() const;
    void on_ready(interests, control_handle);
};
struct flush_without_handle : archetype {
    void flush();
};

static_assert(!control<without_on_event>);
static_assert(!control<on_event_without_handle>);
static_assert(!control<on_event_that_changes_the_event>);
static_assert(!control<on_event_that_is_private>);
static_assert(!control_with_fd<fd_without_on_ready>);
static_assert(!control_with_fd<on_ready_without_fd>);
static_assert(!control_with_fd<fd_that_is_none>);
static_assert(!control_with_flush<flush_without_handle>);

struct plain {
    int events = 0;
    void on_event(const event&, control_handle) { ++events; }
};
struct thrower {
    void on_event(const event&, control_handle) { throw 1; }
    void on_detached() { throw 2; }
};

} // namespace

TEST_CASE("the table has the functions that the control has, and null for the others") {
    constexpr const control_table& t = control_table_for<plain>::value;
    CHECK(t.deliver != nullptr);
    CHECK(t.on_detached == nullptr);
    CHECK(t.on_ready == nullptr);
    CHECK(t.flush == nullptr);
    plain p;
    control_binding b{&p, {}};
    t.deliver(&b, event{});
    CHECK(p.events == 1);
}

TEST_CASE("the table is where an exception stops") {
    thrower x;
    control_binding b{&x, {}};
    CHECK_NOTHROW(control_table_for<thrower>::value.deliver(&b, event{}));
    CHECK_NOTHROW(control_table_for<thrower>::value.on_detached(&b));
}
