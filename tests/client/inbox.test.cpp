// What a server sends is taken apart with care: it may be anybody's.
#include <vmsig/client/inbox.hpp>

#include <support/catch.hpp>

#include <fcntl.h>

#include <vmsig/transport/locator_codec.hpp>

using namespace vmsig;

TEST_CASE("inbox: the descriptors of a datagram are those of its first memctx alone") {
    inbox box;
    std::vector<std::byte> bytes(1024);
    wire::writer to{bytes};
    wire::put_frame(to, wire::welcome{});
    for (const std::uint32_t request : {1u, 2u}) {
        memctx_locator l;
        l.fd_count = 1;
        wire::memctx f;
        f.request = request;
        f.fds_included = true;
        wire::put_locator(to, f, l);
        box.expect(request);
    }
    unique_fd fds[1] = {unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}};
    REQUIRE(fds[0]);
    REQUIRE(box.receive(std::span{bytes}.first(to.size()), fds, false));
    REQUIRE(box.answered(1));
    CHECK(box.answered(1)->back().fd_count == 1);
    CHECK(box.answered(1)->back().fds[0]);
    REQUIRE(box.answered(2));
    CHECK(box.answered(2)->back().fd_count == 0);
}
