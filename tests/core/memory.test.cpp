// Rule: a memctx is shown to exactly those who may have it, never out of its epoch; its export and
// the bus's own reads are checked, bounded and audited.
#include "harness.hpp"

#include <support/fd_count.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct shared : bench<> {
    agent a, reader;
    machine m;
    shared() {
        bus.attach_adapter(m, vm);
        join(a, full(vm));
        join(reader, grant{}.on(vm).allow(right::memread));
    }
    void publish() {
        REQUIRE(m.bus.publish(bus.epoch_of(vm)));
        settle();
    }
    void reset() { m.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0}); }
    void poke(std::uint64_t at, std::string_view text) {
        if (!m.ram) m.ram = sealed_ram(m.ram_bytes, 0);
        REQUIRE(::pwrite(m.ram.get(), text.data(), text.size(), static_cast<off_t>(at)) ==
                static_cast<ssize_t>(text.size()));
    }
};

} // namespace

TEST_CASE("registering shows nothing, publishing tells those with the right") {
    shared w;
    CHECK(w.a.log.empty());
    CHECK(w.a.bus.memctx(w.vm).error() == refusal::not_ready);
    w.publish();
    CHECK(w.a.last<memctx_published>().version.value == 1);
    CHECK(w.reader.count(kind::memctx_published) == 0);
    w.publish();
    CHECK(w.a.last<memctx_published>().version.value == 2);
    CHECK(w.a.count(kind::memctx_invalidated) == 0);
}

TEST_CASE("a publication of another epoch is dropped") {
    shared w;
    w.publish();
    const epoch_number old = w.bus.epoch_of(w.vm);
    w.reset();
    CHECK_FALSE(w.m.bus.publish(old));
    CHECK_FALSE(w.m.bus.publish({old.value + 2}));
    CHECK(w.a.count(kind::memctx_published) == 1);
    CHECK(w.a.count(kind::memctx_invalidated) == 1);
    w.publish();
    CHECK(w.a.last<memctx_published>().version.value == 1);
}

TEST_CASE("only the registered provider can publish") {
    shared w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    CHECK_FALSE(s.bus.publish(w.bus.epoch_of(w.vm)));
}

TEST_CASE("who was not reached yet when a newer version comes is told of that one alone") {
    shared w;
    agent late;
    w.join(late, full(w.vm));
    w.a.script = [&](const event& e, control_handle) {
        if (!e.is(kind::memctx_published) || w.a.count(kind::memctx_published) != 1) return;
        REQUIRE(w.m.bus.publish(w.bus.epoch_of(w.vm)));
        CHECK(late.bus.memctx(w.vm)->locator.version.value == 2);
    };
    w.publish();
    CHECK(w.a.last<memctx_published>().version.value == 2);
    CHECK(late.count(kind::memctx_published) == 1);
    CHECK(late.last<memctx_published>().version.value == 2);
}

TEST_CASE("a publication that an epoch overtakes on its way is never delivered") {
    shared w;
    sensor s;
    w.bus.attach_adapter(s, w.vm);
    inside(w, w.a, s, [&] {
        CHECK(w.m.bus.publish(w.bus.epoch_of(w.vm)));
        w.reset();
    });
    CHECK(w.a.count(kind::memctx_published) == 0);
}

