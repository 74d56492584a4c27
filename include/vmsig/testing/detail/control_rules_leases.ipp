// control_conformance, the rules about leases: one owner, waiting, losing, and neutral input.
#pragma once

namespace vmsig::testing::detail {

template <class Core, class Make>
class control_lease_rules {
public:
    using bench = control_bench<Core, std::invoke_result_t<Make&>>;
    using subject = typename bench::subject;

    static constexpr bool asks = std::is_same_v<typename Core::arbitration_type, ask_arbitration>;

    control_lease_rules(Make& m, report& into)
        : make_{m}
        , to_{into} {}

    void ownership() {
        bench b{make_};
        subject& s = b.join(b.everything());
        subject& other = b.join(b.everything());
        subject& blind = b.join(b.with(right::power));
        const auto mine = s.acquire(b.vm, lease_class::power);
        b.settle();
        VMSIG_EXPECT(to_, "a free lease is granted", bool{mine});
        VMSIG_EXPECT(to_, "... and told to its owner", [&] {
            const auto told = s.template all<lease_granted>();
            return told.size() == 1 && told[0].serial == mine.lease.serial &&
                   told[0].lease_class == lease_class::power;
        }());
        VMSIG_EXPECT(to_, "... and to who may observe, alone",
                     other.count(kind::lease_changed) == 1 &&
                         blind.count(kind::lease_changed) == 0);
        VMSIG_EXPECT(to_, "what one holds keeps its serial",
                     s.acquire(b.vm, lease_class::power).lease.serial == mine.lease.serial);
        const auto refused = other.acquire(b.vm, lease_class::power);
        VMSIG_EXPECT(to_, "a lease has one owner", refused.why == refusal::held);
        VMSIG_EXPECT(to_, "who may observe is told which",
                     refused.holder == s.origin() &&
                         other.status(b.vm, lease_class::power).view.holder == s.origin());
        VMSIG_EXPECT(to_, "... who may not is not",
                     !blind.acquire(b.vm, lease_class::power).holder &&
                         blind.status(b.vm, lease_class::power).why == refusal::denied);
        VMSIG_EXPECT(to_, "another's lease is not released",
                     other.release(mine.lease) == refusal::not_holder &&
                         b.bus.lease_of(b.vm, lease_class::power).owner.who == s.origin());
        VMSIG_EXPECT(to_, "one's own is", s.release(mine.lease) == refusal::none);
        VMSIG_EXPECT(to_, "... once", s.release(mine.lease) == refusal::not_holder);
        b.settle();
        VMSIG_EXPECT(to_, "no loss follows one's own release", s.count(kind::lease_lost) == 0);
        const auto next = other.acquire(b.vm, lease_class::power);
        VMSIG_EXPECT(to_, "the next lease has a higher serial",
                     next && next.lease.serial > mine.lease.serial);
    }

    void waiting() {
        bench b{make_};
        grant few = b.everything();
        subject& s = b.join(b.everything());
        subject& next = b.join(few.waiters(1));
        const lease mine = s.acquire(b.vm, lease_class::power).lease;
        s.acquire(b.vm, lease_class::input);
        lease_options patient;
        patient.wait = true;
        const auto waits = next.acquire(b.vm, lease_class::power, patient);
        VMSIG_EXPECT(to_, "who may wait waits",
                     waits.what == acquire_result::status::waiting && waits.wait);
        VMSIG_EXPECT(to_, "waits have a quota",
                     next.acquire(b.vm, lease_class::input, patient).why == refusal::busy);
        s.release(mine);
        b.settle();
        const auto told = next.template all<lease_granted>();
        VMSIG_EXPECT(to_, "... and is granted when its turn comes",
                     told.size() == 1 && told[0].wait == waits.wait &&
                         b.bus.lease_of(b.vm, lease_class::power).owner.who == next.origin());
        const auto second = next.acquire(b.vm, lease_class::input, patient);
        VMSIG_EXPECT(to_, "a wait is withdrawn", next.withdraw(second.wait) == refusal::none);
        b.settle();
        const auto ended = next.template all<lease_wait_ended>();
        VMSIG_EXPECT(to_, "... and told to be over",
                     ended.size() == 1 && ended[0].wait == second.wait &&
                         ended[0].why == lease_end::cancelled);
        patient.wait_for = seconds(1);
        next.acquire(b.vm, lease_class::input, patient);
        b.advance(seconds(2));
        const auto both = next.template all<lease_wait_ended>();
        VMSIG_EXPECT(to_, "a wait ends at its deadline",
                     both.size() == 2 && both[1].why == lease_end::expired);
    }

