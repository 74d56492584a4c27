// A bus with a stub machine that runs on a thread of its own; the test is another thread of the
// host, with a link to it.
#pragma once

#include <vmsig/client/client.hpp>
#include <vmsig/transport/thread_link.hpp>

#include <future>
#include <memory>
#include <thread>

#include <vmsig/core/core.hpp>
#include <vmsig/stub/machine.hpp>

#include <support/catch.hpp>

namespace vmsig::test {

struct thread_host {
    using link = thread_link<core<>>;

    thread_host()
        : bus{std::make_unique<core<>>()}
        , vm{bus->add_endpoint("build-7")} {
        machine.plug_into(*bus, vm);
        loop = std::thread{[this] { bus->run(); }};
    }
    ~thread_host() { end(); }
    void end() {
        if (!loop.joinable()) return;
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
    grant everything() const {
        return grant{}.on_every().allow(right::observe | right::memctx | right::memread |
                                        right::memwrite | right::input | right::power |
                                        right::admin);
    }
    /// Made on the loop; goes with the host unless it went before.
    thread_end make_link(std::unique_ptr<link>& into, const grant& g) {
        thread_end end;
        on_loop([&] {
            into = std::make_unique<link>(*bus, g);
            end = into->take_end();
        });
        return end;
    }
    std::unique_ptr<client> join(const client_options& o = {"", seconds(20)}) {
        links.emplace_back();
        auto c = client::over(make_link(links.back(), everything()), o);
        REQUIRE(c);
        return std::move(*c);
    }

    stub::machine machine;
    std::unique_ptr<core<>> bus;
    std::vector<std::unique_ptr<link>> links;
    endpoint_id vm;
    std::thread loop;
};

/// The next event of that kind, or null; what comes before it is passed over.
inline const event* next(client& c, kind k) {
    while (const event* e = c.next_event(seconds(20)))
        if (e->kind == k) return e;
    return nullptr;
}

/// Until it has been told what there is; the machine's handle.
inline endpoint_id told(client& c) {
    const event* e = next(c, kind::replay_end);
    REQUIRE(e);
    return e->endpoint;
}

} // namespace vmsig::test
