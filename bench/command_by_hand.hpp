// command_by_hand: what the core promises for a plain command (in time, without a hold), done by
// hand for one class at eight endpoints, with nothing beside it: the limit of row 6. Whatever a
// promise costs a plain command is here, and each part says which promise it pays.
#pragma once

#include <vmsig/vmsig.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <memory>

namespace bench {

class command_by_hand {
public:
    static constexpr unsigned controls = 8;
    static constexpr unsigned per_control = 256;
    static constexpr std::uint16_t none = 0xffff;
    using execute_function = void (*)(void*, command_by_hand&, std::uint64_t id);
    using receipt_function = void (*)(void*, const vmsig::event&);

    command_by_hand() {
        for (control& c : all_) c.free.fill(~std::uint64_t{0});
        ::epoll_event bell{.events = EPOLLIN | EPOLLET, .data = {}};
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &bell);
    }
    ~command_by_hand() {
        ::close(bell_);
        ::close(epoll_);
    }
    void open(unsigned slot, void* adapter, execute_function execute, void* self,
              receipt_function tell) {
        machine& m = machines_[slot];
        m.id = slot + 1;
        m.live = true;
        m.ready = m.seen = bit(slot);
        m.adapter = {slot + 1, adapter, execute};
        m.lease = {slot + 1, 1, INT64_MAX};
        control& c = all_[slot];
        c.id = slot + 1;
        c.live = true;
        c.named[slot] = slot + 1;
        c.allowed[memwrite] = bit(slot);
        c.self = self;
        c.tell = tell;
    }

    /// 0: refused.
    [[gnu::noinline]] std::uint64_t submit(std::uint64_t who, const vmsig::command& c) {
        control* issuer = find(who); // a handle is weak: slot and generation
        if (!issuer || !admissible(*issuer, c)) return 0;
        if (issuer->pending >= per_control) return 0;            // quota
        if (number_ + reserved_ > UINT64_MAX - 2) return 0;      // room for both records
        unsigned w = 0;                                          // nodes of its own: nobody else
        while (w < issuer->free.size() && !issuer->free[w]) ++w; // notices one at its cap
        if (w == issuer->free.size()) return 0;
        ++issuer->pending;
        reserved_ += 2;
        const unsigned b = static_cast<unsigned>(std::countr_zero(issuer->free[w]));
        issuer->free[w] &= issuer->free[w] - 1;
        const auto n = static_cast<std::uint16_t>((who - 1) * per_control + w * 64 + b);
        machine& m = machines_[c.endpoint.slot()];
        node& at = nodes_[n];
        at.command = c;
        at.command.lane = std::max(c.lane, issuer->highest_lane);
        if (!c.epoch) at.command.epoch.value = m.epoch;
        at.id = ++issuer->commands << 16 | (n + 1);
        at.issuer = who;
        push(m.live_commands, &node::live, n); // what ends a lease ends its commands
        note(at, vmsig::decision::command_admitted, 0, static_cast<unsigned>(at.command.lane));
        ++m.commands;                                                                 // statistics
        if (c.after.value != 0 || c.deadline || c.not_before || c.hold) std::abort(); // not plain
        at.state = step::queued;
        const auto l = static_cast<unsigned>(at.command.lane); // order per control and lane
        push(queues_[l][who - 1], &node::queue, n);
        waiting_[l] |= bit(static_cast<unsigned>(who - 1));
        if (!rung_ && !in_turn_) ring(); // the descriptor is readable while work is left
        return at.id;
    }

    /// One turn.
    [[gnu::noinline]] void dispatch() {
        in_turn_ = true;
        rung_ = false;
        ::epoll_event ready[64];
        (void)::epoll_wait(epoll_, ready, 64, 0);
        ::timespec t{};
        ::clock_gettime(CLOCK_MONOTONIC, &t); // once per turn
        now_ = t.tv_sec * 1'000'000'000 + t.tv_nsec;
        for (unsigned i = 0; i < 1024 && called_ < budget; ++i) { // a turn is bounded
            const std::uint16_t n = next();
            if (n == none) break;
            consider(n);
            while (told_ != ended_ && called_ < budget)
                deliver(receipts_[told_++ % receipts_.size()]);
        }
        called_ = 0;
        in_turn_ = false;
    }