    void preemption() {
        bench b{make_};
        subject& s = b.join(b.everything(1));
        subject& stronger = b.join(b.everything(2));
        const lease mine = s.acquire(b.vm, lease_class::power).lease;
        b.machine.does = suite_machine::habit::leaves_it;
        const auto queued = s.submit(power(mine, verb::pause));
        b.settle();
        s.forget();
        const auto theirs = stronger.acquire(b.vm, lease_class::power);
        b.settle();
        VMSIG_EXPECT(to_, "a higher rank preempts", bool{theirs});
        const auto lost = s.template all<lease_lost>();
        VMSIG_EXPECT(to_, "the owner is told of its loss, once, and why",
                     lost.size() == 1 && lost[0].serial == mine.serial &&
                         lost[0].why == lease_end::preempted);
        VMSIG_EXPECT(to_, "what was queued under the lease ends before",
                     s.outcome_of(queued.id) == outcome::lease_lost &&
                         s.place_of_receipt(queued.id) < s.place(kind::lease_lost));
        VMSIG_EXPECT(to_, "the former owner acts no more",
                     s.submit(power(mine, verb::pause)).why == refusal::not_holder);
        b.machine.does = suite_machine::habit::does_it;
        const auto after = stronger.submit(power(theirs.lease, verb::pause));
        b.settle();
        VMSIG_EXPECT(to_, "... and the next one does",
                     stronger.outcome_of(after.id) == outcome::done);
    }

    /// Where the policy asks first.
    void asking() {
        bench b{make_};
        subject& s = b.join(b.everything(1));
        subject& stronger = b.join(b.everything(2));
        const lease mine = s.acquire(b.vm, lease_class::power).lease;
        b.settle();
        s.forget();
        const auto first = stronger.acquire(b.vm, lease_class::power);
        b.settle();
        VMSIG_EXPECT(to_, "who asks waits", first.what == acquire_result::status::waiting);
        const std::size_t asked = s.place(kind::lease_asked);
        if (!VMSIG_EXPECT(to_, "the owner is asked, once", s.count(kind::lease_asked) == 1)) return;
        VMSIG_EXPECT(to_, "... with a deadline", s.log()[asked].event.deadline > b.bus.now());
        s.release(mine);
        b.settle();
        VMSIG_EXPECT(to_, "an owner that lets go is followed at once",
                     stronger.count(kind::lease_granted) == 1 && s.count(kind::lease_lost) == 0);
        stronger.release(b.lease_of(stronger, lease_class::power));
        const lease again = s.acquire(b.vm, lease_class::power).lease;
        stronger.acquire(b.vm, lease_class::power);
        b.settle();
        VMSIG_EXPECT(to_, "one that does not keeps it until then",
                     b.bus.lease_of(b.vm, lease_class::power).owner.who == s.origin());
        b.advance(seconds(60));
        const auto lost = s.template all<lease_lost>();
        VMSIG_EXPECT(to_, "... and loses it at the deadline",
                     lost.size() == 1 && lost[0].serial == again.serial &&
                         lost[0].why == lease_end::preempted &&
                         stronger.count(kind::lease_granted) == 2);
    }

    void expiry() {
        bench b{make_};
        subject& s = b.join(b.everything());
        lease_options brief;
        brief.time_to_live = seconds(10);
        const lease mine = s.acquire(b.vm, lease_class::power, brief).lease;
        const lease forgotten = s.acquire(b.vm, lease_class::memwrite, brief).lease;
        b.advance(seconds(8));
        VMSIG_EXPECT(to_, "a lease is renewed", s.renew(mine, seconds(10)) == refusal::none);
        b.advance(seconds(8));
        VMSIG_EXPECT(to_, "... and lives on, under its serial",
                     b.bus.lease_of(b.vm, lease_class::power).serial == mine.serial);
        const auto lost = s.template all<lease_lost>();
        VMSIG_EXPECT(to_, "a lease that is not renewed expires",
                     lost.size() == 1 && lost[0].lease_class == lease_class::memwrite &&
                         lost[0].why == lease_end::expired &&
                         s.renew(forgotten, seconds(1)) == refusal::not_holder);
        b.advance(seconds(3));
        VMSIG_EXPECT(to_, "... also later",
                     s.template all<lease_lost>().size() == 2 &&
                         s.renew(mine, seconds(1)) == refusal::not_holder);
    }

    void neutral() {
        bench b{make_};
        subject& s = b.join(b.everything(1));
        subject& stronger = b.join(b.everything(2));
        const lease mine = s.acquire(b.vm, lease_class::input).lease;
        s.submit(press(mine, KEY_A));
        s.submit(press(mine, KEY_B));
        b.settle();
        if (asks) s.release(mine);
        const auto theirs = stronger.acquire(b.vm, lease_class::input);
        const auto typed = stronger.submit(press(theirs.lease, KEY_A));
        b.settle();
        const auto& up = b.machine.released;
        VMSIG_EXPECT(to_, "what a lease held down goes up with it, the last press first",
                     up.size() == 2 && up[0].code == KEY_B && up[1].code == KEY_A);
        VMSIG_EXPECT(to_, "... and the next owner types",
                     stronger.outcome_of(typed.id) == outcome::done);
        VMSIG_EXPECT(to_, "an event says whom its command came from", [&] {
            const std::size_t at = stronger.place_of_receipt(typed.id);
            return at < stronger.log().size() &&
                   stronger.log()[at].event.origin == stronger.origin();
        }());
    }

    Make& make_;
    report& to_;
};

} // namespace vmsig::testing::detail
