// turn_watch: what the kernel makes visible of each turn of a core: which calls it makes, what it
// is told and whether it passes that on, and that the epoll holds what is watched and nothing else.
#pragma once

#include <array>

#include <vmsig/reactor/reactor.hpp>

#include "../sim/stage.hpp"
#include "calls.hpp"
#include "happenings.hpp"
#include "port.hpp"

namespace vmsig::simkernel {

class turn_watch : public wait_watcher {
public:
    turn_watch(sim::verdict& v, kernel& k, port_table& ports)
        : broken_{v}
        , kernel_{k}
        , ports_{ports} {}

    /// From now on, of the core whose epoll it is.
    void attend(int epoll) { epoll_ = epoll; }

    // What the actors say.

    void added(port& p, watch_id w, interests what) {
        const bool again = in_turn_ && ports_.first([&](const port& o) {
            return &o != &p && o.in_batch && o.watched_as == p.fd;
        }) != nullptr;
        seen.reused += again ? 1 : 0;
        p.watch = w;
        p.watched_as = p.fd;
        p.watched = true;
        p.wants = what;
        p.was_ready = p.in_batch = p.called = false;
        p.passed = 0;
        p.calls = 0;
        broken_.expect(kernel_.find_as<epoll_file>(epoll_)->find(p.target, p.fd) != nullptr,
                       "I20: what is watched is in the epoll", p.number);
    }
    /// The core watches it no longer.
    void dropped(port& p) {
        if (!p.watched) return;
        p.watched = false;
        p.ghost = !p.open() && p.child >= 0;
        seen.ghosts += p.ghost ? 1 : 0;
    }
    /// A callback of the core for it.
    void called(port& p) {
        broken_.expect(p.watched, "27: nothing is told of a watch that is gone", p.number);
        broken_.expect(p.in_batch, "27: nothing is told that the kernel did not tell", p.number,
                       p.watch.value);
        p.called = true;
        ++p.calls;
        ++seen.told;
    }
    void asked(call c, std::uint32_t times = 1) { asked_[c] += times; }
    /// A call that may sleep is under way.
    void may_sleep(bool on) { may_sleep_ = on; }
    /// `enough` in the wait of each turn after so many. Borrowed until `no_limit`.
    template <class F>
    void limit_turns(std::uint64_t n, F& enough) {
        last_turn_ = seen.turns + n;
        enough_.emplace(enough);
    }
    void no_limit() { enough_.reset(); }
    int epoll() const { return epoll_; }

    // Each wait and each turn.

    void begins(int epoll, int timeout_ms) override {
        if (epoll != epoll_) return;
        broken_.expect(timeout_ms == 0 || (timeout_ms < 0 && may_sleep_),
                       "I18: nothing but a wait of run() may block", epoll_number(timeout_ms));
        if (in_turn_) turned();
        if (enough_ && seen.turns >= last_turn_) (*enough_)();
        in_turn_ = true;
        waited_ = something_ = false;
        before_ = library::counts;
        asked_ = {};
        watches_ = 0;
        ports_.for_each([this](port& p) {
            p.in_batch = p.called = false;
            p.was_ready = ready(p);
            watches_ += p.watched ? 1u : 0u;
        });
    }
    void ended(int epoll, std::span<const epoll_event> told, int room) override {
        if (epoll != epoll_) return;
        waited_ = true;
        for (const epoll_event& e : told) {
            something_ = something_ || e.data.u64 <= max_watch_token;
            port* p = ports_.of_watch(e.data.u64);
            if (p == nullptr) continue;
            p->in_batch = p->watched;
            seen.of_ghosts += p->ghost ? 1 : 0;
        }
        ports_.for_each([&](port& p) {
            if (p.in_batch || !p.was_ready)
                p.passed = 0;
            else
                p.passed += static_cast<std::uint64_t>(room);
            broken_.expect(p.passed < most_passed(), "no readiness is lost, all take turns",
                           p.number, p.passed);
        });
    }
    /// The turn has ended.
    void turned() {
        if (!in_turn_) return;
        in_turn_ = false;
        ports_.for_each([this](port& p) {
            if (!p.in_batch || p.called) return;
            broken_.expect(!p.watched, "what the kernel tells is passed on in its turn", p.number,
                           p.watch.value);
            ++seen.withdrawn;
        });
        check_calls();
    }

