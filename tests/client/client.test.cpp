// A control in another process has the verbs of one in process, with the same answers.
#include <vmsig/client/client.hpp>

#include "served_thread.hpp"

#include <vmsig/guest/view.hpp>

#include <support/fd_count.hpp>

using namespace vmsig;
using test::await;
using test::served_thread;
using test::settle;

TEST_CASE("client: connects, is told of each endpoint by name, and of its state") {
    served_thread w;
    const auto c = w.join();
    CHECK(c->origin());
    settle(*c);
    std::vector<std::string> names;
    c->for_each_endpoint([&](endpoint_id, std::string_view n) { names.emplace_back(n); });
    std::sort(names.begin(), names.end());
    CHECK(names == std::vector<std::string>{"build-7", "db-1"});
}

TEST_CASE("client: lease, command, receipt, release") {
    served_thread w;
    const auto c = w.join();
    const endpoint_id vm = settle(*c);
    const acquire_result got = c->acquire(vm, lease_class::input, {.reason = "a test"});
    REQUIRE(got);
    const auto view = c->status(vm, lease_class::input);
    REQUIRE(view);
    CHECK(view->holder == c->origin());
    CHECK(view->serial == got.lease.serial);
    CHECK(std::string_view{view->reason.data()} == "a test");

    const submit_result sent = c->submit(press(got.lease, KEY_A).hold(milliseconds(1)));
    REQUIRE(sent);
    const event* e = await(*c, kind::receipt);
    REQUIRE(e);
    CHECK(e->correlation == sent.id);
    CHECK(e->as<receipt>()->outcome == outcome::done);
    CHECK(c->release(got.lease) == refusal::none);
    CHECK(c->release(got.lease) == refusal::not_holder);
    CHECK(c->submit(press(got.lease, KEY_A)).why == refusal::not_holder);
}

TEST_CASE("client: another's lease is held, waited for, and granted when it is free") {
    served_thread w;
    const auto a = w.join(), b = w.join();
    const endpoint_id vm_a = settle(*a), vm_b = settle(*b);
    const acquire_result first = a->acquire(vm_a, lease_class::power);
    REQUIRE(first);
    const acquire_result held = b->acquire(vm_b, lease_class::power);
    CHECK(held.why == refusal::held);
    CHECK(held.holder == a->origin());
    const acquire_result waits = b->acquire(vm_b, lease_class::power, {.wait = true});
    REQUIRE(waits.what == acquire_result::status::waiting);
    CHECK(a->release(first.lease) == refusal::none);
    const event* e = await(*b, kind::lease_granted);
    REQUIRE(e);
    CHECK(e->as<lease_granted>()->wait == waits.wait);
    CHECK(e->as<lease_granted>()->serial > first.lease.serial);
    CHECK(e->as<lease_granted>()->endpoint == vm_b);
    CHECK(b->renew(*e->as<lease_granted>(), seconds(9)) == refusal::none);
    CHECK(b->withdraw(waits.wait) != refusal::none); // it has ended
}

TEST_CASE("client: a reset makes what one acts upon stale until its notice is seen") {
    served_thread w;
    const auto c = w.join();
    const endpoint_id vm = settle(*c);
    const acquire_result got = c->acquire(vm, lease_class::input);
    const acquire_result power_lease = c->acquire(vm, lease_class::power);
    REQUIRE(got);
    REQUIRE(power_lease);
    const submit_result reset = c->submit(power(power_lease.lease, verb::reset));
    REQUIRE(reset);
    // Its notice is here, and nobody has looked at it.
    while (true) {
        const submit_result typed = c->submit(press(got.lease, KEY_A));
        if (typed.why == refusal::stale_epoch) break;
        REQUIRE(typed);
    }
    REQUIRE(await(*c, kind::epoch_changed));
    const event* e = await(*c, kind::receipt);
    while (e && e->correlation != reset.id) e = await(*c, kind::receipt);
    REQUIRE(e);
    CHECK(e->as<receipt>()->outcome == outcome::done);
    CHECK(c->submit(press(got.lease, KEY_A))); // the lease survives the epoch
}

