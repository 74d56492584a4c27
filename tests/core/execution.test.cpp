// Rule: accepted commands are handed over first in, first out per (control, endpoint, class, lane)
// among those eligible, every right is checked again when they begin, and each ends in exactly one
// receipt.
#include "staffed.hpp"

using namespace vmsig;
using namespace vmsig::test;

using codes = std::vector<std::uint16_t>;
using ids = std::vector<correlation_id>;

TEST_CASE("accepted is not done: nothing runs inside submit") {
    staffed w;
    const auto id = w.submit(query_status(w.vm));
    CHECK(w.m.executed.empty());
    CHECK(w.a.log.empty());
    CHECK(w.bus.reactor().readable());
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("commands of one key are handed over first in, first out") {
    staffed w;
    ids sent;
    for (int i = 0; i < 50; ++i) sent.push_back(w.submit(query_status(w.vm)));
    w.settle();
    CHECK(w.order() == sent);
}

TEST_CASE("inside a lane, controls are served in turn") {
    staffed w;
    std::vector<origin_id> served;
    served.reserve(13);
    w.m.on_execute = [&](fenced_command c, adapter_handle bus) {
        served.push_back(w.m.take(c) ? w.a.bus.origin() : origin_id{});
        bus.complete(c.id());
    };
    ids of_a;
    for (int i = 0; i < 10; ++i) of_a.push_back(w.submit(query_status(w.vm)));
    ids of_b;
    for (int i = 0; i < 3; ++i) of_b.push_back(w.b.bus.submit(query_status(w.vm)).id);
    w.settle();
    const ids got = w.order();
    REQUIRE(got.size() == 13);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto at = std::find(got.begin(), got.end(), of_b[i]) - got.begin();
        CHECK(at <= static_cast<std::ptrdiff_t>(2 * i + 1));
    }
}

TEST_CASE("a higher lane overtakes, and the lane is clamped by the grant") {
    staffed w;
    const auto low = w.submit(query_status(w.vm).on(lane::bulk));
    const auto high = w.submit(query_status(w.vm).on(lane::high));
    const auto wished = w.submit(query_status(w.vm).on(lane::safety)); // the grant says: high
    w.settle();
    CHECK(w.order() == ids{high, wished, low});
}

TEST_CASE("a command that follows another begins when that has completed, however it ended") {
    staffed w;
    w.m.does = habit::later;
    const auto first = w.submit(query_status(w.vm));
    const auto second = w.submit(query_status(w.vm).following(first));
    const auto third = w.submit(query_status(w.vm).following(second));
    w.settle();
    CHECK(w.order() == ids{first});
    w.m.bus.complete(first, completion::failed(failure::io, EIO));
    w.settle();
    CHECK(w.order() == ids{first, second});
    w.m.does = habit::complete;
    w.m.bus.complete(second);
    w.settle();
    CHECK(w.a.outcome_of(first) == outcome::failed);
    CHECK(w.a.outcome_of(third) == outcome::done);
    const auto fourth = w.submit(query_status(w.vm).following(first)); // over long ago
    w.settle();
    CHECK(w.a.outcome_of(fourth) == outcome::done);
}

TEST_CASE("cancelling what another follows lets it go") {
    staffed w;
    const auto first = w.submit(query_status(w.vm).delayed(seconds(5)));
    const auto second = w.submit(query_status(w.vm).following(first));
    w.settle();
    CHECK(w.a.bus.cancel(first) == cancel_result::cancelled);
    w.settle();
    CHECK(w.a.outcome_of(first) == outcome::cancelled);
    CHECK(w.a.outcome_of(second) == outcome::done);
}

TEST_CASE("cancel: cancelled before it has begun, too late after, and for what is not one's own") {
    staffed w;
    w.m.does = habit::later;
    const auto first = w.submit(query_status(w.vm));
    CHECK(w.b.bus.cancel(first) == cancel_result::too_late);
    w.settle();
    CHECK(w.a.bus.cancel(first) == cancel_result::too_late);
    const auto second = w.submit(query_status(w.vm));
    CHECK(w.a.bus.cancel(second) == cancel_result::cancelled);
    CHECK(w.a.bus.cancel(second) == cancel_result::too_late);
    CHECK(w.a.outcome_of(second) == outcome::cancelled);
    CHECK(w.a.bus.cancel(correlation_id::make(3, 12345)) == cancel_result::too_late);
    w.m.bus.complete(first);
    CHECK(w.a.outcome_of(first) == outcome::done);
}

TEST_CASE("a handed command is pending until it is taken or has ended, for its adapter alone") {
    staffed w;
    std::vector<fenced_command> handed;
    handed.reserve(2);
    sensor other;
    w.bus.attach_adapter(other, w.vm);
    w.m.on_execute = [&](fenced_command c, adapter_handle) { handed.push_back(c); };
    const auto cancelled = w.submit(press(w.keys, KEY_A));
    w.submit(press(w.keys, KEY_B));
    w.settle();
    REQUIRE(handed.size() == 2);
    CHECK(handed[0].pending());
    CHECK(w.a.bus.cancel(cancelled) == cancel_result::cancelled);
    CHECK_FALSE(handed[0].pending());
    CHECK(handed[1].pending());
    CHECK_FALSE(fenced_command{other.bus, handed[1].id()}.pending());
    REQUIRE(handed[1].take());
    CHECK_FALSE(handed[1].pending());
    w.m.bus.complete(handed[1].id());
    CHECK_FALSE(handed[1].pending());
}

