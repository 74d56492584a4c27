// Rule: an os_error keeps errno and the call that met it; equality is about errno.
#include <vmsig/base/os_error.hpp>

#include <string_view>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("last takes errno as it is now") {
    errno = ENOSPC;
    const os_error error = os_error::last("write");
    errno = 0;
    CHECK(error.code == ENOSPC);
    CHECK(std::string_view{error.operation} == "write");
}

TEST_CASE("errors are equal by their code") {
    CHECK(os_error{EIO, "read"} == os_error{EIO, "write"});
    CHECK_FALSE(os_error{EIO, "read"} == os_error{EPERM, "read"});
}
