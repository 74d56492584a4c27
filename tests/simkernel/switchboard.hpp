// switchboard: the descriptors of the simulated devices and controls, and who is on their other
// ends. Owners read late or never, close behind the bus and use numbers again; peers write, hang
// up, are killed, and leave children that hold on.
#pragma once

#include "../sim/adapters.hpp"
#include "turn_watch.hpp"

namespace vmsig::simkernel {

class switchboard final : public sim::wiring {
public:
    switchboard(sim::stage& s, kernel& k)
        : watch{s.broken, k, ports}
        , on_{s}
        , kernel_{k} {
        for (int& fd : ram_) {
            fd = k.memfd();
            (void)k.find_as<memory_file>(fd)->truncate(sim::ram_bytes);
        }
        (void)k.find_as<memory_file>(ram_[0])->add_seals(seal::shrink | seal::grow | seal::seal |
                                                         seal::future_write);
    }

    // The devices.

    void attached(adapter_handle h) override {
        devices_.push_back(h);
        for (unsigned n = on_.dice.below(4); n > 0; --n) open(h);
    }
    void detached(adapter_id id) override {
        std::erase_if(devices_, [id](const adapter_handle& h) { return h.id() == id; });
        ports.for_each([&](port& p) {
            if (p.of != holder::device || p.by != id || p.abandoned) return;
            p.abandoned = true;
            watch.dropped(p);
            if (on_.dice.chance(70)) close(p);
        });
    }
    void ready(adapter_handle h, cookie c) override {
        port* p = ports.find(c.value);
        if (!on_.broken.expect(p != nullptr && p->by == h.id(), "a cookie comes back to its owner",
                               c.value))
            return;
        on_.log.line("port ready", c.value, h.id().value);
        watch.called(*p);
        serve(*p);
        if (!on_.calm && on_.dice.chance(12)) return act_of(h, *p);
        if (on_.calm && still_ready(*p)) unwatch(h, *p);
    }
    void hung_up(adapter_handle h, cookie c) override {
        port* p = ports.find(c.value);
        if (!on_.broken.expect(p != nullptr && p->by == h.id(), "a cookie comes back to its owner",
                               c.value))
            return;
        on_.log.line("port hung up", c.value, h.id().value);
        ++watch.seen.hangups;
        watch.called(*p);
        watch.dropped(*p);
        const bool unread =
            p->open() && p->wants.has(interest::read) && kernel_.find(p->fd)->unread();
        on_.broken.expect(!unread || p->calls >= patience,
                          "31: what is left to read is told before the hang-up", c.value, p->calls);
        if (on_.dice.chance(80)) close(*p);
    }
    int ram() override {
        watch.asked(call::open);
        return ram_[on_.dice.chance(12) ? 1 : 0];
    }

    /// Null: it brings none.
    port* socket_of_control() {
        if (!on_.dice.chance(70)) return nullptr;
        port* p = ports.make(kernel_, thing::socket);
        if (p == nullptr) return nullptr;
        p->of = holder::control;
        watch.asked(call::epoll_add);
        return p;
    }
    /// A device opens something and watches it.
    void open(adapter_handle h) {
        port* p = ports.make(kernel_, static_cast<thing>(on_.dice.below(things)));
        if (p == nullptr) return;
        p->by = h.id();
        on_.log.line("open", p->number, static_cast<std::uint64_t>(p->fd), h.id().value);
        add(h, *p);
    }
    void add(adapter_handle h, port& p) {
        const std::uint64_t number = p.number;
        const interests what = some_interests(p);
        watch.asked(call::epoll_add);
        const auto w = on_.bus([&] { return h.watch(p.fd, what, cookie{number}); });
        on_.log.line("watch", number, w ? w->value : 0,
                     w ? 0 : static_cast<std::uint64_t>(w.error().code));
        if (w) return watch.added(p, *w, what);
        ++watch.seen.refused;
        if (on_.dice.chance(80)) close(p);
    }
    void unwatch(adapter_handle h, port& p) {
        on_.log.line("unwatch", p.number, p.watch.value, p.watched);
        on_.bus([&] { h.unwatch(p.watch); });
        watch.dropped(p);
        if (on_.dice.chance(15)) on_.bus([&] { h.unwatch(p.watch); }); // again does nothing
    }
    void rearm(adapter_handle h, port& p) {
        const interests what = some_interests(p);
        watch.asked(call::epoll_modify);
        const auto done = on_.bus([&] { return h.rearm(p.watch, what); });
        on_.log.line("rearm", p.number, what.bits,
                     done ? 0 : static_cast<std::uint64_t>(done.error().code));
        if (done) {
            on_.broken.expect(p.watched && p.open(), "only what is watched is re-armed", p.number);
            p.wants = what;
            p.passed = 0;
            p.was_ready = false;
        }
    }
    void close(port& p) {
        if (!p.open()) return;
        on_.log.line("close", p.number, static_cast<std::uint64_t>(p.fd), p.watched);
        watch.seen.behind += p.watched ? 1 : 0;
        kernel_.close(p.fd);
        p.fd = -1;
        p.was_ready = false;
    }
    /// One of the many things that an owner does with a descriptor.
    void act_of(adapter_handle h, port& p) {
        switch (on_.dice.below(8)) {
        case 0: unwatch(h, p); return close(p);
        case 1: close(p); return;         // behind the bus
        case 2: close(p); return open(h); // and its number is used again at once
        case 3: unwatch(h, p); return;
        case 4:
            unwatch(h, p);
            close(p);
            return open(h);
        case 5: return p.watched || !p.open() ? rearm(h, p) : add(h, p);
        case 6: return meddle(h);
        default: return open(h);
        }
    }
    /// With the watch of another.
    void meddle(adapter_handle h) {
        port* p = ports.any(on_.dice, [&](const port& q) { return q.watched && q.by != h.id(); });
        if (p == nullptr) return;
        on_.bus([&] { h.unwatch(p->watch); });
        watch.asked(call::epoll_modify);
        const auto done = on_.bus([&] { return h.rearm(p->watch, interest::read); });
        on_.broken.expect(!done, "a watch obeys its owner alone", p->number, h.id().value);
    }
    /// Reads or writes, enough or not. True: it came to the end, or to a frame of no bytes.
    bool serve(port& p) {
        if (!p.open()) return false;
        file* f = kernel_.find(p.fd);
        const unsigned how = on_.calm ? 0 : on_.dice.below(10); // 9: does nothing
        for (unsigned n = how < 6 ? 40 : how < 9 ? 1 : 0; n > 0; --n) {
            std::array<std::byte, 64> room{};
            const long moved = p.what == thing::pipe_writer ? f->write(room) : f->read(room);
            if (moved < 0) return false;
            if (moved == 0) return true;
        }
        return false;
    }

