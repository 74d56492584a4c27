// ground: a simulated kernel under a simulated core: the epoll reactor and the export gate run on
// it, devices, controls and the host have descriptors, calls fail, and a host polls the core as
// hosts do: only when its descriptor says so.
#pragma once

#include "../sim/ground.hpp"
#include "switchboard.hpp"

namespace vmsig::simkernel {

/// A control that may bring a socket.
class wired_control : public sim::actor {
public:
    explicit wired_control(sim::stage& s)
        : actor{s}
        , board_{static_cast<switchboard&>(*s.wires)} {
        socket_ = board_.socket_of_control();
    }

    int fd() const { return socket_ != nullptr ? socket_->fd : -1; }
    void on_ready(interests what, control_handle bus) {
        on_.ours([&] {
            on_.broken.expect(!detached(), "detach is a barrier: no callback begins",
                              origin().value);
            on_.log.line("control ready", origin().value, what.bits);
            board_.watch.called(*socket_);
            const bool end = board_.serve(*socket_) && (on_.calm || on_.dice.chance(50));
            if (on_.calm || on_.dice.chance(15)) want_write(bus);
            if (end || what.has(interest::hangup) || what.has(interest::error)) leave();
            on_.interfere();
            if (on_.fault(2)) throw sim::scripted_failure{};
        });
    }
    void on_detached() {
        on_.ours([&] { gone(); });
        actor::on_detached();
    }
    void gone() {
        if (socket_ == nullptr) return;
        socket_->abandoned = true;
        board_.watch.dropped(*socket_);
        if (on_.dice.chance(80)) board_.close(*socket_);
        socket_ = nullptr;
    }
    port* socket() { return socket_; }

private:
    void want_write(control_handle bus) {
        const bool on = !on_.calm && on_.dice.chance(50);
        board_.watch.asked(call::epoll_modify);
        const refusal r = on_.bus([&] { return bus.want_write(on); });
        if (r == refusal::none && socket_ != nullptr && socket_->watched && socket_->open())
            socket_->wants = on ? interest::read | interest::write : interests{interest::read};
    }

    switchboard& board_;
    port* socket_ = nullptr;
};

class kernel_ground {
public:
    using control = wired_control;

    kernel_ground(sim::stage& s, std::uint64_t seed)
        : on_{s}
        , kernel_{seed}
        , board_{s, kernel_} {
        s.wires = &board_;
        library::cost = &s.cost;
        library::counts = {};
        library::careless = 0;
        library::watcher = &board_.watch;
    }
    kernel_ground(const kernel_ground&) = delete;
    kernel_ground& operator=(const kernel_ground&) = delete;
    ~kernel_ground() {
        happenings& all = happened;
        const happenings& here = board_.watch.seen;
        all.turns += here.turns;
        all.sleeps += here.sleeps;
        all.told += here.told;
        all.withdrawn += here.withdrawn;
        all.reused += here.reused;
        all.behind += here.behind;
        all.ghosts += here.ghosts;
        all.of_ghosts += here.of_ghosts;
        all.hangups += here.hangups;
        all.refused += here.refused;
        all.clean_ups += here.clean_ups;
        all.mishaps += kernel_.luck.counted;
        library::cost = nullptr;
        library::watcher = nullptr;
    }

    template <class Core>
    void begin(Core& core) {
        board_.watch.attend(core.fd());
        kernel_.fd_limit = on_.dice.chance(30) ? 24 : 80;
        kernel_.watch_limit = 60;
        kernel_.tick = duration{200};
        kernel_.luck.set_level(on_.malice * 4);
    }
    template <class Core>
    bool pass(Core&) {
        if (kernel_.next_expiry() == instant::never()) return false;
        kernel_.advance(kernel_.next_expiry() - kernel_.now());
        return true;
    }
    template <class Core>
    void advance(Core&, duration d) {
        kernel_.advance(d);
    }
    template <class Core>
    bool act(Core& core) {
        if (on_.dice.below(100) >= 32) return false;
        const unsigned n = on_.dice.below(20);
        if (n < 7) {
            board_.act_of_peer();
        } else if (n < 11) {
            if (const adapter_handle* h = board_.any_device()) {
                const adapter_handle device = *h;
                port* p = board_.any_of(device);
                if (p != nullptr)
                    board_.act_of(device, *p);
                else
                    board_.open(device);
            }
        } else if (n == 11) {
            watch_of_host(core);
        } else if (n == 12) {
            unwatch_of_host(core);
        } else if (n < 17) {
            serve(core);
        } else {
            run(core);
        }
        return true;
    }
    template <class Core>
    void turned(Core& core, bool left) {
        board_.watch.turned();
        if (left)
            on_.broken.expect(kernel_.readable(core.fd()),
                              "a host is told of the work that is left");
    }
    template <class Core>
    void check(Core&) {
        board_.watch.check();
    }
    template <class Core>
    bool calls(Core& core) {
        return kernel_.readable(core.fd());
    }
    void calm() {
        kernel_.luck.set_level(0);
        board_.calm();
    }
    void attached(control& c) {
        port* p = c.socket();
        if (p == nullptr) return;
        const auto* set = kernel_.find_as<epoll_file>(core_fd());
        for (const auto& r : set->entries())
            if (r->of == p->target && r->fd == p->fd)
                board_.watch.added(*p, watch_id{r->data}, interest::read);
        on_.broken.expect(p->watched, "I20: the descriptor of a control is watched", p->number);
    }
    void refused(control& c) { c.gone(); }
    void end() {
        board_.end();
        on_.broken.expect(kernel_.open_count() == 0, "I20: nothing stays open",
                          kernel_.open_count());
    }

private:
    int core_fd() const { return board_.watch.epoll(); }