TEST_CASE("descriptors come once per control and epoch, read-only, owned by the receiver") {
    shared w;
    w.publish();
    const int before = open_fd_count();
    {
        const auto first = w.a.bus.memctx(w.vm);
        REQUIRE(first.has_value());
        CHECK(first->fds_included);
        CHECK(first->locator.endpoint == w.vm);
        CHECK(first->locator.epoch == w.bus.epoch_of(w.vm));
        CHECK(first->locator.version.value == 1);
        CHECK(first->locator.level == export_level::sealed);
        CHECK((::fcntl(first->fds[0].get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
        CHECK(open_fd_count() == before + 2); // the device makes its RAM when it is asked
        const auto second = w.a.bus.memctx(w.vm);
        CHECK_FALSE(second->fds_included);
        CHECK_FALSE(second->fds[0]);
    }
    CHECK(open_fd_count() == before + 1);
    w.reset();
    w.publish();
    CHECK(w.a.bus.memctx(w.vm)->fds_included);
    CHECK(w.records(decision::memctx_exported).size() == 3);
}

TEST_CASE("descriptors that did not arrive come once more") {
    shared w;
    w.publish();
    REQUIRE(w.a.bus.memctx(w.vm)->fds_included);
    w.a.bus.memctx_lost(w.vm);
    CHECK(w.a.bus.memctx(w.vm)->fds[0]);
    CHECK_FALSE(w.a.bus.memctx(w.vm)->fds_included);
    CHECK(w.records(decision::memctx_exported).size() == 3);
}

TEST_CASE("whoever loses the right and gets it back in the same epoch gets no second descriptor") {
    shared w;
    w.publish();
    REQUIRE(w.a.bus.memctx(w.vm)->fds_included);
    w.bus.set_grant(w.a.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    CHECK(w.a.bus.memctx(w.vm).error() == refusal::denied);
    w.bus.set_grant(w.a.bus.origin(), full(w.vm));
    w.settle();
    CHECK_FALSE(w.a.bus.memctx(w.vm)->fds_included);
}

TEST_CASE("without the right there is no export, and the refusal is audited") {
    shared w;
    w.publish();
    CHECK(w.reader.bus.memctx(w.vm).error() == refusal::denied);
    CHECK(w.records(decision::memctx_refused).size() == 1);
    CHECK(w.records(decision::memctx_exported).empty());
}

TEST_CASE("memory that could be reopened for writing is exported only if the host allows it") {
    shared w;
    w.m.ram = sealed_ram(w.m.ram_bytes, 0);
    w.publish();
    CHECK(w.a.bus.memctx(w.vm).error() == refusal::not_ready);
    CHECK(w.a.last<memctx_unavailable>().error == EPERM);
    w.bus.allow_weak_export(true);
    const auto got = w.a.bus.memctx(w.vm);
    REQUIRE(got.has_value());
    CHECK(got->locator.level == export_level::weak);
}

TEST_CASE("when describe or share fails the control is told, and a refresh retries") {
    shared w;
    w.publish();
    w.m.describe_error = EIO;
    CHECK(w.a.bus.memctx(w.vm).error() == refusal::not_ready);
    CHECK(w.a.last<memctx_unavailable>().error == EIO);
    w.m.describe_error = 0;
    w.m.republishes = true;
    CHECK(w.a.bus.refresh(w.vm) == refusal::none);
    CHECK(w.a.last<memctx_published>().version.value == 2);
    CHECK(w.a.bus.memctx(w.vm).has_value());
    CHECK(w.reader.bus.refresh(w.vm) == refusal::denied);
}

TEST_CASE("a refresh in a loop inside a callback folds and leaves room for safety") {
    shared w;
    sensor s;
    w.m.republishes = true;
    w.bus.attach_adapter(s, w.vm);
    w.publish();
    w.a.log.clear();
    inside(w, w.a, s, [&] {
        for (int i = 0; i < 1000; ++i) {
            CHECK(w.a.bus.refresh(w.vm) == refusal::none);
            w.m.describe_error = EIO;
            CHECK_FALSE(w.a.bus.memctx(w.vm).has_value());
            w.m.describe_error = 0;
        }
        CHECK(w.a.bus.submit(query_status(w.vm)));
        s.happened(transition::reset);
    });
    CHECK(w.reader.count(kind::epoch_changed) == 1);
    std::uint64_t version = 1;
    for (const memctx_published& p : w.a.all<memctx_published>()) {
        CHECK((p.version.value > version || p.version.value == 1));
        version = p.version.value;
    }
}

TEST_CASE("a provider that leaves takes its memctx with it, and the epoch stays") {
    shared w;
    w.publish();
    const epoch_number epoch = w.bus.epoch_of(w.vm);
    w.m.bus.detach();
    w.settle();
    CHECK(w.a.last<memctx_invalidated>().last == epoch);
    CHECK(w.bus.epoch_of(w.vm) == epoch);
    CHECK(w.a.bus.memctx(w.vm).error() == refusal::not_ready);
    memory_device next;
    next.republishes = true;
    w.bus.attach_adapter(next, w.vm);
    w.settle();
    CHECK(w.bus.epoch_of(w.vm) > epoch); // its memory is another one
    CHECK(w.a.last<memctx_published>().version.value == 1);
}

TEST_CASE("a malformed locator is not passed on") {
    struct liar : memory_device {
        expected<memctx_locator, os_error> describe() {
            memctx_locator l;
            l.fd_count = 9;
            l.region_count = 200;
            return l;
        }
    };
    bench<> w;
    agent a;
    liar m;
    w.bus.attach_adapter(m, w.vm);
    w.join(a, full(w.vm));
    m.bus.publish(w.bus.epoch_of(w.vm));
    CHECK(a.bus.memctx(w.vm).error() == refusal::not_ready);
    CHECK(a.last<memctx_unavailable>().error == EPROTO);
}

TEST_CASE("a provider that throws or is reset while it describes leaves a typed refusal") {
    for (const hook h : {hook::describe, hook::share_fds}) {
        shared w;
        w.publish();
        w.m.throws = h;
        CHECK(w.a.bus.memctx(w.vm).error() == refusal::not_ready);
        w.settle();
        CHECK(w.m.farewells == 1);
    }
    struct resetting : memory_device {
        expected<memctx_locator, os_error> describe() {
            bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
            return device::describe();
        }
    };
    for (const bool republishes : {false, true}) {
        INFO("what it said was of the memory before, even when it has published again");
        bench<> w;
        agent a;
        resetting m;
        m.republishes = republishes;
        w.bus.attach_adapter(m, w.vm);
        w.join(a, full(w.vm));
        m.bus.publish(w.bus.epoch_of(w.vm));
        const auto got = a.bus.memctx(w.vm);
        REQUIRE_FALSE(got);
        CHECK(got.error() == refusal::not_ready);
        w.settle();
        CHECK(a.count(kind::epoch_changed) == 1);
    }
}

TEST_CASE("memread: the bus reads, and the receipt carries the bytes") {
    shared w;
    w.poke(0x1000, "guest memory");
    w.publish();
    std::string got;
    w.reader.script = [&](const event& e, control_handle bus) {
        if (!e.is(kind::receipt)) return;
        const auto bytes = bus.bytes(e.payload);
        got.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        CHECK(e.payload_size == 12);
        CHECK(w.a.bus.bytes(e.payload).empty());
    };
    const auto id = w.reader.bus.submit(read_memory(w.vm, {0x1000, 0}, 12));
    REQUIRE(id);
    w.settle();
    CHECK(w.reader.outcome_of(id.id) == outcome::done);
    CHECK(w.reader.receipts_of(id.id)[0].bytes == 12);
    CHECK(got == "guest memory");
}

TEST_CASE("memread beyond the RAM fails, and before a publication it is not ready") {
    shared w;
    CHECK(w.reader.bus.submit(read_memory(w.vm, {0, 0}, 8)).why == refusal::not_ready);
    w.publish();
    const auto id = w.reader.bus.submit(read_memory(w.vm, {w.m.ram_bytes - 4, 0}, 8)).id;
    w.settle();
    CHECK(w.reader.outcome_of(id) == outcome::failed);
    CHECK(w.reader.receipts_of(id)[0].failure == failure::outside_ram);
}

TEST_CASE("a read cannot be had by following the memory lease, nor a write by the right to read") {
    shared w;
    w.publish();
    CHECK(w.reader.bus.acquire(w.vm, lease_class::memwrite).why == refusal::denied);
    agent writer;
    w.join(writer, grant{}.on(w.vm).allow(right::memwrite));
    CHECK(writer.bus.submit(read_memory(w.vm, {0, 0}, 8)).why == refusal::denied);
    CHECK(writer.bus.memctx(w.vm).error() == refusal::denied);
}

TEST_CASE("a write that is done is told to those who may read memory, with mode and origin") {
    shared w;
    w.publish();
    agent watcher;
    w.join(watcher, grant{}.on(w.vm).allow(right::observe));
    const lease l = w.own(w.a, lease_class::memwrite);
    const auto id = w.a.bus.submit(store(l, {0x2000, 0}, 42, 4)).id;
    w.settle();
    CHECK(w.a.receipts_of(id)[0].bytes == 4);
    const memory_written told = w.reader.last<memory_written>();
    CHECK(told.address == 0x2000);
    CHECK(told.length == 4);
    CHECK(told.mode == write_mode::atomic);
    CHECK(w.reader.log.back().origin == w.a.bus.origin());
    CHECK(watcher.count(kind::memory_written) == 0);
    w.m.does = habit::fail;
    w.reader.log.clear();
    REQUIRE(w.a.bus.submit(store(l, {0x2000, 0}, 42, 4)));
    w.settle();
    CHECK(w.reader.log.empty());
}

TEST_CASE("pins keep a payload, are charged, and are given back on detach") {
    shared w;
    w.publish();
    w.bus.set_grant(w.reader.bus.origin(), grant{}.on(w.vm).allow(right::memread).pinned(2));
    std::vector<payload_id> kept;
    std::vector<refusal> answers;
    kept.reserve(4);
    answers.reserve(4);
    w.reader.script = [&](const event& e, control_handle bus) {
        if (!e.payload) return;
        answers.push_back(bus.pin(e.payload));
        kept.push_back(e.payload);
    };
    for (int i = 0; i < 3; ++i) REQUIRE(w.reader.bus.submit(read_memory(w.vm, {0, 0}, 8)));
    w.settle();
    CHECK(answers == std::vector{refusal::none, refusal::none, refusal::busy});
    CHECK(w.reader.bus.bytes(kept[0]).size() == 8);
    CHECK(w.reader.bus.bytes(kept[2]).empty());
    CHECK(w.a.bus.bytes(kept[0]).empty());
    w.reader.bus.unpin(kept[0]);
    CHECK(w.reader.bus.bytes(kept[0]).empty());
    w.reader.bus.unpin(kept[0]);
    w.reader.bus.detach();
    w.settle();
    for (unsigned i = 0; i < small_limits::payload_blocks; ++i) CHECK(w.m.bus.allocate(8));
    CHECK_FALSE(w.m.bus.allocate(8));
}

TEST_CASE("a control has payload blocks of its own, whatever adapters and others take") {
    shared w;
    w.publish();
    while (w.m.bus.allocate(8)) continue;
    constexpr unsigned own = small_limits::payloads_per_control;
    for (auto* p : {&w.reader, &w.a}) {
        for (unsigned i = 0; i < own; ++i)
            REQUIRE(p->bus.submit(read_memory(w.vm, {0, 0}, 8)).why == refusal::none);
        CHECK(p->bus.submit(read_memory(w.vm, {0, 0}, 8)).why == refusal::busy);
        CHECK(w.bus.pending_of(p->bus.origin()) == own);
    }
    w.settle();
    CHECK(w.reader.count(kind::receipt) == own);
    REQUIRE(w.reader.bus.submit(read_memory(w.vm, {0, 0}, 8)));
    w.reader.bus.detach();
    w.settle();
}

TEST_CASE("bytes that were read are withheld from whoever lost the right before they came") {
    struct chatty : memory_device {
        expected<ram_fds, os_error> share_fds() {
            bus.emit(console_output{}); // delivered after the read, before its receipt
            return device::share_fds();
        }
    };
    bench<> w;
    agent a, reader;
    chatty m;
    w.bus.attach_adapter(m, w.vm);
    w.join(a, full(w.vm));
    w.join(reader, grant{}.on(w.vm).allow(right::memread));
    m.bus.publish(w.bus.epoch_of(w.vm));
    a.script = [&](const event& e, control_handle) {
        if (e.is(kind::console_output))
            w.bus.set_grant(reader.bus.origin(), grant{}.on(w.vm).allow(right::observe));
    };
    std::size_t bytes = 0;
    reader.script = [&](const event& e, control_handle bus) {
        bytes += bus.bytes(e.payload).size();
    };
    const auto id = reader.bus.submit(read_memory(w.vm, {0, 0}, 8)).id;
    w.settle();
    CHECK(reader.outcome_of(id) == outcome::done);
    CHECK(reader.receipts_of(id)[0].bytes == 0);
    CHECK(bytes == 0);
}
