// Row 6: batches of 64 commands from 8 controls, from submission to the receipt. The limit does by
// hand what the core does for a command: rights, lease and epoch checked twice, a fair queue, the
// adapter's call, two audit records, the receipt to its issuer.
#include "ratio.hpp"

#include <vmsig/vmsig.hpp>

#include <memory>

namespace {

constexpr std::size_t controls = 8;
constexpr std::size_t batch = 64;

struct issuer {
    std::uint64_t done = 0;
    vmsig::lease held;
    void on_event(const vmsig::event& e, vmsig::control_handle bus) {
        if (e.is(vmsig::kind::replay_end)) {
            const auto got = bus.acquire(e.endpoint, vmsig::lease_class::memwrite);
            if (got) held = got.lease;
        }
        if (const auto* r = e.as<vmsig::receipt>())
            done += r->outcome == vmsig::outcome::done ? 1 : 0;
    }
};

struct writer {
    static constexpr vmsig::roles serves = vmsig::role::memory_writer;
    std::uint64_t sum = 0;
    void execute(vmsig::fenced_command c, vmsig::adapter_handle bus) {
        const auto taken = c.take();
        if (!taken) return;
        sum += taken->command.memory.value;
        bus.complete(c.id());
    }
};

void ours(benchmark::State& state) {
    vmsig::core<> bus;
    std::array<writer, controls> writers;
    std::array<issuer, controls> issuers;
    std::array<vmsig::control_handle, controls> handles;
    for (std::size_t i = 0; i < controls; ++i) {
        const auto vm = bus.add_endpoint(std::string(1, static_cast<char>('a' + i)));
        bus.attach_adapter(writers[i], vm);
        handles[i] = bus.attach(issuers[i], vmsig::grant{}.on(vm).allow(vmsig::right::memwrite));
    }
    while (bus.dispatch()) {}
    for (auto _ : state) {
        for (std::size_t n = 0; n < batch; ++n) {
            const std::size_t i = n % controls;
            handles[i].submit(vmsig::store(issuers[i].held, {0x1000, 0}, 1));
        }
        while (bus.dispatch()) {}
    }
    if (issuers[0].done == 0) state.SkipWithError("nothing was done");
}

/// The same by hand.
struct by_hand {
    struct cell {
        std::uint64_t owner = 0, serial = 0, epoch = 1;
    };
    struct node {
        vmsig::command command;
        std::uint64_t id = 0, issuer = 0;
        std::uint16_t next = 0xffff;
        std::uint8_t state = 0;
    };
    struct queue {
        std::uint16_t head = 0xffff, tail = 0xffff;
    };
    struct control {
        std::uint64_t rights = ~std::uint64_t{0};
        std::uint32_t pending = 0;
        void (*deliver)(void*, const vmsig::event&) = nullptr;
        void* self = nullptr;
    };
    std::array<cell, controls> cells;
    std::array<control, controls> all;
    std::array<queue, controls> queues;
    std::unique_ptr<node[]> nodes{new node[512]};
    std::array<std::uint16_t, 512> free{};
    std::size_t free_count = 0;
    std::unique_ptr<vmsig::audit_record[]> audit{new vmsig::audit_record[4096]};
    std::uint64_t records = 0, number = 0, waiting = 0, now = 42;
    unsigned served = 0;
    void (*execute)(void*, const vmsig::command&) = nullptr;
    void* adapter = nullptr;

    void note(std::uint64_t who, const vmsig::command& c, std::uint64_t id, vmsig::decision d) {
        vmsig::audit_record r = vmsig::audit_record::of(d).with(c.verb);
        r.number = ++records;
        r.time.ns = static_cast<std::int64_t>(now);
        r.origin.value = who;
        r.endpoint = c.endpoint;
        r.epoch = c.epoch;
        r.serial = c.serial;
        r.correlation.value = id;
        audit[records & 4095] = r;
    }
    bool fenced(unsigned who, const vmsig::command& c) const {
        const cell& at = cells[c.endpoint.slot()];
        return (all[who].rights >> 3 & 1) != 0 && at.owner == who + 1 &&
               at.serial == c.serial.value && at.epoch == c.epoch.value;
    }
    bool submit(unsigned who, const vmsig::command& c) {
        if (!fenced(who, c) || all[who].pending == 256 || free_count == 0) return false;
        ++all[who].pending;
        const std::uint16_t n = free[--free_count];
        node& at = nodes[n];
        at.command = c;
        at.id = ++number << 16 | n;
        at.issuer = who;
        at.next = 0xffff;
        note(who, c, at.id, vmsig::decision::command_admitted);
        queue& q = queues[who];
        (q.tail == 0xffff ? q.head : nodes[q.tail].next) = n;
        q.tail = n;
        waiting |= std::uint64_t{1} << who;
        return true;
    }
    void dispatch() {
        while (waiting != 0) {
            const std::uint64_t after = waiting & ~((std::uint64_t{2} << served) - 1);
            const auto who = static_cast<unsigned>(__builtin_ctzll(after ? after : waiting));
            served = who;
            queue& q = queues[who];
            const std::uint16_t n = q.head;
            node& at = nodes[n];
            q.head = at.next;
            if (q.head == 0xffff) {
                q.tail = 0xffff;
                waiting &= ~(std::uint64_t{1} << who);
            }
            if (fenced(who, at.command)) execute(adapter, at.command);
            note(at.issuer, at.command, at.id, vmsig::decision::command_ended);
            vmsig::event e;
            e.kind = vmsig::kind::receipt;
            e.endpoint = at.command.endpoint;
            e.correlation.value = at.id;
            e.timestamp.ns = static_cast<std::int64_t>(now);
            vmsig::receipt r;
            r.outcome = vmsig::outcome::done;
            r.verb = at.command.verb;
            e.set_payload(r);
            --all[who].pending;
            free[free_count++] = n;
            all[who].deliver(all[who].self, e);
        }
    }
};

[[gnu::noinline]] void hand_execute(void* self, const vmsig::command& c) {
    static_cast<writer*>(self)->sum += c.memory.value;
}
[[gnu::noinline]] void hand_receipt(void* self, const vmsig::event& e) {
    static_cast<issuer*>(self)->on_event(e, {});
}

void limit(benchmark::State& state) {
    by_hand bus;
    writer w;
    std::array<issuer, controls> issuers;
    bus.execute = &hand_execute;
    bus.adapter = &w;
    for (unsigned i = 0; i < controls; ++i) {
        bus.cells[i] = {i + 1, 1, 1};
        bus.all[i].deliver = &hand_receipt;
        bus.all[i].self = &issuers[i];
        issuers[i].held = {vmsig::endpoint_id::make(i, 1), {1}, vmsig::lease_class::memwrite};
    }
    for (std::uint16_t n = 0; n < 512; ++n) bus.free[bus.free_count++] = n;
    for (auto _ : state) {
        for (unsigned n = 0; n < batch; ++n) {
            const unsigned i = n % controls;
            vmsig::command c = vmsig::store(issuers[i].held, {0x1000, 0}, 1);
            c.epoch = {1};
            bus.submit(i, c);
        }
        bus.dispatch();
    }
    if (issuers[0].done == 0) state.SkipWithError("nothing was done");
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("6  command, 64 from 8 controls", 1.10, static_cast<int>(batch), limit, ours);
    return bench::run(argc, argv);
}
