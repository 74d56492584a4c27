// A memctx locator crosses whole, and what is reserved in its tail is 0.
#include <vmsig/transport/locator_codec.hpp>

#include <support/catch.hpp>

#include <vector>

using namespace vmsig;

namespace {

struct locator_crossing {
    std::vector<std::byte> bytes = std::vector<std::byte>(4096);
    memctx_locator back;

    explicit locator_crossing(const memctx_locator& l) {
        wire::writer to{bytes};
        wire::memctx f;
        f.endpoint = l.endpoint;
        wire::put_locator(to, f, l);
        bytes.resize(to.size());
    }
    bool arrives() {
        std::span<const std::byte> datagram{bytes};
        wire::frame_view v;
        wire::memctx f;
        back = {};
        return wire::next_frame(datagram, v) && wire::get_locator(v, f, back);
    }
};

memctx_locator sample_locator() {
    memctx_locator l;
    l.endpoint = endpoint_id::make(3, 4);
    l.epoch = {5};
    l.version = {6};
    l.paging = paging_mode::aarch64_4k;
    l.level = export_level::sealed;
    l.fd_count = 1;
    CHECK(l.add(ram_region{0x1000, 0x2000, 0x3000, 0}));
    CHECK(l.add(address_space_root{0x4000, 0x5000, 0x19'0010, instant{7}, 8}));
    return l;
}

} // namespace

TEST_CASE("locator: regions and roots cross, with all that a walk goes by") {
    const memctx_locator sent = sample_locator();
    locator_crossing c{sent};
    REQUIRE(c.arrives());
    CHECK(c.back.endpoint == sent.endpoint);
    CHECK(c.back.epoch == sent.epoch);
    CHECK(c.back.version == sent.version);
    CHECK(c.back.paging == sent.paging);
    CHECK(c.back.level == sent.level);
    CHECK(c.back.fd_count == sent.fd_count);
    REQUIRE(c.back.region_count == 1);
    CHECK(c.back.region_table[0] == sent.region_table[0]);
    REQUIRE(c.back.root_count == 1);
    CHECK(c.back.root_table[0] == sent.root_table[0]);
}

TEST_CASE("locator: reserved fields of its tail other than 0 are refused") {
    memctx_locator l = sample_locator();
    l.region_table[0].reserved = 1;
    CHECK_FALSE(locator_crossing{l}.arrives());
    l = sample_locator();
    l.root_table[0].reserved = 1;
    CHECK_FALSE(locator_crossing{l}.arrives());
}
