// A control on another thread of the host has the verbs and the events of every control.
#include <vmsig/transport/thread_link.hpp>

#include "thread_host.hpp"

#include <fcntl.h>
#include <poll.h>

#include <array>

#include <vmsig/guest/view.hpp>

using namespace vmsig;
using test::next;
using test::thread_host;
using test::told;

TEST_CASE("thread: lease, command, receipt, release, from another thread") {
    thread_host h;
    const auto c = h.join();
    const endpoint_id vm = told(*c);
    CHECK(c->name_of(vm) == "build-7");
    const acquire_result got = c->acquire(vm, lease_class::input, {.reason = "a test"});
    REQUIRE(got);
    const auto view = c->status(vm, lease_class::input);
    REQUIRE(view);
    CHECK(view->holder == c->origin());
    CHECK(view->serial == got.lease.serial);
    const submit_result sent = c->submit(press(got.lease, KEY_A).hold(milliseconds(1)));
    REQUIRE(sent);
    const event* e = next(*c, kind::receipt);
    REQUIRE(e);
    CHECK(e->correlation == sent.id);
    CHECK(e->as<receipt>()->outcome == outcome::done);
    CHECK(c->release(got.lease) == refusal::none);
    CHECK(c->release(got.lease) == refusal::not_holder);
}

