// thread_connection: the connection through memory, to a link in the loop's thread.
#pragma once

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <vmsig/client/connection.hpp>
#include <vmsig/transport/frame.hpp>
#include <vmsig/transport/same_process.hpp>
#include <vmsig/transport/stream.hpp>
#include <vmsig/transport/thread_channel.hpp>

namespace vmsig {

class thread_connection final : public connection {
public:
    explicit thread_connection(thread_end end)
        : end_{std::move(end)} {}
    ~thread_connection() override {
        if (!here_) end_.abandon();
    }

    int fd() override {
        polled_ = true;
        rest();
        return end_.fd();
    }
    bool level_triggered() const override { return false; }
    /// For nobody who never polls, for the other side would ring a bell that nobody hears.
    void rest() override {
        if (polled_ && !end_.sleep()) end_.call_again();
    }
    bool greets() const override { return false; }

    expected<bool, os_error> send(std::span<const std::byte> datagram) override {
        if (end_.hung_up()) return unexpected{os_error{EPIPE, "send"}};
        const std::span<std::byte> place = end_.reserve();
        if (place.empty()) return false;
        std::memcpy(place.data(), datagram.data(), datagram.size());
        end_.send(datagram.size());
        return true;
    }

    expected<bool, os_error> receive(taker take, receiving) override {
        end_.awake();
        for (;;) {
            const bool over = end_.hung_up(); // before the look, for what was sent comes first
            if (end_.receive(take)) return true;
            if (over) return say_goodbye(take);
            if (end_.sleep()) return false;
        }
    }

    expected<bool, os_error> wait(bool for_room, duration at_most) override {
        if (!end_.sleep(for_room)) return true;
        end_.wait(at_most);
        return !end_.sleep(for_room);
    }

private:
    /// As its last datagram, whatever room there was: why the link is no more.
    expected<bool, os_error> say_goodbye(taker take) {
        if (std::exchange(said_, true)) return unexpected{os_error{ECONNRESET, "receive"}};
        std::array<std::byte, wire::frame_bytes<wire::goodbye>()> bytes;
        wire::writer to{bytes};
        wire::put_frame(to, wire::goodbye{end_.farewell(), {}});
        take(bytes, {});
        return true;
    }

    thread_end end_;
    const same_process here_;
    bool said_ = false;
    bool polled_ = false;
};

} // namespace vmsig