TEST_CASE("client: the memctx comes with descriptors once per epoch, read-only, and shows memory") {
    served_thread w;
    const auto c = w.join();
    const endpoint_id vm = settle(*c);
    auto got = c->memctx(vm);
    REQUIRE(got);
    CHECK(got->fds_included);
    CHECK(got->locator.level == export_level::sealed);
    CHECK(got->locator.endpoint == vm);
    REQUIRE(got->fds[0]);
    CHECK((::fcntl(got->fds[0].get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
    CHECK(::write(got->fds[0].get(), "x", 1) < 0);
    const auto view = pread_view::open(got->locator, std::move(got->fds));
    REQUIRE(view);
    std::array<std::byte, 64> bytes{};
    CHECK(view->read(guest_address::of(got->locator.regions()[0].start, 0), bytes));

    const auto again = c->memctx(vm);
    REQUIRE(again);
    CHECK_FALSE(again->fds_included);
    CHECK_FALSE(again->fds[0]);
}

TEST_CASE("client: memory is read by the bus, and the receipt has the bytes") {
    served_thread w;
    const auto c = w.join();
    const endpoint_id vm = settle(*c);
    auto got = c->memctx(vm);
    REQUIRE(got);
    const std::uint64_t start = got->locator.regions()[0].start;
    const auto view = pread_view::open(got->locator, std::move(got->fds));
    REQUIRE(view);
    std::vector<std::byte> direct(4096);
    REQUIRE(view->read(guest_address::of(start, 0), direct));
    const submit_result sent = c->submit(read_memory(vm, {start, 0}, 4096));
    REQUIRE(sent);
    const event* e = await(*c, kind::receipt);
    REQUIRE(e);
    CHECK(e->as<receipt>()->bytes == 4096);
    REQUIRE(c->payload().size() == 4096);
    CHECK(std::equal(direct.begin(), direct.end(), c->payload().begin()));
}

TEST_CASE("client: guest memory is written under the lease, and only then") {
    served_thread w;
    const auto c = w.join();
    const endpoint_id vm = settle(*c);
    const acquire_result lease = c->acquire(vm, lease_class::memwrite);
    REQUIRE(lease);
    auto got = c->memctx(vm);
    REQUIRE(got);
    const ram_region ram = got->locator.regions()[0];
    const std::uint64_t at = ram.start + ram.length - 4096;
    const auto view = pread_view::open(got->locator, std::move(got->fds));
    REQUIRE(view);
    REQUIRE(c->submit(store(lease.lease, {at, 0}, 0x1122334455667788)));
    const event* e = await(*c, kind::receipt);
    REQUIRE(e);
    CHECK(e->as<receipt>()->outcome == outcome::done);
    std::vector<std::byte> longer(1000, std::byte{0xa5});
    REQUIRE(c->submit(write_memory(lease.lease, {at + 8, 0}, 1000, write_mode::paused), longer));
    e = await(*c, kind::receipt);
    REQUIRE(e);
    CHECK(e->as<receipt>()->outcome == outcome::done);
    CHECK(e->as<receipt>()->mode == write_mode::paused);
    std::vector<std::byte> bytes(1008);
    REQUIRE(view->read(guest_address::of(at, 0), bytes));
    CHECK(bytes[0] == std::byte{0x88});
    CHECK(std::equal(longer.begin(), longer.end(), bytes.begin() + 8));
}

TEST_CASE(
    "client: without a right every verb is denied, and the host's word takes effect at once") {
    served_thread w;
    w.on_loop([&w] {
        w.gate.rule = [&w](const peer_identity&) { return grant{}.on(w.vm).allow(right::observe); };
    });
    const auto c = w.join();
    while (const event* e = c->next_event(seconds(20)))
        if (e->kind == kind::replay_end) break;
    const auto vm = c->find("build-7");
    REQUIRE(vm);
    CHECK(c->find("db-1").error() == refusal::denied);
    CHECK(c->acquire(*vm, lease_class::input).why == refusal::denied);
    CHECK(c->memctx(*vm).error() == refusal::denied);
    CHECK(c->read_audit(*vm, 10).error() == refusal::denied);
    CHECK(c->statistics(*vm).error() == refusal::denied);
    CHECK(c->may(verb::reset, *vm) == refusal::denied);
    CHECK(c->may(verb::status, *vm) == refusal::none);

    w.on_loop([&w] {
        w.gate.rule = [&w](const peer_identity&) {
            return grant{}.on(w.vm).allow(right::observe | right::power | right::admin);
        };
        w.door->reauthenticate();
    });
    REQUIRE(await(*c, kind::grant_changed));
    REQUIRE(await(*c, kind::replay_end));
    CHECK(c->acquire(*vm, lease_class::power));
    CHECK(c->statistics(*vm)->epoch.value >= 1);
    const auto records = c->read_audit(*vm, 50);
    REQUIRE(records);
    REQUIRE_FALSE(records->empty());
    CHECK(records->back().what == decision::lease_granted);
    CHECK(records->back().endpoint == *vm);

    w.on_loop([&w] {
        w.gate.rule = [](const peer_identity&) { return std::optional<grant>{}; };
        w.door->reauthenticate();
    });
    while (c->next_event(seconds(20))) {}
    CHECK_FALSE(c->connected());
    CHECK(c->lost().why == wire::farewell::denied);
    CHECK(c->acquire(*vm, lease_class::power).why == refusal::gone);
}

TEST_CASE("client: what is not subscribed to does not come, and a wider subscription is replayed") {
    served_thread w;
    const auto c = w.join();
    const endpoint_id vm = settle(*c);
    const auto other = c->find("db-1");
    REQUIRE(other);
    REQUIRE(c->subscribe(subscription{}.on(vm)) == refusal::none);
    const auto lease_there = c->acquire(*other, lease_class::power);
    REQUIRE(lease_there);
    REQUIRE(c->submit(power(lease_there.lease, verb::pause)));
    for (;;) {
        const event* e = c->next_event(seconds(20));
        REQUIRE(e);
        CHECK((e->kind != kind::lifecycle || e->endpoint != *other));
        if (e->kind == kind::receipt) break;
    }
    REQUIRE(c->subscribe(subscription::all()) == refusal::none);
    const event* e = await(*c, kind::lifecycle);
    REQUIRE(e);
    CHECK(e->endpoint == *other);
    CHECK(e->as<lifecycle>()->state == vm_state::paused);
    CHECK(e->as<lifecycle>()->replayed == 1);
}

TEST_CASE("client: many commands in flight, each answered once and ended once, in order") {
    served_thread w;
    const auto c = w.join();
    const endpoint_id vm = settle(*c);
    const acquire_result lease = c->acquire(vm, lease_class::memwrite);
    auto got = c->memctx(vm);
    REQUIRE(lease);
    REQUIRE(got);
    const std::uint64_t at = got->locator.regions()[0].length - 4096;
    std::vector<std::uint32_t> requests;
    std::vector<correlation_id> accepted;
    std::vector<correlation_id> ended;
    constexpr std::size_t total = 5000;
    while (ended.size() < total) {
        while (requests.size() < 64 && accepted.size() + requests.size() < total &&
               accepted.size() + requests.size() - ended.size() < 200)
            requests.push_back(c->send(store(lease.lease, {at, 0}, ended.size())));
        c->flush();
        const event* e = c->next_event(seconds(20));
        REQUIRE(e);
        if (e->kind == kind::receipt) ended.push_back(e->correlation);
        submit_result r;
        while (!requests.empty() && c->submitted(requests.front(), r)) {
            REQUIRE(r);
            accepted.push_back(r.id);
            requests.erase(requests.begin());
        }
    }
    CHECK(ended == accepted);
}

TEST_CASE("client: one that is destroyed says bye, and its lease is free") {
    served_thread w;
    {
        const auto c = w.join();
        REQUIRE(c->acquire(settle(*c), lease_class::input));
    }
    const auto next = w.join();
    const endpoint_id vm = settle(*next);
    CHECK(next->acquire(vm, lease_class::input, {.wait = true}).why == refusal::none);
    std::vector<std::pair<origin_id, wire::farewell>> gone;
    w.on_loop([&] { gone = w.gate.gone; });
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].second == wire::farewell::by_request);
}

TEST_CASE("client: nobody there, or one that hangs up, is an error that says so") {
    const auto nobody = client::connect("/nonexistent/socket");
    REQUIRE_FALSE(nobody);
    CHECK(nobody.error().cause.code == ENOENT);
    served_thread w;
    const auto c = w.join();
    settle(*c);
    const origin_id who = c->origin();
    w.on_loop([&w, who] { w.bus->detach(who); });
    while (c->next_event(seconds(20))) {}
    CHECK_FALSE(c->connected());
    CHECK(c->lost().why == wire::farewell::detached);
}
