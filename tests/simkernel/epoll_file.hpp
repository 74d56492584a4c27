// epoll_file: the epoll of the simulated kernel, with the mechanics of fs/eventpoll.c: a list of
// what may be ready, which a wake-up appends to and a wait takes from, polling each entry. A
// level-triggered one goes back to the tail; what a batch had no room for stays at the head.
#pragma once

#include <deque>
#include <memory>

#include "file.hpp"

namespace vmsig::simkernel {

class epoll_file final : public file {
public:
    ~epoll_file() override {
        for (const auto& r : entries_) std::erase(r->of->watchers, r.get());
    }

    /// 0 or -errno, as epoll_ctl(2).
    int add(const std::shared_ptr<file>& f, int fd, const epoll_event& e) {
        if (find(f.get(), fd) != nullptr) return -EEXIST;
        if (const auto* inner = dynamic_cast<const epoll_file*>(f.get());
            inner != nullptr && inner->reaches(this))
            return -ELOOP;
        entries_.push_back(std::make_unique<registration>());
        registration& r = *entries_.back();
        r.set = this;
        r.of = f.get();
        r.fd = fd;
        f->watchers.push_back(&r);
        set_events(r, e);
        return 0;
    }
    int modify(const file* f, int fd, const epoll_event& e) {
        registration* r = find(f, fd);
        if (r == nullptr) return -ENOENT;
        set_events(*r, e);
        return 0;
    }
    int remove(const file* f, int fd) {
        registration* r = find(f, fd);
        if (r == nullptr) return -ENOENT;
        drop(*r);
        return 0;
    }
    void drop(registration& r) {
        std::erase(r.of->watchers, &r);
        std::erase(ready_, &r);
        std::erase_if(entries_, [&](const auto& e) { return e.get() == &r; });
    }

    /// A wake-up of its file.
    void heard(registration& r, std::uint32_t key) {
        if ((r.events & ~private_bits) == 0) return; // one-shot, and it was
        if (key != 0 && (key & r.events) == 0) return;
        link(r);
    }
    /// It will be told, ready or not.
    void pretend(registration& r) {
        r.spurious = true;
        link(r);
    }

    std::size_t collect(std::span<epoll_event> out) {
        std::deque<registration*> taken;
        taken.swap(ready_);
        std::size_t told = 0;
        while (told < out.size() && !taken.empty()) {
            registration& r = *taken.front();
            taken.pop_front();
            r.linked = false;
            std::uint32_t now = r.of->poll() & r.events;
            if (std::exchange(r.spurious, false) && now == 0) now = (EPOLLIN | EPOLLOUT) & r.events;
            if (now == 0) continue;
            out[told].events = now;
            out[told++].data.u64 = r.data;
            if (r.events & EPOLLONESHOT) {
                r.events &= private_bits;
            } else if (!(r.events & EPOLLET)) {
                ready_.push_back(&r);
                r.linked = true;
            }
        }
        ready_.insert(ready_.begin(), taken.begin(), taken.end());
        return told;
    }

    /// What a host that polls the epoll sees.
    std::uint32_t poll() override {
        while (!ready_.empty()) {
            registration& r = *ready_.front();
            if (r.spurious || (r.of->poll() & r.events) != 0) return EPOLLIN | EPOLLRDNORM;
            r.linked = false;
            ready_.pop_front();
        }
        return 0;
    }

    const std::vector<std::unique_ptr<registration>>& entries() const { return entries_; }
    registration* find(const file* f, int fd) {
        for (const auto& r : entries_)
            if (r->of == f && r->fd == fd) return r.get();
        return nullptr;
    }

private:
    static constexpr std::uint32_t private_bits =
        EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;

    void set_events(registration& r, const epoll_event& e) {
        r.events = e.events | EPOLLERR | EPOLLHUP;
        r.data = e.data.u64;
        r.spurious = false;
        if ((r.of->poll() & r.events) != 0) link(r);
    }
    void link(registration& r) {
        if (r.linked) return;
        r.linked = true;
        ready_.push_back(&r);
        wake(EPOLLIN);
    }
    bool reaches(const epoll_file* other) const {
        if (this == other) return true;
        return std::any_of(entries_.begin(), entries_.end(), [&](const auto& r) {
            const auto* inner = dynamic_cast<const epoll_file*>(r->of);
            return inner != nullptr && inner->reaches(other);
        });
    }

    std::vector<std::unique_ptr<registration>> entries_;
    std::deque<registration*> ready_;
};

inline file::~file() {
    while (!watchers.empty()) watchers.back()->set->drop(*watchers.back());
}

inline void file::wake(std::uint32_t key) {
    for (std::size_t i = watchers.size(); i-- > 0;) watchers[i]->set->heard(*watchers[i], key);
}

} // namespace vmsig::simkernel
