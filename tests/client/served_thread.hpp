// A served bus that runs on a thread of its own, as a host does; the test is another program.
#pragma once

#include <vmsig/client/client.hpp>

#include <future>
#include <thread>

#include <transport/peers.hpp>

namespace vmsig::test {

struct served_thread : served<> {
    explicit served_thread(const server_options& o = {})
        : served<>{o}
        , loop{[this] { bus->run(); }} {}
    ~served_thread() {
        bus->stop();
        loop.join();
    }
    /// Runs it on the loop and waits for it.
    template <class F>
    void on_loop(F&& f) {
        std::promise<void> done;
        auto both = [&] {
            f();
            done.set_value();
        };
        auto* const run = &both;
        REQUIRE(bus->post([run] { (*run)(); }));
        done.get_future().wait();
    }
    std::unique_ptr<client> join(std::string_view name = "test") {
        auto c = client::connect(path(), {name, seconds(20)});
        REQUIRE(c);
        return std::move(*c);
    }

    std::thread loop;
};

/// The next event of that kind, or null; what comes before it is passed over.
inline const event* await(client& c, kind k) {
    while (const event* e = c.next_event(seconds(20)))
        if (e->kind == k) return e;
    return nullptr;
}

/// Until both machines are told of; the handle of "build-7".
inline endpoint_id settle(client& c) {
    for (int snapshots = 0; snapshots < 2;) {
        const event* e = c.next_event(seconds(20));
        REQUIRE(e);
        snapshots += e->kind == kind::replay_end ? 1 : 0;
    }
    const auto found = c.find("build-7");
    REQUIRE(found);
    return *found;
}

} // namespace vmsig::test