    /// Execution begins here, with the fences compared for the last time.
    [[gnu::noinline]] const vmsig::command* take(std::uint64_t adapter, std::uint64_t id) {
        node* at = find_command(id);
        if (!at || at->adapter != adapter || at->state != step::handed) return nullptr;
        if (!fenced(*at)) std::abort();
        machine& m = machines_[at->command.endpoint.slot()];
        at->state = step::begun;
        --m.handed;
        ++m.begun;
        m.last = now_; // pace counts from here
        return &at->command;
    }
    /// Adapters may complete later; a second completion is ignored.
    [[gnu::noinline]] void complete(std::uint64_t adapter, std::uint64_t id,
                                    const vmsig::completion& how) {
        node* at = find_command(id);
        if (!at || at->adapter != adapter || at->state != step::begun) return;
        machine& m = machines_[at->command.endpoint.slot()];
        at->result = how;
        if (how.bytes == 0) at->result.bytes = at->command.memory.length;
        if (m.memory_readers != 0) std::abort(); // memory_written is told to those who read
        --m.begun;
        if (at->lease_over) std::abort(); // somebody waits for it
        const auto n = static_cast<std::uint16_t>(at - nodes_.get());
        remove(m.live_commands, &node::live, n);
        at->state = step::ended;
        note(*at, vmsig::decision::command_ended, 1, 0);
        if (at->followers != none) std::abort(); // `after` waits for a completion
        --all_[at->issuer - 1].pending;
        receipts_[ended_++ % receipts_.size()] = n; // no callback inside a callback
    }

private:
    enum class step : std::uint8_t { free, queued, handed, begun, ended };
    struct link {
        std::uint16_t previous = none, next = none;
    };
    struct list {
        std::uint16_t head = none, tail = none;
    };
    struct node {
        vmsig::command command;
        std::uint64_t id = 0, issuer = 0, adapter = 0;
        vmsig::completion result;
        link queue, live;
        std::uint16_t followers = none;
        step state = step::free;
        bool unparked = false, lease_over = false;
    };
    struct machine {
        std::uint64_t id = 0, epoch = 1, ready = 0, seen = 0, memory_readers = 0, commands = 0;
        bool live = false, leaving = false, exhausted = false;
        struct {
            std::uint64_t owner = 0, serial = 0;
            std::int64_t expires = 0;
        } lease;
        struct {
            std::uint64_t id = 0;
            void* self = nullptr;
            execute_function execute = nullptr;
        } adapter;
        list live_commands;
        std::array<list, 4> parked;
        std::array<bool, 4> held{};
        std::int64_t interval = 0, last = 0;
        std::uint32_t handed = 0, begun = 0, draining = 0;
    };
    struct control {
        std::uint64_t id = 0, commands = 0;
        bool live = false;
        vmsig::lane highest_lane = vmsig::lane::high;
        std::uint32_t pending = 0;
        std::array<std::uint64_t, 64> named{};
        std::array<std::uint64_t, 7> allowed{};
        std::array<std::uint64_t, per_control / 64> free{};
        void* self = nullptr;
        receipt_function tell = nullptr;
    };
    static constexpr unsigned memwrite = static_cast<unsigned>(vmsig::right::memwrite);
    static constexpr std::uint32_t budget = 4096;
    static constexpr std::uint64_t bit(unsigned n) { return std::uint64_t{1} << n; }