TEST_CASE("thread: a memctx comes with its descriptors once, owned, and memory is read for it") {
    thread_host h;
    const auto c = h.join();
    const endpoint_id vm = told(*c);
    auto got = c->memctx(vm);
    REQUIRE(got);
    CHECK(got->fds_included);
    CHECK(got->locator.level == export_level::sealed);
    REQUIRE(got->fds[0]);
    CHECK((::fcntl(got->fds[0].get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
    const std::uint64_t start = got->locator.regions()[0].start;
    const auto view = pread_view::open(got->locator, std::move(got->fds));
    REQUIRE(view);
    std::vector<std::byte> direct(4096);
    REQUIRE(view->read(guest_address::of(start, 0), direct));
    REQUIRE(c->submit(read_memory(vm, {start, 0}, 4096)));
    const event* e = next(*c, kind::receipt);
    REQUIRE(e);
    CHECK(e->as<receipt>()->bytes == 4096);
    REQUIRE(c->payload().size() == 4096);
    CHECK(std::equal(direct.begin(), direct.end(), c->payload().begin()));
    const auto again = c->memctx(vm);
    REQUIRE(again);
    CHECK_FALSE(again->fds_included);
    const auto audit = c->read_audit(vm, 20);
    REQUIRE(audit);
    CHECK_FALSE(audit->empty());
}

TEST_CASE("thread: whoever has a loop of its own polls the descriptor, and sleeps in between") {
    thread_host h;
    const auto c = h.join();
    const endpoint_id vm = told(*c);
    const auto readable = [&c](int ms) {
        ::pollfd p{c->fd(), POLLIN, 0};
        return ::poll(&p, 1, ms) == 1;
    };
    const auto got = c->acquire(vm, lease_class::input);
    REQUIRE(got);
    for (int n = 0; n < 100; ++n) {
        REQUIRE(c->submit(press(got.lease, KEY_A).hold(milliseconds(1))));
        bool over = false;
        while (!over) {
            if (const event* e = c->next_event())
                over = e->kind == kind::receipt;
            else
                REQUIRE(readable(20'000));
        }
    }
    while (c->next_event(milliseconds(50))) {}
    CHECK_FALSE(readable(0));
}

TEST_CASE("thread: when the bus is destroyed first, whoever waits is told, and verbs answer gone") {
    thread_host h;
    const auto waits = h.join(), acts = h.join(), idle = h.join();
    const endpoint_id vm = told(*acts);
    told(*idle);
    bool told_null = false;
    std::uint64_t calls = 0;
    std::thread first{[&] {
        while (waits->next_event(seconds(20))) {}
        told_null = !waits->connected();
    }};
    std::thread second{[&] {
        while (acts->may(verb::status, vm) == refusal::none) ++calls;
    }};
    h.end();
    h.bus.reset();
    first.join();
    second.join();
    CHECK(told_null);
    CHECK_FALSE(acts->connected());
    while (idle->next_event(seconds(20))) {} // what was told before
    CHECK(idle->lost().why == wire::farewell::detached);
    CHECK(idle->acquire(vm, lease_class::input).why == refusal::gone);
    CHECK(idle->submit(query_status(vm)).why == refusal::gone);
    for (const auto& l : h.links) CHECK_FALSE(l->attached());
}

TEST_CASE("thread: when the host takes the link away, whoever waits is told") {
    thread_host h;
    const auto c = h.join();
    told(*c);
    bool told_null = false;
    std::thread other{[&] {
        while (c->next_event(seconds(20))) {}
        told_null = !c->connected();
    }};
    h.on_loop([&h] { h.links.clear(); });
    other.join();
    CHECK(told_null);
    CHECK(c->lost().why == wire::farewell::detached);
}

TEST_CASE("thread: one that goes is detached, in whatever state, and what it held is free") {
    thread_host h;
    const auto witness = h.join();
    const endpoint_id vm = told(*witness);
    using state = void (*)(client&, endpoint_id);
    const state states[] = {
        [](client&, endpoint_id) {},
        [](client& c, endpoint_id) { told(c); },
        [](client& c, endpoint_id) { REQUIRE(c.acquire(told(c), lease_class::input)); },
        [](client& c, endpoint_id) {
            const auto got = c.acquire(told(c), lease_class::input);
            REQUIRE(got);
            REQUIRE(c.submit(press(got.lease, KEY_A).hold(seconds(100))));
        },
        [](client& c, endpoint_id) { REQUIRE(c.send(query_status(told(c))) != 0); },
        [](client& c, endpoint_id) { REQUIRE(c.memctx(told(c))); },
        [](client& c, endpoint_id at) {
            (void)c.may(verb::status, at);
            REQUIRE(c.subscribe(subscription::none()) == refusal::none);
        },
    };
    for (const state s : states) {
        auto c = h.join();
        s(*c, vm);
        const origin_id who = c->origin();
        std::thread{[gone = std::move(c)]() mutable { gone.reset(); }}.join();
        bool attached = true;
        for (int turns = 0; attached && turns < 10'000; ++turns)
            h.on_loop([&] { attached = h.links.back()->attached(); });
        CHECK_FALSE(attached);
        origin_id holder;
        std::uint32_t pending = 1;
        h.on_loop([&] {
            holder = h.bus->lease_of(h.vm, lease_class::input).owner.who;
            pending = h.bus->pending_of(who);
            h.links.pop_back();
        });
        CHECK_FALSE(holder);
        CHECK(pending == 0);
    }
    // An end that never became a control.
    std::unique_ptr<thread_host::link> unused;
    thread_end dropped = h.make_link(unused, h.everything());
    dropped = {};
    bool attached = true;
    while (attached) h.on_loop([&] { attached = unused->attached(); });
    h.on_loop([&] { unused.reset(); });
    thread_end kept = h.make_link(unused, h.everything());
    h.on_loop([&] { unused.reset(); });
    const auto late = client::over(std::move(kept));
    REQUIRE(late);
    while ((*late)->next_event(seconds(20))) {}
    CHECK((*late)->lost().why == wire::farewell::detached);
    CHECK_FALSE(client::over(thread_end{}));
}

TEST_CASE("thread: a verb answers within its deadline, though the loop does not turn") {
    thread_host h;
    const auto c = h.join({"", milliseconds(200)});
    const endpoint_id vm = told(*c);
    std::promise<void> blocked, go_on;
    auto released = go_on.get_future();
    auto both = [&] {
        blocked.set_value();
        released.wait();
    };
    auto* const run = &both;
    REQUIRE(h.bus->post([run] { (*run)(); }));
    blocked.get_future().wait();
    CHECK(c->may(verb::status, vm) == refusal::gone);
    CHECK_FALSE(c->connected());
    CHECK(c->lost().cause.code == ETIMEDOUT);
    go_on.set_value();
    bool attached = true;
    while (attached) h.on_loop([&] { attached = h.links.back()->attached(); });
}

TEST_CASE("thread: what is not the protocol ends that link alone") {
    thread_host h;
    const auto healthy = h.join();
    const endpoint_id vm = told(*healthy);
    h.links.emplace_back();
    thread_end end = h.make_link(h.links.back(), h.everything());
    REQUIRE_FALSE(end.reserve().empty());
    end.send(5);
    while (!end.hung_up()) {
        end.awake();
        if (end.sleep()) end.wait(seconds(20));
        while (end.receive([](auto, auto) {})) {}
    }
    CHECK(end.farewell() == wire::farewell::protocol);
    CHECK(healthy->may(verb::status, vm) == refusal::none);
}

TEST_CASE("thread: without room for another control a link is refused, and nothing is left of it") {
    core<> bus;
    std::vector<std::unique_ptr<thread_link<core<>>>> all;
    const auto one_more = [&] {
        all.push_back(std::make_unique<thread_link<core<>>>(bus, grant{}));
    };
    for (unsigned n = 0; n < core<>::limits::controls; ++n) one_more();
    CHECK_THROWS_AS(one_more(), setup_error);
    all.pop_back();
    while (bus.dispatch()) {}
    one_more();
}

TEST_CASE("thread: threads that act at the same time each get their own answers, and no ring is "
          "lost") {
    thread_host h;
    constexpr int agents = 4, rounds = 300;
    struct result {
        int answered = 0, done = 0;
        bool timed_out = false;
    };
    std::array<result, agents> results{};
    std::vector<std::unique_ptr<client>> clients;
    for (int n = 0; n < agents; ++n) clients.push_back(h.join());
    std::vector<std::thread> threads;
    for (int n = 0; n < agents; ++n) {
        threads.emplace_back([&c = *clients[static_cast<std::size_t>(n)],
                              &r = results[static_cast<std::size_t>(n)]] {
            endpoint_id vm;
            while (!vm) {
                const event* e = c.next_event(seconds(20));
                if (!e) return;
                if (e->kind == kind::replay_end) vm = e->endpoint;
            }
            for (int round = 0; round < rounds; ++round) {
                const submit_result sent = c.submit(query_status(vm));
                if (sent) ++r.answered;
                const event* e = nullptr;
                do {
                    e = c.next_event(seconds(20));
                    r.timed_out = r.timed_out || !e;
                } while (e && !(e->kind == kind::receipt && e->correlation == sent.id));
                if (e && e->as<receipt>()->outcome == outcome::done) ++r.done;
            }
        });
    }
    for (std::thread& t : threads) t.join();
    for (const result& r : results) {
        CHECK(r.answered == rounds);
        CHECK(r.done == rounds);
        CHECK_FALSE(r.timed_out);
    }
}