    // The other ends.

    void act_of_peer() {
        if (on_.dice.chance(4))
            (void)kernel_.find_as<memory_file>(ram_[1])->truncate(on_.dice.below(sim::ram_bytes));
        port* p = ports.any(on_.dice, [](const port& q) { return q.alive(); });
        if (p == nullptr) return;
        on_.log.line("peer", p->number, static_cast<std::uint64_t>(p->what));
        if (on_.dice.chance(8)) return fork(*p);
        if (p->child >= 0 && on_.dice.chance(50)) return child_exits(*p);
        if (p->what == thing::counter) return ring(*p);
        if (p->what == thing::timer) return set_timer(*p);
        if (p->far < 0) return;
        file* f = kernel_.find(p->far);
        std::array<std::byte, 64> room{};
        const std::span some = std::span{room}.first(1 + on_.dice.below(room.size()));
        switch (on_.dice.below(12)) {
        case 0: return hang_up(*p);
        case 1:
            if (auto* s = kernel_.find_as<packet_socket>(p->far)) (void)s->shut(SHUT_WR);
            return;
        case 2:
            if (auto* s = kernel_.find_as<packet_socket>(p->far)) (void)s->send({});
            return;
        case 3:
        case 4: (void)f->read(room); return;
        case 5: // and hangs up with it queued
            (void)f->write(some);
            return hang_up(*p);
        default:
            for (unsigned n = 1 + on_.dice.below(3); n > 0; --n) (void)f->write(some);
            return;
        }
    }
    /// Though it was served: hung up, or room to write.
    bool still_ready(const port& p) const {
        return p.open() && p.watched && (kernel_.poll(p.fd) & p.asked()) != 0;
    }
    /// Faults are off: children are gone, and whoever cannot be told any more closes.
    void calm() {
        ports.for_each([&](port& p) {
            if (p.child >= 0) child_exits(p);
            if (p.abandoned) close(p);
        });
    }
    /// The core is gone: what was watched is not, and the rest is closed.
    void end() {
        ports.for_each([&](port& p) {
            if (p.child >= 0) child_exits(p);
            p.watched = p.ghost = false;
            close(p);
            if (p.far >= 0) hang_up(p);
            on_.broken.expect(p.of != holder::host || p.cleaned, "a clean-up runs", p.number);
        });
        for (int& fd : ram_)
            if (fd >= 0) kernel_.close(std::exchange(fd, -1));
    }
    void hang_up(port& p) {
        kernel_.close(p.far);
        p.far = -1;
    }

    /// A device that is attached; null: there is none.
    const adapter_handle* any_device() {
        return devices_.empty() ? nullptr : &on_.dice.pick(devices_);
    }
    port* any_of(adapter_handle h) {
        return ports.any(on_.dice, [&](const port& p) {
            return p.of == holder::device && p.by == h.id() && !p.abandoned;
        });
    }

    port_table ports;
    turn_watch watch;

private:
    interests some_interests(const port& p) {
        const unsigned n = on_.dice.below(20);
        if (n == 0) return {};
        if (n == 1) return interest::read | interest::write;
        if (p.what == thing::pipe_writer) return interest::write;
        return n < 5 ? interest::read | interest::hangup : interests{interest::read};
    }
    void ring(port& p) {
        const std::uint64_t n = on_.dice.chance(3) ? ~std::uint64_t{0} - 1 : 1;
        (void)kernel_.find(p.open() ? p.fd : p.child)->write(std::as_bytes(std::span{&n, 1}));
    }
    void set_timer(port& p) {
        if (!p.open()) return;
        itimerspec value{};
        const instant when{kernel_.now().ns + on_.dice.between(-1'000'000, 30'000'000)};
        value.it_value.tv_sec = static_cast<time_t>(when.ns / 1'000'000'000);
        value.it_value.tv_nsec = static_cast<long>(when.ns % 1'000'000'000);
        if (on_.dice.chance(20)) value = {};
        (void)kernel_.timerfd_settime(p.fd, TFD_TIMER_ABSTIME, value);
    }
    void fork(port& p) {
        if (!p.open() || p.child >= 0) return;
        const int twin = kernel_.dup(p.fd);
        if (twin >= 0) p.child = twin;
    }
    void child_exits(port& p) { kernel_.close(std::exchange(p.child, -1)); }

    /// How often the core tells a hung-up descriptor that is not read.
    static constexpr unsigned patience = 64;

    sim::stage& on_;
    kernel& kernel_;
    std::vector<adapter_handle> devices_;
    std::array<int, 2> ram_{}; ///< sealed, and one that its owner cuts and lets grow
};

} // namespace vmsig::simkernel
