// What a server sends is taken apart with care: it may be anybody's.
#include <vmsig/client/inbox.hpp>

#include <support/alloc_guard.hpp>
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
    REQUIRE(box.receive(std::span{bytes}.first(to.size()), fds));
    REQUIRE(box.answered(1));
    CHECK(box.answered(1)->fds().size() == 1);
    CHECK(box.answered(1)->fds()[0]);
    REQUIRE(box.answered(2));
    CHECK(box.answered(2)->fds().empty());
}

TEST_CASE("inbox: a request takes the memory of the one before, and nothing of what was in it") {
    inbox box;
    std::vector<std::byte> bytes(256);
    wire::writer hello{bytes};
    wire::put_frame(hello, wire::welcome{});
    REQUIRE(box.receive(std::span{bytes}.first(hello.size()), {}));
    const auto ask = [&](refusal why) {
        const std::uint32_t request = box.ask();
        const bool early = box.answered(request) != nullptr;
        wire::writer to{bytes};
        wire::put_frame(to, wire::answer{request, why, {}});
        const bool taken = box.receive(std::span{bytes}.first(to.size()), {});
        answers* const got = box.answered(request);
        wire::answer a;
        std::span<const std::byte> rest;
        const bool right = got && got->size() == 1 && wire::parse(got->back(), a, rest) &&
                           a.request == request && a.why == why;
        box.forget(request);
        return !early && taken && right && !box.answered(request);
    };
    REQUIRE(ask(refusal::denied));
    bool all = true;
    const auto allocated = test::allocations_in([&] {
        for (int n = 0; n < 100; ++n) all = all && ask(n % 2 == 0 ? refusal::none : refusal::busy);
    });
    CHECK(all);
    CHECK(allocated == 0);
}
