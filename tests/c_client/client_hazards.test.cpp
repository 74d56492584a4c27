// A struct whose size was never set is refused, and nothing beyond it is read or written.
#include <vmsig/client.h>

#include <cstring>
#include <memory>

#include <support/catch.hpp>

#include <client/served_thread.hpp>

namespace {

/// A struct with what no call may touch behind it.
template <class Struct>
struct guarded_struct {
    Struct is{};
    unsigned char behind[256];

    guarded_struct() { std::memset(behind, 0xa5, sizeof behind); }
    bool whole() const {
        return std::all_of(std::begin(behind), std::end(behind),
                           [](unsigned char b) { return b == 0xa5; });
    }
};

} // namespace

TEST_CASE(
    "c_client: a size that was never set is an argument's error, and nothing is overwritten") {
    vmsig::test::served_thread w;
    vmsig_client* c = nullptr;
    REQUIRE(vmsig_client_connect(w.path().c_str(), nullptr, &c, nullptr) == VMSIG_OK);
    std::uint64_t vm = 0;
    vmsig_event first = VMSIG_EVENT_INIT;
    while (first.kind != VMSIG_KIND_REPLAY_END)
        REQUIRE(vmsig_client_next_event(c, 20'000'000'000, &first) == VMSIG_OK);
    REQUIRE(vmsig_client_find(c, "build-7", &vm) == VMSIG_OK);
    for (const std::uint32_t size : {UINT32_MAX, 0x7ffc0de0u, 0x5555'5555u}) {
        guarded_struct<vmsig_statistics> s;
        s.is.size = size;
        CHECK(vmsig_client_statistics(c, vm, &s.is) == VMSIG_ERROR_ARGUMENT);
        CHECK(s.whole());
        guarded_struct<vmsig_lease_status> l;
        l.is.size = size;
        CHECK(vmsig_client_status(c, vm, VMSIG_LEASE_INPUT, &l.is) == VMSIG_ERROR_ARGUMENT);
        CHECK(l.whole());
        guarded_struct<vmsig_command> k;
        k.is.size = size;
        CHECK(vmsig_client_submit(c, &k.is, nullptr) == VMSIG_ERROR_ARGUMENT);
    }
    vmsig_client_close(c);
}
