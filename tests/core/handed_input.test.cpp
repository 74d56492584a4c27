// Rule: input that an adapter was given and has not taken yet loses nothing and leaves nothing
// down, whatever comes between.
#include "harness.hpp"

#include <map>

using namespace vmsig;
using namespace vmsig::test;

namespace {

input_change key_down(std::uint16_t k) { return input_change::key(k, true); }
input_change key_up(std::uint16_t k) { return input_change::key(k, false); }

/// One who holds input and power of a machine.
struct driven : bench<> {
    machine m;
    agent a;
    lease keys, host;
    std::map<int, bool> key; ///< as the machine sees them
    driven() {
        bus.attach_adapter(m, vm);
        keys = own(a, lease_class::input);
        host = a.bus.acquire(vm, lease_class::power).lease;
    }
    void see(std::span<const input_change> frame) {
        for (const input_change& c : frame) key[c.code] = c.value != 0;
    }
    void see_released() { see(std::exchange(m.released, {})); }
};

} // namespace

TEST_CASE("a release after a press that was handed and not taken is not lost") {
    driven w;
    w.m.does = habit::leave;
    REQUIRE(w.a.bus.submit(frame_of(w.keys, {key_down(KEY_A)})));
    w.settle();
    const auto release = w.a.bus.submit(frame_of(w.keys, {key_up(KEY_A)})).id;
    w.settle();
    CHECK(w.a.outcome_of(release) == outcome::none);
    for (const fenced_command& c : std::vector(w.m.waiting))
        if (w.m.take(c)) w.m.bus.complete(c.id());
    for (const auto& e : w.m.executed) w.see(e.frame);
    REQUIRE(w.m.executed.size() == 2);
    CHECK_FALSE(w.key[KEY_A]);
}

TEST_CASE("what is left of a frame when it is taken may be nothing, and it is done") {
    driven w;
    w.m.does = habit::leave;
    for (int i = 0; i < 2; ++i) REQUIRE(w.a.bus.submit(frame_of(w.keys, {key_down(KEY_A)})));
    w.settle();
    REQUIRE(w.m.waiting.size() == 2);
    const std::vector<fenced_command> handed = w.m.waiting;
    REQUIRE(w.m.take(handed[0]));
    w.m.bus.complete(handed[0].id());
    CHECK_FALSE(w.m.take(handed[1]));
    w.settle();
    CHECK(w.a.outcome_of(handed[1].id()) == outcome::done);
}

TEST_CASE("input waits for the end of a commanded restore, and is not swept away by its releases") {
    driven w;
    std::vector<fenced_command> handed;
    handed.reserve(4);
    w.m.on_execute = [&](fenced_command c, adapter_handle) { handed.push_back(c); };
    REQUIRE(w.a.bus.submit(power(w.host, verb::snapshot_restore)));
    w.settle();
    REQUIRE(handed.size() == 1);
    REQUIRE(handed[0].take());
    REQUIRE(w.a.bus.submit(frame_of(w.keys, {key_down(KEY_A)})));
    w.settle();
    CHECK(handed.size() == 1);
    w.m.accepts = 0;
    w.m.bus.complete(handed[0].id()); // modifiers and buttons are owed now
    w.settle();
    CHECK(handed.size() == 1);
    w.m.accepts = ~std::size_t{0};
    w.m.bus.input_ready();
    w.settle();
    REQUIRE(handed.size() == 2);
    w.see_released();
    const auto got = handed[1].take();
    REQUIRE(got);
    w.see(got->frame);
    w.m.bus.complete(handed[1].id());
    w.settle();
    w.see_released();
    CHECK(w.key[KEY_A]);
}

TEST_CASE("half a hold that is taken inside the neutral of a reset leaves nothing down") {
    driven w;
    REQUIRE(w.a.bus.submit(frame_of(w.keys, {key_down(KEY_A)})));
    w.settle();
    REQUIRE(w.a.bus.submit(frame_of(w.keys, {key_down(KEY_B)}).hold(milliseconds(5))));
    w.settle();
    w.key = {{KEY_A, true}, {KEY_B, true}};
    w.m.does = habit::leave; // the release of B is handed and not taken
    w.advance(milliseconds(10));
    REQUIRE(w.m.waiting.size() == 1);
    w.m.accepts = 1;
    w.m.on_neutral = [&] {
        for (auto c : std::exchange(w.m.waiting, {}))
            if (const auto got = c.take()) w.see(got->frame);
        w.m.on_neutral = {};
    };
    w.m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
    w.m.accepts = ~std::size_t{0};
    w.m.bus.input_ready();
    w.settle();
    w.a.bus.release(w.keys);
    w.settle();
    w.see_released();
    CHECK_FALSE(w.key[KEY_A]);
    CHECK_FALSE(w.key[KEY_B]);
}

TEST_CASE("a second safety release that is accepted whole pays what the first one owed") {
    driven w;
    w.m.does = habit::later;
    REQUIRE(w.a.bus.submit(power(w.host, verb::snapshot_restore)));
    w.settle();
    w.m.accepts = 0;
    w.m.bus.emit(lifecycle{transition::restored, cause::host, {}, 0});
    w.m.accepts = ~std::size_t{0};
    w.m.bus.complete(w.m.last_id());
    w.settle();
    w.m.does = habit::complete;
    const auto id = w.a.bus.submit(frame_of(w.keys, {key_down(KEY_A)})).id;
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
}