TEST_CASE("the right is checked again when execution begins: narrowed in between, revoked") {
    staffed w;
    const auto queued = w.submit(power(w.host, verb::pause));
    w.bus.set_grant(w.a.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    CHECK(w.a.outcome_of(queued) == outcome::revoked);
    w.settle();
    CHECK(w.m.executed.empty());
}

TEST_CASE("begun commands survive the loss of grant, lease and epoch, and end truly") {
    staffed w;
    w.m.does = habit::later;
    const auto id = w.submit(press(w.keys, KEY_A));
    w.settle();
    w.m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
    w.a.bus.release(w.keys);
    w.bus.set_grant(w.a.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    CHECK(w.a.outcome_of(id) == outcome::none);
    w.m.bus.complete(id);
    CHECK(w.a.outcome_of(id) == outcome::done);
}

TEST_CASE("of several reasons the stronger one is the outcome") {
    staffed w;
    // Everything at once, seen by the adapter's take; each line removes the strongest.
    const auto outcome_after = [&](bool revoke, bool release, bool stale) {
        staffed v;
        v.m.does = habit::leave;
        v.m.waiting.reserve(4);
        v.bus.set_pace(v.vm, command_class::input, duration{});
        const auto id = v.submit(press(v.keys, KEY_A).within(milliseconds(1)));
        v.m.on_execute = [&](fenced_command c, adapter_handle) { v.m.waiting.push_back(c); };
        v.settle();
        sensor s;
        v.bus.attach_adapter(s, v.vm);
        // Inside one change: a callback, so that nothing is delivered in between.
        v.bus.reactor().advance(milliseconds(2));
        if (revoke)
            v.bus.set_grant(v.a.bus.origin(), grant{}.on(v.vm).allow(right::observe));
        else if (release)
            v.a.bus.release(v.keys);
        else if (stale)
            s.happened(transition::reset);
        v.settle();
        return v.a.outcome_of(id);
    };
    CHECK(outcome_after(true, true, true) == outcome::revoked);
    CHECK(outcome_after(false, true, true) == outcome::lease_lost);
    CHECK(outcome_after(false, false, true) == outcome::stale_epoch);
    CHECK(outcome_after(false, false, false) == outcome::expired);
}

TEST_CASE("a second completion is ignored, and so is one after the end or by another adapter") {
    staffed w;
    w.m.does = habit::twice;
    const auto id = w.submit(query_status(w.vm));
    w.settle();
    CHECK(w.a.outcome_of(id) == outcome::done);
    w.m.bus.complete(id, completion::failed(failure::io));
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    w.m.does = habit::later;
    const auto next = w.submit(query_status(w.vm));
    w.settle();
    s.bus.complete(next);
    w.m.bus.complete(id);
    w.settle();
    CHECK(w.a.outcome_of(next) == outcome::none);
    CHECK(w.a.receipts_of(id).size() == 1);
}

TEST_CASE("an adapter that says done without having taken it is not believed") {
    staffed w;
    w.m.does = habit::lie;
    const auto lie = w.submit(query_status(w.vm));
    w.settle();
    CHECK(w.a.outcome_of(lie) == outcome::adapter_fault);
    w.m.does = habit::decline;
    const auto declined = w.submit(query_status(w.vm));
    w.settle();
    CHECK(w.a.outcome_of(declined) == outcome::failed);
    CHECK(w.a.receipts_of(declined)[0].failure == failure::unavailable);
    CHECK(w.a.receipts_of(declined)[0].begun == 0);
}

TEST_CASE("what an adapter says of a failure reaches the receipt") {
    staffed w;
    w.m.does = habit::fail;
    const auto id = w.submit(query_status(w.vm));
    w.settle();
    const receipt r = w.a.receipts_of(id).at(0);
    CHECK(r.outcome == outcome::failed);
    CHECK(r.failure == failure::io);
    CHECK(r.error == EIO);
    CHECK(r.begun == 1);
    CHECK(r.verb == verb::status);
}

TEST_CASE("commands of a detached control end in one record each and nothing is delivered") {
    staffed w;
    w.m.does = habit::later;
    const auto begun = w.submit(power(w.host, verb::pause));
    w.settle();
    const auto queued = w.submit(power(w.host, verb::resume));
    w.bus.detach(w.a.bus.origin());
    const std::size_t logged = w.a.log.size();
    w.settle();
    w.m.bus.complete(begun);
    w.settle();
    CHECK(w.a.log.size() == logged);
    for (const auto id : {begun, queued}) {
        int ended = 0;
        for (const audit_record& r : w.records(decision::command_ended))
            if (r.correlation == id) {
                ++ended;
                CHECK(r.verdict == static_cast<std::uint8_t>(outcome::issuer_gone));
            }
        CHECK(ended == 1);
    }
}

TEST_CASE("a long frame and a long write reach the adapter whole") {
    staffed w;
    std::vector<input_change> frame;
    for (std::uint16_t k = KEY_Q; k <= KEY_P; ++k) frame.push_back(input_change::key(k, true));
    REQUIRE(w.a.bus.submit(frame_of(w.keys, {}), std::as_bytes(std::span{frame})));
    std::vector<std::byte> bytes(100, std::byte{7});
    REQUIRE(w.a.bus.submit(write_memory(w.writes, {0x100, 0}, 100, write_mode::paused), bytes));
    w.settle();
    REQUIRE(w.m.executed.size() == 2);
    CHECK(w.m.executed[0].frame == frame);
    CHECK(w.m.executed[1].bulk == bytes);
    CHECK(w.a.all<receipt>().size() == 2);
}
