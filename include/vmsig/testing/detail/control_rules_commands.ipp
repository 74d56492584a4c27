// control_conformance, the rules about commands: one receipt each, in order, in time, under its
// fences, within its quotas.
#pragma once

namespace vmsig::testing::detail {

template <class Core, class Make>
class control_command_rules {
public:
    using bench = control_bench<Core, std::invoke_result_t<Make&>>;
    using subject = typename bench::subject;
    using habit = suite_machine::habit;

    control_command_rules(Make& m, report& into)
        : make_{m}
        , to_{into} {}

    void receipts() {
        bench b{make_};
        subject& s = b.join(b.everything());
        const lease host = s.acquire(b.vm, lease_class::power).lease;
        std::vector<std::uint64_t> asked;
        for (int n = 0; n < 12; ++n) {
            b.machine.does = n % 3 == 0 ? habit::fails : habit::does_it;
            control_request r;
            r.asks = control_request::call::submit;
            r.what = n % 2 ? command{query_status(b.vm)} : command{power(host, verb::pause)};
            asked.push_back(s.send(r)); // not awaited
            if (n % 4 == 3) b.settle();
        }
        b.settle();
        std::vector<correlation_id> ids;
        for (const std::uint64_t number : asked) {
            const control_message* answer = s.answer(number);
            if (!VMSIG_EXPECT(to_, "each submission is answered", answer != nullptr)) return;
            VMSIG_EXPECT(to_, "what is accepted has an id",
                         answer->why == refusal::none && answer->id);
            VMSIG_EXPECT(to_, "... of its own",
                         std::find(ids.begin(), ids.end(), answer->id) == ids.end());
            ids.push_back(answer->id);
            VMSIG_EXPECT(to_, "each accepted command ends in exactly one receipt",
                         s.receipts_of(answer->id) == 1);
            const std::size_t at = s.place([&](const control_message& m) { return &m == answer; });
            VMSIG_EXPECT(to_, "the answer comes before the receipt",
                         at < s.place_of_receipt(answer->id));
        }
        const std::size_t done =
            s.count_if([](const control_message& m) { return ends(m, outcome::done); });
        const std::size_t failed =
            s.count_if([](const control_message& m) { return ends(m, outcome::failed); });
        VMSIG_EXPECT(to_, "receipts say how it ended",
                     done + failed == asked.size() && failed != 0 && done != 0);
    }

    void refusals() {
        bench b{make_};
        subject& s = b.join(b.everything());
        command bad = query_status(b.vm);
        bad.verb = static_cast<verb>(200);
        const lease none{b.vm, {}, lease_class::input};
        const std::pair<command, refusal> cases[] = {
            {bad, refusal::invalid},
            {press(none, KEY_A), refusal::not_holder},
            {power({b.vm, serial_number{99}, lease_class::power}, verb::reset),
             refusal::not_holder},
            {press(none, BTN_TOUCH), refusal::not_holder},
            {read_memory(b.vm, {}, 8).pinned(epoch_number{99}), refusal::stale_epoch},
        };
        for (const auto& [c, why] : cases) {
            const auto got = s.submit(c);
            VMSIG_EXPECT(to_, "a refusal says why and has no id", got.why == why && !got.id);
        }
        b.settle();
        VMSIG_EXPECT(to_, "... and has no receipt", s.count(kind::receipt) == 0);
        VMSIG_EXPECT(to_, "... and does not reach the machine", b.machine.begun.empty());
    }

    void cancelling() {
        bench b{make_};
        subject& s = b.join(b.everything());
        subject& other = b.join(b.everything());
        b.machine.does = habit::leaves_it;
        const auto handed = s.submit(query_status(b.vm));
        b.settle();
        VMSIG_EXPECT(to_, "another's command cannot be cancelled",
                     other.cancel(handed.id) == cancel_result::too_late);
        VMSIG_EXPECT(to_, "what has not begun is cancelled",
                     s.cancel(handed.id) == cancel_result::cancelled);
        b.settle();
        VMSIG_EXPECT(to_, "... and its receipt says so",
                     s.receipts_of(handed.id) == 1 &&
                         s.outcome_of(handed.id) == outcome::cancelled);
        b.machine.does = habit::takes_it;
        const auto begun = s.submit(query_status(b.vm));
        b.settle();
        VMSIG_EXPECT(to_, "what has begun is not", s.cancel(begun.id) == cancel_result::too_late);
        VMSIG_EXPECT(to_, "what has begun is not over before it is", s.receipts_of(begun.id) == 0);
        b.machine.bus.complete(begun.id, {});
        b.settle();
        VMSIG_EXPECT(to_, "... and ends in its true outcome",
                     s.receipts_of(begun.id) == 1 && s.outcome_of(begun.id) == outcome::done);
        VMSIG_EXPECT(to_, "a receipt goes to its issuer alone", other.count(kind::receipt) == 0);
    }

