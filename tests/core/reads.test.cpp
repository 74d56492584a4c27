// Rule: the bus reads memory for a control in the epoch and under the right that hold when it
// reads, no more than a block at once; and who may read memory is told when it is written.
#include "harness.hpp"

#include <sys/stat.h>

#include <cerrno>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// A provider that calls the test while it is asked, once.
struct asked : memory_device {
    std::function<void()> on_describe, on_share;
    expected<memctx_locator, os_error> describe() {
        if (const auto f = std::exchange(on_describe, {}); f && !test_over) f();
        return device::describe();
    }
    expected<ram_fds, os_error> share_fds() {
        if (const auto f = std::exchange(on_share, {}); f && !test_over) f();
        return device::share_fds();
    }
};

struct readable : bench<> {
    agent a, reader;
    asked m;
    readable() {
        m.republishes = true;
        bus.attach_adapter(m, vm);
        join(a, full(vm));
        join(reader, grant{}.on(vm).allow(right::memread));
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        settle();
    }
    correlation_id read(std::uint32_t bytes = 8) {
        const auto s = reader.bus.submit(read_memory(vm, {0, 0}, bytes));
        REQUIRE(s.why == refusal::none);
        return s.id;
    }
    void reset() { m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0}); }
};

struct failing_reads : fd_calls {
    static ssize_t pread(int, void*, std::size_t, off_t) {
        errno = EIO;
        return -1;
    }
};
struct unreadable_traits : test_traits {
    using fd_calls = failing_reads;
};

} // namespace

TEST_CASE("a read that is too long for a block, or of nothing, is invalid") {
    readable w;
    constexpr std::uint32_t most = small_limits::payload_bytes;
    std::vector<std::uint32_t> told;
    told.reserve(4);
    w.reader.script = [&](const event& e, control_handle bus) {
        if (e.is(kind::receipt))
            told.push_back(static_cast<std::uint32_t>(bus.bytes(e.payload).size()));
    };
    for (const std::uint32_t bytes : {most + 1, 2 * most, ~std::uint32_t{0}, 0u})
        CHECK(w.reader.bus.submit(read_memory(w.vm, {0, 0}, bytes)).why == refusal::invalid);
    CHECK(w.bus.pending_of(w.reader.bus.origin()) == 0);
    const auto longest = w.read(most);
    const auto shortest = w.read(1);
    w.settle();
    CHECK(w.reader.outcome_of(longest) == outcome::done);
    CHECK(w.reader.receipts_of(longest).at(0).bytes == most);
    CHECK(w.reader.receipts_of(shortest).at(0).bytes == 1);
    REQUIRE(told.size() == 2);
    CHECK(told[0] >= most);
}

TEST_CASE("a read during which the provider is reset is stale and shows nothing") {
    for (const bool in_share : {false, true}) {
        readable w;
        std::size_t bytes = 0;
        w.reader.script = [&](const event& e, control_handle bus) {
            if (e.is(kind::receipt)) bytes += e.payload_size + bus.bytes(e.payload).size();
        };
        (in_share ? w.m.on_share : w.m.on_describe) = [&] { w.reset(); };
        const auto id = w.read();
        w.settle();
        CHECK(w.reader.outcome_of(id) == outcome::stale_epoch);
        CHECK(w.reader.receipts_of(id).at(0).begun == 0);
        CHECK(bytes == 0);
        const auto again = w.read();
        w.settle();
        CHECK(w.reader.outcome_of(again) == outcome::done);
        CHECK(bytes > 0);
    }
}

TEST_CASE("a read during which its issuer loses the right, cancels or leaves ends once, by that") {
    for (const int what : {0, 1, 2, 3}) {
        readable w;
        correlation_id id;
        w.m.on_share = [&] {
            if (what == 0)
                w.bus.set_grant(w.reader.bus.origin(), grant{}.on(w.vm).allow(right::observe));
            if (what == 1) CHECK(w.reader.bus.cancel(id) == cancel_result::cancelled);
            if (what == 2) w.bus.remove_endpoint(w.vm);
            if (what == 3) w.bus.detach(w.reader.bus.origin());
        };
        id = w.read();
        w.settle();
        const outcome expected[] = {outcome::revoked, outcome::cancelled, outcome::endpoint_gone,
                                    outcome::none};
        CHECK(w.reader.outcome_of(id) == expected[what]);
        int ended = 0;
        for (const audit_record& r : w.records(decision::command_ended))
            if (r.correlation == id) {
                ++ended;
                CHECK(r.flags == 0);
            }
        CHECK(ended == 1);
    }
}

