// thread_carrier: the controls of control_conformance.hpp on a thread of their own each: a real
// link on the core under test, whose other end is served by that thread. Time is the manual
// reactor's, and each step is awaited, so that a rule sees what it asked for.
#pragma once

#include <vmsig/client/thread_connection.hpp>
#include <vmsig/testing/control_port.hpp>
#include <vmsig/transport/thread_link.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include <transport/bridge.hpp>

#include "frame_port.hpp"

namespace vmsig::testing {

/// A connection that lives on a thread of its own, where each call of it is made.
class other_thread final : public connection {
public:
    explicit other_thread(thread_end end)
        : thread_{[this, e = std::move(end)]() mutable { serve(std::move(e)); }} {
        run([] {});
    }
    ~other_thread() override {
        run([this] { over_ = true; });
        thread_.join();
    }
    int fd() override {
        int number = -1;
        run([&] { number = inner_->fd(); });
        return number;
    }
    void rest() override {
        run([this] { inner_->rest(); });
    }
    bool level_triggered() const override { return inner_->level_triggered(); }
    bool greets() const override { return inner_->greets(); }
    expected<bool, os_error> send(std::span<const std::byte> datagram) override {
        expected<bool, os_error> result = false;
        run([&] { result = inner_->send(datagram); });
        return result;
    }
    expected<bool, os_error> receive(taker take, receiving how) override {
        expected<bool, os_error> result = false;
        run([&] { result = inner_->receive(take, how); });
        return result;
    }
    expected<bool, os_error> wait(bool for_room, duration at_most) override {
        expected<bool, os_error> result = false;
        run([&] { result = inner_->wait(for_room, at_most); });
        return result;
    }

private:
    void run(std::function<void()> f) {
        std::unique_lock lock{mutex_};
        work_ = std::move(f);
        changed_.notify_all();
        changed_.wait(lock, [this] { return !work_; });
    }
    void serve(thread_end end) {
        thread_connection mine{std::move(end)};
        std::unique_lock lock{mutex_};
        inner_ = &mine;
        while (!over_) {
            changed_.wait(lock, [this] { return static_cast<bool>(work_); });
            work_();
            work_ = nullptr;
            changed_.notify_all();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::function<void()> work_;
    bool over_ = false;
    thread_connection* inner_ = nullptr;
    std::thread thread_; // last: it uses the others
};

/// Makes a link for each control; they go before the core does, with a watch of it.
template <class Core>
class thread_carrier {
public:
    std::unique_ptr<control_port> attach(Core& bus, const grant& g, const subscription& s) {
        if (!opened_) open(bus);
        links_.push_back(std::make_unique<link>(bus, g, subscription::none()));
        auto port =
            std::make_unique<frame_port>(std::make_unique<other_thread>(links_.back()->take_end()));
        for (int n = 0; n < 100 && !port->welcomed(); ++n) turn(bus);
        std::string first;
        bus.for_each_endpoint([&](endpoint_id, std::string_view n) {
            if (first.empty()) first = n;
        });
        port->begin(s, first);
        for (int n = 0; n < 100 && !port->begun(); ++n) turn(bus);
        return port;
    }
    bool turn(Core& bus) {
        const bool ready = test::tell_readiness(bus);
        return bus.dispatch() || ready;
    }
    void pass(Core& bus, duration d) { bus.reactor().advance(d); }

private:
    using link = thread_link<Core>;

    void open(Core& bus) {
        unique_fd last{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        const auto kept = bus.watch(
            last, interest::read, [](interests) {}, [this] { links_.clear(); });
        VMSIG_ASSERT(kept.has_value());
        opened_ = kept.has_value();
    }

    std::vector<std::unique_ptr<link>> links_;
    bool opened_ = false;
};

} // namespace vmsig::testing