    control* find(std::uint64_t id) {
        if (id - 1 >= controls) return nullptr;
        control& c = all_[id - 1];
        return c.live && c.id == id ? &c : nullptr;
    }
    node* find_command(std::uint64_t id) {
        const std::uint64_t n = (id & 0xffff) - 1;
        return n < controls * per_control && nodes_[n].id == id ? &nodes_[n] : nullptr;
    }
    bool permits(const control& c, const vmsig::command& x) const {
        const unsigned slot = x.endpoint.slot();
        return slot < controls && c.named[slot] == x.endpoint.value &&
               (c.allowed[memwrite] & bit(slot)) != 0;
    }
    bool admissible(const control& c, const vmsig::command& x) const {
        const unsigned slot = x.endpoint.slot();
        if (slot >= controls || !permits(c, x)) return false;
        const machine& m = machines_[slot];
        if (!m.live || m.id != x.endpoint.value || m.leaving) return false;
        // well-formed
        if (x.verb != vmsig::verb::mem_write || x.lane > vmsig::lane::bulk) return false;
        if (x.mode > vmsig::write_mode::best_effort) return false;
        if (x.deadline.ns < 0 || x.not_before.ns < 0 || x.hold.ns != 0) return false;
        const std::uint32_t length = x.memory.length;
        if (length == 0 || length > 8) return false;
        if (x.mode == vmsig::write_mode::atomic && (length & (length - 1)) != 0) return false;
        if (x.mode == vmsig::write_mode::best_effort && x.compare) return false;
        // the replay has ended, the lease is held, the epoch is the one that was seen
        const std::uint64_t me = bit(static_cast<unsigned>(c.id - 1));
        if ((m.ready & me) == 0) return false;
        if (m.lease.owner != c.id || m.lease.serial != x.serial.value) return false;
        if (m.exhausted) return false;
        if (x.epoch ? x.epoch.value != m.epoch : (m.seen & me) == 0) return false;
        return m.adapter.id != 0; // somebody executes it
    }
    /// The second check, and the third.
    bool fenced(const node& at) {
        const vmsig::command& x = at.command;
        const machine& m = machines_[x.endpoint.slot()];
        if (!m.live || m.leaving) return false;
        const control* c = find(at.issuer);
        return c && permits(*c, x) && m.lease.owner == at.issuer &&
               m.lease.serial == x.serial.value && m.lease.expires > now_ && !m.exhausted &&
               m.epoch == x.epoch.value && (!x.deadline || now_ <= x.deadline.ns);
    }
    /// Lanes with credit, controls in turn.
    std::uint16_t next() {
        unsigned l = 0;
        while (l < 4 && (waiting_[l] == 0 || credit_[l] == 0)) ++l;
        if (l == 4) {
            if ((waiting_[0] | waiting_[1] | waiting_[2] | waiting_[3]) == 0) return none;
            credit_ = vmsig::lane_credit;
            for (l = 0; waiting_[l] == 0;) ++l;
        }
        --credit_[l];
        const std::uint64_t after = waiting_[l] & ~((bit(served_[l]) << 1) - 1);
        const auto who = static_cast<unsigned>(std::countr_zero(after ? after : waiting_[l]));
        served_[l] = static_cast<std::uint8_t>(who);
        list& q = queues_[l][who];
        const std::uint16_t n = q.head;
        remove(q, &node::queue, n);
        if (q.head == none) waiting_[l] &= ~bit(who);
        return n;
    }
    void consider(std::uint16_t n) {
        node& at = nodes_[n];
        machine& m = machines_[at.command.endpoint.slot()];
        const auto l = static_cast<unsigned>(at.command.lane);
        const bool paced = m.interval > 0 && m.last + m.interval > now_;
        const bool behind = !at.unparked && m.parked[l].head != none;
        if (m.draining != 0 || m.held[l] || paced || behind) std::abort(); // parked
        if (!fenced(at)) std::abort();
        at.state = step::handed;
        at.adapter = m.adapter.id;
        ++m.handed;
        m.last = now_;
        ++called_;
        show(++calls_, at.adapter); // whoever watches from beside can name it
        m.adapter.execute(m.adapter.self, *this, at.id);
        show(0, 0);
    }
    void show(std::uint64_t number, std::uint64_t callee) {
        callee_.store(0, std::memory_order_relaxed);
        number_of_call_.store(number, std::memory_order_release);
        callee_.store(callee, std::memory_order_release);
    }
    void deliver(std::uint16_t n) {
        node& at = nodes_[n];
        control& c = all_[at.issuer - 1];
        vmsig::event e;
        e.kind = vmsig::kind::receipt;
        e.source = vmsig::source::command;
        e.lane = vmsig::lane::high;
        e.endpoint = at.command.endpoint;
        e.epoch = at.command.epoch;
        e.timestamp.ns = now_;
        e.origin.value = at.issuer;
        e.correlation.value = at.id;
        vmsig::receipt& r = e.make_payload<vmsig::receipt>();
        r.outcome = at.result.outcome;
        r.failure = at.result.failure;
        r.verb = at.command.verb;
        r.mode = at.command.mode;
        r.begun = 1;
        r.error = at.result.error;
        r.bytes = at.result.bytes;
        r.value = at.result.value;
        current_ = &e; // detaching anybody from inside a callback is legal
        receivers_ = bit(static_cast<unsigned>(c.id - 1));
        touched_ |= receivers_; // who has something to flush at the end of the turn
        ++called_;
        ++events_;
        if (c.live) c.tell(c.self, e);
        current_ = nullptr;
        const unsigned place = n % per_control;
        at.id = at.issuer = at.adapter = 0;
        at.state = step::free;
        c.free[place / 64] |= bit(place % 64);
    }
    void note(const node& at, vmsig::decision d, std::uint8_t verdict, std::uint32_t detail) {
        vmsig::audit_record& r = audit_[records_++ % 4096];
        r.number = ++number_;
        r.time.ns = now_;
        r.origin.value = at.issuer;
        r.endpoint = at.command.endpoint;
        r.epoch = at.command.epoch;
        r.serial = at.command.serial;
        r.correlation.value = at.id;
        r.what = d;
        r.verdict = verdict;
        r.subject = static_cast<std::uint8_t>(at.command.verb);
        r.flags = verdict;
        r.detail = detail;
        --reserved_;
        ++decisions_[static_cast<unsigned>(d)];
    }
    void push(list& l, link node::*in, std::uint16_t n) {
        nodes_[n].*in = {l.tail, none};
        (l.tail == none ? l.head : (nodes_[l.tail].*in).next) = n;
        l.tail = n;
    }
    void remove(list& l, link node::*in, std::uint16_t n) {
        const std::uint16_t previous = (nodes_[n].*in).previous;
        const std::uint16_t next = (nodes_[n].*in).next;
        (previous == none ? l.head : (nodes_[previous].*in).next) = next;
        (next == none ? l.tail : (nodes_[next].*in).previous) = previous;
    }
    [[gnu::noinline]] void ring() {
        const std::uint64_t one = 1;
        rung_ = ::write(bell_, &one, sizeof one) > 0;
    }

    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    int bell_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::array<machine, controls> machines_;
    std::array<control, controls> all_;
    std::array<std::array<list, controls>, 4> queues_{};
    std::array<std::uint64_t, 4> waiting_{};
    std::array<std::uint8_t, 4> credit_ = vmsig::lane_credit;
    std::array<std::uint8_t, 4> served_{};
    std::unique_ptr<node[]> nodes_{new node[controls * per_control]};
    std::unique_ptr<vmsig::audit_record[]> audit_{new vmsig::audit_record[4096]};
    std::array<std::uint16_t, 4096> receipts_{};
    std::array<std::uint64_t, vmsig::decision_count> decisions_{};
    std::uint64_t records_ = 0, number_ = 0, reserved_ = 0, events_ = 0, calls_ = 0;
    std::uint32_t ended_ = 0, told_ = 0, called_ = 0;
    std::int64_t now_ = 0;
    const vmsig::event* current_ = nullptr;
    std::uint64_t receivers_ = 0, touched_ = 0;
    std::atomic<std::uint64_t> number_of_call_{0}, callee_{0};
    bool rung_ = false, in_turn_ = false;
};

} // namespace bench