TEST_CASE("a write is told to whoever has memctx alone or memread alone, and to nobody else") {
    readable w;
    agent shown, blind, writer;
    w.join(shown, grant{}.on(w.vm).allow(right::memctx));
    w.join(blind, grant{}.on(w.vm).allow(right::observe | right::input | right::power));
    w.join(writer, grant{}.on(w.vm).allow(right::memwrite));
    const auto got = writer.bus.acquire(w.vm, lease_class::memwrite);
    REQUIRE(got);
    w.settle();
    REQUIRE(writer.bus.submit(store(got.lease, {0x40, 0}, 7, 4)));
    w.settle();
    for (const agent* one : {&shown, &w.reader}) {
        REQUIRE(one->count(kind::memory_written) == 1);
        CHECK(one->last<memory_written>().address == 0x40);
        CHECK(one->last<memory_written>().length == 4);
    }
    CHECK(blind.count(kind::memory_written) == 0);
    CHECK(writer.count(kind::memory_written) == 0);
    w.bus.set_grant(shown.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    shown.log.clear();
    REQUIRE(writer.bus.submit(store(got.lease, {0x40, 0}, 8, 4)));
    w.settle();
    CHECK(shown.count(kind::memory_written) == 0);
    CHECK(w.reader.count(kind::memory_written) == 2);
}

TEST_CASE("a read by the bus takes no page that the guest has given back") {
    readable w;
    const auto taken = [&] {
        struct stat s {};
        REQUIRE(::fstat(w.m.ram.get(), &s) == 0);
        return s.st_blocks;
    };
    w.read();
    w.settle(); // its RAM is there, and sparse
    const auto before = taken();
    REQUIRE(before == 0);
    for (std::uint64_t at = 0; at < w.m.ram_bytes; at += 4096) {
        const auto id = w.reader.bus.submit(read_memory(w.vm, {at, 0}, 4096)).id;
        w.settle();
        CHECK(w.reader.outcome_of(id) == outcome::done);
    }
    CHECK(taken() == before);
}

TEST_CASE("memory that is replaced is another epoch, and the old addresses are refused") {
    readable w;
    const epoch_number before = w.bus.epoch_of(w.vm);
    const std::uint64_t last = w.m.ram_bytes - 4096;
    const auto id = w.reader.bus.submit(read_memory(w.vm, {last, 0}, 8)).id;
    w.settle();
    CHECK(w.reader.outcome_of(id) == outcome::done);
    w.m.ram_bytes /= 2; // unplugged
    w.m.ram = {};
    w.m.bus.emit(lifecycle{transition::memory_replaced, cause::host, {}, 0});
    w.settle();
    CHECK(w.bus.epoch_of(w.vm).value == before.value + 1);
    CHECK(w.a.last<epoch_changed>().what == transition::memory_replaced);
    const auto got = w.a.bus.memctx(w.vm);
    REQUIRE(got);
    CHECK(got->locator.regions()[0].length == w.m.ram_bytes);
    CHECK(w.reader.bus.submit(read_memory(w.vm, {0, 0}, 8).pinned(before)).why ==
          refusal::stale_epoch);
    const auto old = w.reader.bus.submit(read_memory(w.vm, {last, 0}, 8)).id;
    w.settle();
    CHECK(w.reader.receipts_of(old).at(0).failure == failure::outside_ram);
}

TEST_CASE("a read of memory that was cut off, or that cannot be read, says which") {
    const auto read_from = [](auto& w, bool cut) {
        memory_device m;
        agent a;
        m.ram = sealed_ram(m.ram_bytes, 0);
        w.bus.attach_adapter(m, w.vm);
        w.join(a, full(w.vm));
        REQUIRE(m.bus.publish(w.bus.epoch_of(w.vm)));
        w.settle();
        if (cut) REQUIRE(::ftruncate(m.ram.get(), 4096) == 0);
        const auto id = a.bus.submit(read_memory(w.vm, {0x2000, 0}, 8)).id;
        w.settle();
        const auto got = a.receipts_of(id);
        REQUIRE(got.size() == 1);
        CHECK(got.front().outcome == outcome::failed);
        CHECK(got.front().bytes == 0);
        return got.front();
    };
    bench<> sound;
    CHECK(read_from(sound, true).failure == failure::unavailable);
    bench<unreadable_traits> broken;
    const receipt r = read_from(broken, false);
    CHECK(r.failure == failure::io);
    CHECK(r.error == EIO);
}