    /// A host that polls, and comes when it is called.
    template <class Core>
    void serve(Core& core) {
        if (on_.nested != 0) return;
        on_.log.line("host serves");
        unsigned idle = 0; // calls in a row for which there was nothing to do
        for (unsigned n = 0; n < 20 && kernel_.readable(core.fd()); ++n) {
            const bool left = on_.bus([&] { return core.dispatch(); });
            turned(core, left);
            idle = !left && board_.watch.told_nothing() ? idle + 1 : 0;
            on_.broken.expect(idle < 8, "a host is not called for nothing", idle);
        }
        if (!kernel_.readable(core.fd())) check_deadlines();
    }
    /// A host without a loop, until nothing more happens. Peers act while it sleeps.
    template <class Core>
    void run(Core& core) {
        if (on_.nested != 0) return;
        on_.log.line("host runs");
        unsigned sleeps = 0;
        auto nap = [&] {
            ++board_.watch.seen.sleeps;
            check_deadlines();
            if (++sleeps > 6 || on_.dice.chance(10)) return core.stop();
            if (kernel_.next_expiry() != instant::never() && on_.dice.chance(60))
                return kernel_.advance(kernel_.next_expiry() - kernel_.now());
            board_.act_of_peer();
        };
        function_ref<void()> hook{nap};
        kernel_.on_sleep = &hook;
        auto enough = [&] { core.stop(); }; // the handler of a signal that comes in a wait
        board_.watch.limit_turns(40, enough);
        board_.watch.may_sleep(true);
        on_.bus([&] { core.run(); });
        board_.watch.may_sleep(false);
        board_.watch.no_limit();
        kernel_.on_sleep = nullptr;
        core.restart();
        board_.watch.turned();
    }
    /// Whoever came whenever he was called has not slept through a deadline.
    void check_deadlines() {
        on_.model.commands.for_each_live([&](const sim::tracked_command& t) {
            if (!t.what.deadline || t.begun || kernel_.now() <= t.what.deadline + slack) return;
            on_.broken.expect(false, "26: a deadline wakes whoever sleeps", t.id.value,
                              static_cast<std::uint64_t>((kernel_.now() - t.what.deadline).ns));
        });
    }

    template <class Core>
    void watch_of_host(Core& core) {
        port* p = board_.ports.make(kernel_, static_cast<thing>(on_.dice.below(things)));
        if (p == nullptr) return;
        p->of = holder::host;
        unique_fd fd{p->fd};
        board_.watch.asked(call::epoll_add);
        const auto w = on_.bus([&] {
            return core.watch(
                fd, interest::read,
                [this, p, &core](interests what) { on_.ours([&] { host_ready(core, *p, what); }); },
                [this, p] { on_.ours([&] { clean_up(*p); }); });
        });
        on_.log.line("host watches", p->number, w ? w->value : 0);
        on_.broken.expect(!fd == w.has_value(), "a watch consumes its descriptor on success only",
                          p->number);
        (void)fd.release();
        if (w) {
            board_.watch.added(*p, *w, interest::read);
        } else {
            p->cleaned = true;
            board_.close(*p);
        }
    }
    template <class Core>
    void unwatch_of_host(Core& core) {
        port* p = board_.ports.any(on_.dice,
                                   [](const port& q) { return q.of == holder::host && q.watched; });
        if (p != nullptr) unwatch(core, *p);
    }
    template <class Core>
    void unwatch(Core& core, port& p) {
        on_.log.line("host unwatches", p.number);
        board_.watch.dropped(p);
        on_.bus([&] { core.unwatch(p.watch); });
    }
    template <class Core>
    void host_ready(Core& core, port& p, interests what) {
        on_.log.line("host ready", p.number, what.bits);
        board_.watch.called(p);
        const bool over =
            board_.serve(p) || what.has(interest::hangup) || what.has(interest::error);
        if (over && (on_.calm || on_.dice.chance(60)) && p.watched) unwatch(core, p);
        on_.interfere();
    }
    void clean_up(port& p) {
        on_.log.line("clean up", p.number);
        on_.broken.expect(!p.cleaned && kernel_.find(p.fd) == p.target,
                          "a clean-up runs once, before the close", p.number);
        ++board_.watch.seen.clean_ups;
        p.cleaned = true;
        p.watched = false;
        p.fd = -1; // closed when this returns
    }

    static constexpr duration slack{mishaps::latest.ns + 1'000'000};

    sim::stage& on_;
    kernel kernel_;
    switchboard board_;
};

} // namespace vmsig::simkernel
