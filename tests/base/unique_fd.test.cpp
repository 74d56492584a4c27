// Rule: a unique_fd closes what it owns, once, and nothing that it gave away.
#include <vmsig/base/unique_fd.hpp>

#include <fcntl.h>

#include <type_traits>

#include <support/catch.hpp>

#include <support/fd_count.hpp>

using namespace vmsig;

namespace {

int fresh() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE(fd >= 0);
    return fd;
}
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

} // namespace

TEST_CASE("scope end closes") {
    const int before = test::open_fd_count();
    int number = -1;
    {
        const unique_fd fd{fresh()};
        number = fd.get();
        CHECK(fd);
        CHECK(is_open(number));
    }
    CHECK_FALSE(is_open(number));
    CHECK(test::open_fd_count() == before);
}

TEST_CASE("none is owned by default, and closing it is nothing") {
    const int before = test::open_fd_count();
    unique_fd fd;
    CHECK_FALSE(fd);
    CHECK(fd.get() == -1);
    fd.reset();
    CHECK(test::open_fd_count() == before);
}

TEST_CASE("a release gives up without closing") {
    unique_fd fd{fresh()};
    const int number = fd.release();
    CHECK_FALSE(fd);
    CHECK(is_open(number));
    ::close(number);
}

TEST_CASE("a move has one owner, and an assignment closes the former") {
    unique_fd a{fresh()};
    unique_fd b{fresh()};
    const int first = a.get();
    const int second = b.get();
    unique_fd c{std::move(a)};
    CHECK(a.get() == -1); // NOLINT(bugprone-use-after-move): what is shown
    CHECK(c.get() == first);
    c = std::move(b);
    CHECK_FALSE(is_open(first));
    CHECK(is_open(second));
    CHECK(c.get() == second);
    auto& self = c;
    c = std::move(self);
    CHECK(c.get() == second);
    CHECK(is_open(second));
}

TEST_CASE("a reset closes the former and owns the new") {
    unique_fd fd{fresh()};
    const int first = fd.get();
    const int second = fresh();
    fd.reset(second);
    CHECK_FALSE(is_open(first));
    CHECK(fd.get() == second);
}

TEST_CASE("descriptor 0 is one like any other") {
    unique_fd fd{0};
    CHECK(fd);
    CHECK(fd.release() == 0);
}

TEST_CASE("a descriptor is never copied by accident") {
    STATIC_REQUIRE(!std::is_copy_constructible_v<unique_fd>);
    STATIC_REQUIRE(!std::is_copy_assignable_v<unique_fd>);
    STATIC_REQUIRE(!std::is_convertible_v<int, unique_fd>);
    STATIC_REQUIRE(!std::is_convertible_v<unique_fd, int>);
}
