// port: one descriptor of a device, a control or the host, with its other end; and the table of
// them, which is what is declared to be open and watched at any moment.
#pragma once

#include <memory>
#include <vector>

#include <vmsig/adapter/handle.hpp>
#include <vmsig/reactor/interest.hpp>

#include "kernel.hpp"

namespace vmsig::simkernel {

enum class thing : std::uint8_t { socket, pipe_reader, pipe_writer, counter, timer };
inline constexpr unsigned things = 5;
enum class holder : std::uint8_t { device, control, host };

struct port {
    std::uint64_t number = 0; ///< its cookie
    holder of = holder::device;
    adapter_id by;          ///< the device
    bool abandoned = false; ///< whoever held it was detached
    thing what = thing::socket;

    int fd = -1;                  ///< -1: closed
    int far = -1;                 ///< the other end; -1: closed, or there is none
    int child = -1;               ///< a duplicate that a forked child holds
    const file* target = nullptr; ///< what `fd` referred to; dangles when all are closed

    watch_id watch;       ///< the last one
    int watched_as = -1;  ///< the number under which it was added
    bool watched = false; ///< as far as anybody can know
    bool ghost = false;   ///< still in the epoll, because it could not be removed
    interests wants;

    bool was_ready = false;   ///< when the turn began
    bool in_batch = false;    ///< the kernel told it in this turn
    bool called = false;      ///< and the core
    unsigned calls = 0;       ///< of this watch
    std::uint64_t passed = 0; ///< places in batches since it is ready and was not told
    bool cleaned = false;     ///< the host's clean-up ran

    bool open() const { return fd >= 0; }
    /// The file lives.
    bool alive() const { return fd >= 0 || child >= 0; }
    bool needless() const {
        return fd < 0 && far < 0 && child < 0 && !watched && !ghost &&
               (of != holder::host || cleaned);
    }
    std::uint32_t asked() const {
        return (wants.has(interest::read) ? EPOLLIN : 0u) |
               (wants.has(interest::write) ? EPOLLOUT : 0u) |
               (wants.has(interest::hangup) ? EPOLLRDHUP : 0u) | EPOLLERR | EPOLLHUP;
    }
};

class port_table {
public:
    /// A new object and its other end. Null: no room for descriptors.
    port* make(kernel& k, thing what) {
        int ends[2] = {-1, -1};
        bool made = true;
        switch (what) {
        case thing::socket: made = k.socketpair(ends) == 0; break;
        case thing::pipe_reader: made = k.pipe(ends) == 0; break;
        case thing::pipe_writer:
            made = k.pipe(ends) == 0;
            std::swap(ends[0], ends[1]);
            break;
        case thing::counter: ends[0] = k.install(std::make_shared<event_counter>(0)); break;
        case thing::timer: ends[0] = k.timerfd_create(); break;
        }
        if (!made || ends[0] < 0) return nullptr;
        auto p = std::make_unique<port>();
        p->number = ++numbers_;
        p->what = what;
        p->fd = ends[0];
        p->far = ends[1];
        p->target = k.find(p->fd);
        if (auto* s = k.find_as<packet_socket>(p->fd)) s->send_buffer = small_buffer;
        all_.push_back(std::move(p));
        return all_.back().get();
    }
    port* find(std::uint64_t number) const {
        return first([&](const port& p) { return p.number == number; });
    }
    port* of_watch(std::uint64_t token) const {
        return first([&](const port& p) { return p.watch.value == token; });
    }
    template <class F>
    port* first(F&& is) const {
        for (const auto& p : all_)
            if (is(*p)) return p.get();
        return nullptr;
    }
    /// One of those that fit.
    template <class F>
    port* any(sim::random& dice, F&& fits) const {
        std::size_t n = 0;
        for (const auto& p : all_) n += fits(*p) ? 1 : 0;
        std::size_t chosen = dice.below(n);
        return first([&](const port& p) { return fits(p) && chosen-- == 0; });
    }
    template <class F>
    void for_each(F&& f) const {
        for (std::size_t i = 0; i < all_.size(); ++i) f(*all_[i]);
    }
    void forget_needless() {
        std::erase_if(all_, [](const auto& p) { return p->needless(); });
    }
    /// Descriptors that somebody holds.
    std::size_t declared() const {
        std::size_t n = 0;
        for (const auto& p : all_) n += (p->fd >= 0) + (p->far >= 0) + (p->child >= 0);
        return n;
    }
    std::size_t size() const { return all_.size(); }

private:
    static constexpr std::size_t small_buffer = 8 * 768; ///< full after eight frames

    std::vector<std::unique_ptr<port>> all_;
    std::uint64_t numbers_ = 0;
};

} // namespace vmsig::simkernel