    /// The last turn was told nothing, though its wait succeeded.
    bool told_nothing() const { return waited_ && !something_; }

    /// Between turns.
    void check() {
        broken_.expect(library::careless == 0,
                       "R9: what the library opens is closed on exec and does not block");
        const auto* set = kernel_.find_as<epoll_file>(epoll_);
        if (!broken_.expect(set != nullptr, "the core keeps its epoll")) return;
        unsigned own = 0;
        for (const auto& r : set->entries()) {
            if (r->data > max_watch_token) {
                ++own;
                continue;
            }
            const port* p = ports_.of_watch(r->data);
            const bool known = p != nullptr && (p->watched || p->ghost) && p->alive() &&
                               p->target == r->of && p->watched_as == r->fd;
            broken_.expect(known, "I20: nothing in the epoll but what is watched", r->data,
                           p ? p->number : 0, p ? p->watched : 0, p ? p->ghost : 0);
        }
        broken_.expect(own == 2, "the reactor watches its bell and its timer", own);
        ports_.for_each([&](port& p) {
            if (!p.alive()) p.ghost = false;
            if (!p.watched || !p.alive()) return;
            const auto& all = set->entries();
            const bool there = std::any_of(all.begin(), all.end(), [&](const auto& r) {
                return r->of == p.target && r->fd == p.watched_as && r->data == p.watch.value &&
                       (r->events & ~EPOLLERR & ~EPOLLHUP) == (p.asked() & ~EPOLLERR & ~EPOLLHUP);
            });
            broken_.expect(there, "I20: what is watched is in the epoll, as it was asked for",
                           p.number, p.watch.value);
        });
        ports_.forget_needless();
        broken_.expect(kernel_.open_count() == ports_.declared() + own_descriptors,
                       "I20: open descriptors are those that somebody declared",
                       kernel_.open_count(), ports_.declared());
    }

    happenings seen;

private:
    /// The reactor's three, and the two memories of the machines.
    static constexpr std::size_t own_descriptors = 5;

    static std::uint64_t epoll_number(int n) {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(n));
    }
    bool ready(const port& p) const {
        if (!p.watched || !p.open()) return false;
        return (kernel_.poll(p.fd) & p.asked()) != 0;
    }
    /// As many as can stand before it in the list of the ready, and a batch.
    std::uint64_t most_passed() const { return 2 * (ports_.size() + 2) + 64; }

    void check_calls() {
        ++seen.turns;
        const auto made = [this](call c) { return library::counts[c] - before_[c]; };
        broken_.expect(made(call::epoll_wait) == 1, "I18: one wait in a turn");
        broken_.expect(made(call::clock_gettime) == 1, "I18: the clock is read once in a turn",
                       made(call::clock_gettime));
        broken_.expect(made(call::timerfd_settime) <= 1, "I18: the timer is set once in a turn");
        broken_.expect(made(call::write) <= 8 && made(call::read) <= 8,
                       "I18: the bell is rung a few times in a turn", made(call::write));
        broken_.expect(made(call::epoll_add) <= asked_[call::epoll_add] &&
                           made(call::epoll_modify) <= asked_[call::epoll_modify] &&
                           made(call::epoll_delete) <= watches_ + asked_[call::epoll_add],
                       "I18: the epoll is changed as often as somebody asks", made(call::epoll_add),
                       made(call::epoll_modify), made(call::epoll_delete));
        const std::uint32_t shared = asked_[call::open];
        broken_.expect(made(call::open) <= shared && made(call::fcntl) <= 4 * shared &&
                           made(call::fstat) <= shared && made(call::pread) <= 300 * shared,
                       "I18: memory is asked for as often as it is shared", made(call::open),
                       made(call::fcntl), made(call::fstat), made(call::pread));
    }

    sim::verdict& broken_;
    kernel& kernel_;
    port_table& ports_;
    int epoll_ = -1;
    bool in_turn_ = false;
    bool may_sleep_ = false;
    bool waited_ = false;
    bool something_ = false;
    std::uint32_t watches_ = 0;
    std::uint64_t last_turn_ = 0;
    std::optional<function_ref<void()>> enough_;
    call_counts before_;
    call_counts asked_;
};

} // namespace vmsig::simkernel
