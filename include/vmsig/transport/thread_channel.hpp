// thread_end: one of the two ends of a channel between threads: datagrams both ways, in bounded
// memory, with descriptors beside them, and doorbells. Not what the datagrams say. Each end is one
// thread's at a time; either may go first.
//
// The sequence of whoever serves an end: `awake`, `receive` until there is nothing, `sleep` until
// it says true, then poll `fd()` or `wait`. An end that found no room is woken when there is some.
#pragma once

#include <array>
#include <memory>
#include <utility>

#include <vmsig/memctx/locator.hpp>
#include <vmsig/reactor/sleep_flag.hpp>
#include <vmsig/transport/datagram_ring.hpp>
#include <vmsig/transport/doorbell.hpp>

namespace vmsig {

class thread_end {
public:
    /// The other one has closed.
    thread_end() = default;
    /// Two that belong together. Allocates all that they ever use; throws std::bad_alloc or
    /// std::system_error.
    static std::pair<thread_end, thread_end> make() {
        const auto shared = std::make_shared<channel>();
        return {thread_end{shared, 0}, thread_end{shared, 1}};
    }
    thread_end(thread_end&&) noexcept = default;
    thread_end& operator=(thread_end&& other) noexcept {
        close(wire::farewell::by_request);
        channel_ = std::move(other.channel_);
        me_ = other.me_;
        return *this;
    }
    ~thread_end() { close(wire::farewell::by_request); }

    explicit operator bool() const { return channel_ != nullptr; }
    /// To be polled for reading while this end sleeps.
    int fd() const { return mine().bell.fd(); }

    /// A place for one datagram; empty: not now.
    std::span<std::byte> reserve() {
        const std::span<std::byte> place = theirs().in.reserve();
        if (!place.empty()) return place;
        theirs().writer_waits.declare();
        return theirs().in.reserve();
    }
    /// The first bytes of what was reserved. Consumes `fds`; the last ones must have been received.
    void send(std::size_t bytes, std::span<unique_fd> fds = {}) {
        for (std::size_t n = 0; n < fds.size(); ++n) theirs().fds[n] = std::move(fds[n]);
        theirs().in.publish(bytes, static_cast<std::uint32_t>(fds.size()));
        theirs().bell.ring();
    }
    /// take(bytes, descriptors) of the oldest datagram. False: there is none.
    template <class F>
    bool receive(F&& take) {
        const datagram_ring::datagram next = mine().in.front();
        if (next.bytes.empty()) return false;
        const std::span<unique_fd> fds = std::span{mine().fds}.first(next.mark);
        take(next.bytes, fds);
        for (unique_fd& fd : fds) fd.reset();
        mine().in.pop();
        if (mine().writer_waits.claim_ordered()) theirs().bell.ring();
        return true;
    }
    bool readable() const { return !mine().in.empty(); }

    void awake() { mine().bell.awake(); }
    /// False: there is something to do.
    bool sleep(bool for_room = false) {
        mine().bell.declare();
        return !readable() && !hung_up() && !(for_room && !theirs().in.reserve().empty());
    }
    /// After `sleep` said true. False: it was not rung; the time is over, or a signal came.
    bool wait(duration at_most) { return mine().bell.wait(at_most); }
    /// `fd()` is readable at once.
    void call_again() { mine().bell.ring(); }

    /// What was sent before can still be received.
    void close(wire::farewell why) {
        if (!channel_ || closed()) return;
        mine().left.exchange(why, std::memory_order_seq_cst);
        theirs().bell.ring();
    }
    /// In a forked child: forgets its copy, and rings for nobody in the parent.
    void abandon() { channel_.reset(); }
    bool closed() const { return mine().left.load() != wire::farewell::none; }
    bool hung_up() const { return farewell() != wire::farewell::none; }
    /// Why the other one has closed; `none`: it has not.
    wire::farewell farewell() const { return theirs().left.load(std::memory_order_seq_cst); }

private:
    struct side {
        datagram_ring in;
        std::array<unique_fd, max_ram_fds> fds{}; ///< of the one datagram that brings some
        sleep_flag writer_waits;                  ///< for room in `in`
        doorbell bell;
        std::atomic<wire::farewell> left{wire::farewell::none};
    };
    using channel = std::array<side, 2>;

    thread_end(std::shared_ptr<channel> c, unsigned me)
        : channel_{std::move(c)}
        , me_{me} {}
    side& mine() const { return (*channel_)[me_]; }
    side& theirs() const { return (*channel_)[1 - me_]; }

    std::shared_ptr<channel> channel_;
    unsigned me_ = 0;
};

} // namespace vmsig
