// Rule: each class of commands is executed by one role; what no adapter executes is the core's.
#include <vmsig/adapter/role.hpp>

#include <support/catch.hpp>

namespace {

using namespace vmsig;

TEST_CASE("the role that executes each class of commands") {
    CHECK(role_of(command_class::input) == role::input);
    CHECK(role_of(command_class::memwrite) == role::memory_writer);
    CHECK(role_of(command_class::power) == role::host_management);
    CHECK(role_of(command_class::query) == role::host_management);
    CHECK(role_of(command_class::memread) == role::sensor); // the core reads
    CHECK(role_of(static_cast<command_class>(200)) == role::sensor);
}

} // namespace
