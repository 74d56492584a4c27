// A command fits two cache lines; each verb has one class, and each class one right and at most one
// lease.
#include <vmsig/event/command.hpp>

#include <array>
#include <type_traits>

#include <support/catch.hpp>

using namespace vmsig;

static_assert(sizeof(command) <= 128 && std::is_trivially_copyable_v<command>);
static_assert(sizeof(memory_access) <= sizeof(input_change) * inline_changes);

namespace {
struct row {
    verb what;
    command_class in;
    right needs;
    bool lease;
};
constexpr std::array rows{
    row{verb::input, command_class::input, right::input, true},
    row{verb::start, command_class::power, right::power, true},
    row{verb::pause, command_class::power, right::power, true},
    row{verb::resume, command_class::power, right::power, true},
    row{verb::reset, command_class::power, right::power, true},
    row{verb::power_button, command_class::power, right::power, true},
    row{verb::power_off, command_class::power, right::power, true},
    row{verb::snapshot_save, command_class::power, right::power, true},
    row{verb::snapshot_restore, command_class::power, right::power, true},
    row{verb::status, command_class::query, right::observe, false},
    row{verb::mem_write, command_class::memwrite, right::memwrite, true},
    row{verb::mem_read, command_class::memread, right::memread, false},
};
} // namespace

TEST_CASE("command: the class, right and lease of every verb") {
    static_assert(rows.size() == static_cast<unsigned>(verb::mem_read), "every verb but none");
    for (const row& r : rows) {
        INFO(static_cast<int>(r.what));
        CHECK(class_of(r.what) == r.in);
        CHECK(right_of(class_of(r.what)) == r.needs);
        CHECK(needs_lease(class_of(r.what)) == r.lease);
    }
}

TEST_CASE("command: the first command classes are the lease classes") {
    for (unsigned n = 0; n < lease_class_count; ++n) {
        CHECK(needs_lease(static_cast<command_class>(n)));
        CHECK(right_of(static_cast<command_class>(n)) == right_of(static_cast<lease_class>(n)));
    }
    for (unsigned n = lease_class_count; n < command_class_count; ++n)
        CHECK_FALSE(needs_lease(static_cast<command_class>(n)));
}

TEST_CASE("command: a default one does nothing, at no time, for nobody") {
    constexpr command c;
    CHECK(c.verb == verb::none);
    CHECK_FALSE(c.endpoint);
    CHECK_FALSE(c.serial);
    CHECK_FALSE(c.epoch);
    CHECK_FALSE(c.deadline);
    CHECK_FALSE(c.not_before);
    CHECK_FALSE(c.hold);
    CHECK(c.changes == 0);
}

TEST_CASE("command: what is no command class needs no lease, and at least the right to look") {
    CHECK_FALSE(needs_lease(static_cast<command_class>(200)));
    CHECK(right_of(static_cast<command_class>(200)) == right::observe);
}