    void times() {
        bench b{make_};
        subject& s = b.join(b.everything());
        const lease keys = s.acquire(b.vm, lease_class::input).lease;
        b.machine.does = habit::leaves_it;
        const auto late = s.submit(query_status(b.vm).within(seconds(1)));
        b.advance(seconds(2));
        VMSIG_EXPECT(to_, "what has not begun by its deadline is expired",
                     s.outcome_of(late.id) == outcome::expired);
        b.machine.does = habit::does_it;
        const auto delayed = s.submit(query_status(b.vm).delayed(seconds(1)));
        const auto next = s.submit(query_status(b.vm));
        b.settle();
        VMSIG_EXPECT(to_, "a delayed command blocks nobody",
                     s.outcome_of(delayed.id) == outcome::none &&
                         s.outcome_of(next.id) == outcome::done);
        b.advance(seconds(2));
        VMSIG_EXPECT(to_, "... and comes in its time", s.outcome_of(delayed.id) == outcome::done);
        b.machine.begun.clear();
        const auto held = s.submit(press(keys, KEY_A).hold(seconds(1)));
        b.settle();
        VMSIG_EXPECT(to_, "a hold presses and waits",
                     b.machine.begun.size() == 1 && s.outcome_of(held.id) == outcome::none);
        b.advance(seconds(2));
        VMSIG_EXPECT(to_, "... then releases, and is done",
                     b.machine.begun.size() == 2 && s.outcome_of(held.id) == outcome::done);
    }

    void order() {
        bench b{make_};
        subject& s = b.join(b.everything());
        const lease keys = s.acquire(b.vm, lease_class::input).lease;
        std::vector<correlation_id> ids;
        for (std::uint16_t k = 0; k < 10; ++k)
            ids.push_back(s.submit(press(keys, static_cast<std::uint16_t>(KEY_1 + k))).id);
        b.settle();
        bool same = b.machine.begun.size() == ids.size();
        for (std::size_t n = 0; same && n < ids.size(); ++n) same = b.machine.begun[n].id == ids[n];
        VMSIG_EXPECT(to_, "commands of one class are handed over in their order", same);
        b.machine.does = habit::takes_it;
        const auto first = s.submit(query_status(b.vm));
        const auto after = s.submit(release_key(keys, KEY_1).following(first.id));
        b.settle();
        VMSIG_EXPECT(to_, "what follows a command waits for its end",
                     b.machine.begun.back().id == first.id);
        b.machine.does = habit::does_it;
        b.machine.bus.complete(first.id, {});
        b.settle();
        VMSIG_EXPECT(to_, "... and begins then", s.outcome_of(after.id) == outcome::done);
    }

    void fences() {
        bench b{make_};
        subject& s = b.join(b.everything());
        const lease keys = s.acquire(b.vm, lease_class::input).lease;
        b.machine.does = habit::leaves_it;
        const auto stale = s.submit(press(keys, KEY_A));
        b.settle();
        b.machine.happens(transition::reset);
        b.settle();
        VMSIG_EXPECT(to_, "an epoch ends what was to begin in the one before",
                     s.outcome_of(stale.id) == outcome::stale_epoch);
        const auto lost = s.submit(press(keys, KEY_A));
        b.settle();
        s.release(keys);
        b.settle();
        VMSIG_EXPECT(to_, "the end of a lease ends what was to begin under it",
                     s.outcome_of(lost.id) == outcome::lease_lost);
        b.machine.does = habit::takes_it;
        for (const fenced_command& c : std::exchange(b.machine.left, {})) b.machine.take(c);
        VMSIG_EXPECT(to_, "... and none of it can be taken any more", b.machine.begun.empty());
        b.bus.remove_endpoint(b.vm);
        b.settle();
        VMSIG_EXPECT(to_, "the end of an endpoint is told", s.count(kind::endpoint_removed) == 1);
        VMSIG_EXPECT(to_, "... and it is as if it never was",
                     s.submit(query_status(b.vm)).why == refusal::denied &&
                         s.find(b.name).why == refusal::denied);
    }

    void quotas() {
        bench b{make_};
        grant little = b.everything();
        subject& s = b.join(little.pending(4).timers(2));
        subject& other = b.join(b.everything());
        b.machine.does = habit::takes_it;
        for (int n = 0; n < 4; ++n)
            VMSIG_EXPECT(to_, "up to its quota a control's commands are accepted",
                         bool{s.submit(query_status(b.vm))});
        VMSIG_EXPECT(to_, "beyond it `busy`", s.submit(query_status(b.vm)).why == refusal::busy);
        const auto others = other.submit(query_status(b.vm));
        VMSIG_EXPECT(to_, "... and nobody else notices", bool{others});
        b.settle();
        for (const auto& e : b.machine.begun) b.machine.bus.complete(e.id, {});
        b.settle();
        b.machine.does = habit::does_it;
        VMSIG_EXPECT(to_, "what ended is given back", bool{s.submit(query_status(b.vm))});
        b.settle();
        for (int n = 0; n < 2; ++n) s.submit(query_status(b.vm).delayed(seconds(1)));
        VMSIG_EXPECT(to_, "timers have a quota of their own",
                     s.submit(query_status(b.vm).delayed(seconds(1))).why == refusal::busy &&
                         s.submit(query_status(b.vm)));
    }

private:
    static bool ends(const control_message& m, outcome o) {
        if (!subject::is(m, kind::receipt)) return false;
        const auto* r = m.event.template as<receipt>();
        return r && r->outcome == o;
    }

    Make& make_;
    report& to_;
};

} // namespace vmsig::testing::detail
