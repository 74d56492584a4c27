// adapter_conformance, the rules: each a function, each on a machine of its own.
#pragma once

namespace vmsig::testing {
namespace detail {

template <class Core, class Make>
class adapter_rules {
public:
    using driver = std::invoke_result_t<Make&>;
    using bench = adapter_bench<Core, driver>;
    static_assert(adapter_driver<driver>);

    adapter_rules(Make& m, report& into)
        : make_{m}
        , to_{into} {}

    void attaches() {
        bench b{make_};
        if (b.serves(role::memctx_provider))
            VMSIG_EXPECT(to_, "a provider publishes when it is ready", b.published(now(b)));
        if (b.serves(role::host_management))
            VMSIG_EXPECT(to_, "host management tells the state of the VM",
                         b.until([&] { return b.bus.state_of(b.vm) != vm_state::unknown; }));
        judge(b);
    }

    void verbs() {
        bench b{make_};
        if (!b.serves(role::host_management)) return;
        VMSIG_EXPECT(to_, "status is answered", done(b.run(query_status(b.vm))));
        for (const verb v : {verb::pause, verb::pause, verb::resume, verb::resume}) {
            const receipt r = b.run(v);
            if (r.failure == failure::unsupported) continue;
            VMSIG_EXPECT(to_, "pause and resume end well, repeated too", done(r));
            const vm_state wanted = v == verb::pause ? vm_state::paused : vm_state::running;
            VMSIG_EXPECT(to_, "and the VM has gone there",
                         b.until([&] { return b.bus.state_of(b.vm) == wanted; }));
        }
        VMSIG_EXPECT(to_, "none of this is a new epoch", now(b) == epoch_number{1});
        judge(b);
    }

    void reset() {
        bench b{make_};
        if (!b.serves(role::host_management)) return;
        if (b.serves(role::memctx_provider)) b.published(now(b));
        bool early = false;
        b.at_hand_over([&] { // what a control may do in between
            b.me.refresh(b.vm);
            early = b.me.memctx(b.vm).has_value();
        });
        const receipt r = b.run(verb::reset);
        b.at_hand_over({});
        VMSIG_EXPECT(to_, "no memctx of the new epoch before the VM went through the reset",
                     !early);
        VMSIG_EXPECT(to_, "a reset is done", done(r));
        VMSIG_EXPECT(to_, "done means that it was told", b.log.told(transition::reset) != 0);
        b.go_on();
        VMSIG_EXPECT(to_, "one reset is one epoch", now(b) == epoch_number{2});
        if (b.serves(role::memctx_provider))
            VMSIG_EXPECT(to_, "asked for the memctx of the new epoch it publishes it",
                         b.published(now(b)));
        judge(b);
    }

    void guest_reset() {
        if constexpr (requires(driver & d) { d.guest_resets(); }) {
            bench b{make_};
            if (b.serves(role::memctx_provider)) b.published(now(b));
            b.driver.guest_resets();
            VMSIG_EXPECT(to_, "a reset by the guest is told",
                         b.until([&] { return b.log.told(transition::reset) != 0; }));
            b.go_on();
            VMSIG_EXPECT(to_, "a reset by the guest is one epoch", now(b) == epoch_number{2});
            if (b.serves(role::memctx_provider))
                VMSIG_EXPECT(to_, "after a reset by the guest it publishes", b.published(now(b)));
            judge(b);
        }
    }

    void memory() {
        bench b{make_};
        if (!b.serves(role::memctx_provider) || !b.published(now(b))) return;
        const auto first = b.me.memctx(b.vm);
        if (!VMSIG_EXPECT(to_, "published memory can be exported", first.has_value())) return;
        const memctx_locator& where = first->locator;
        VMSIG_EXPECT(to_, "what is exported cannot be written",
                     where.level >= export_level::guarded);
        VMSIG_EXPECT(to_, "there is memory", where.region_count != 0);
        for (const ram_region& r : where.regions()) {
            std::uint64_t word = 0;
            VMSIG_EXPECT(to_, "all of a region can be read",
                         b.read({r.start}, word) && b.read({r.start + r.length - 8}, word));
        }
        const auto again = b.me.memctx(b.vm);
        VMSIG_EXPECT(to_, "describing it again describes the same",
                     again && std::equal(where.regions().begin(), where.regions().end(),
                                         again->locator.regions().begin(),
                                         again->locator.regions().end()));
        b.me.refresh(b.vm);
        VMSIG_EXPECT(to_, "a refresh publishes the next version of the same epoch", b.until([&] {
            const auto fresh = b.me.memctx(b.vm);
            return fresh && fresh->locator.version > where.version &&
                   fresh->locator.epoch == where.epoch;
        }));
        judge(b);
    }

    void writes() {
        if constexpr (has_scratch) {
            bench b{make_};
            if (!writable(b)) return;
            std::uint64_t value = 0x0123456789abcdef;
            for (const write_mode mode :
                 {write_mode::atomic, write_mode::paused, write_mode::best_effort}) {
                command c = store(b.of(lease_class::memwrite), b.driver.scratch(), ++value);
                c.mode = mode;
                const receipt r = b.run(c);
                if (r.failure == failure::unsupported) continue;
                VMSIG_EXPECT(to_, "a write is done", done(r) && r.bytes == 8);
                VMSIG_EXPECT(to_, "and its bytes are there", holds(b, value));
                c.compare = mode != write_mode::best_effort;
                c.memory.expected = ~value;
                c.memory.value = 1;
                if (!c.compare) continue;
                VMSIG_EXPECT(to_, "not where other bytes are than expected",
                             b.run(c).failure == failure::mismatch && holds(b, value));
            }
            judge(b);
        }
    }

    void refused_writes() {
        bench b{make_};
        if (!writable(b)) return;
        const auto got = b.me.memctx(b.vm);
        if (!got) return;
        const lease& mine = b.of(lease_class::memwrite);
        const ram_region last = got->locator.regions().back();
        const std::uint64_t end = last.start + last.length;
        std::uint64_t before = 0;
        std::uint64_t after = 0;
        b.read({end - 8}, before);
        command across = store(mine, {end - 4}, ~std::uint64_t{0});
        across.mode = write_mode::paused;
        VMSIG_EXPECT(to_, "a write that leaves RAM is refused",
                     b.run(across).failure == failure::outside_ram);
        VMSIG_EXPECT(to_, "an address outside RAM is refused",
                     b.run(store(mine, {end}, 1)).failure == failure::outside_ram);
        VMSIG_EXPECT(to_, "an atomic write is aligned",
                     b.run(store(mine, {end - 7}, 1, 4)).failure == failure::misaligned);
        if (got->locator.root_count != 0)
            VMSIG_EXPECT(
                to_, "an address that is not canonical is not translated",
                b.run(store(mine, {std::uint64_t{1} << 62, got->locator.roots()[0].root}, 1))
                        .failure == failure::not_translated);
        b.read({end - 8}, after);
        VMSIG_EXPECT(to_, "and nothing of a refused write is written", before == after);
        judge(b);
    }

    /// Between hand-over and take the right to it ends.
    void fence() {
        bench b{make_};
        if (b.serves(role::memctx_provider)) b.published(now(b));
        for (unsigned n = 0; n < lease_class_count; ++n) {
            const auto c = static_cast<lease_class>(n);
            command what = command_of(b, c);
            if (what.verb == verb::none) continue;
            b.at_hand_over([&] { b.me.release(b.of(c)); });
            const receipt r = b.run(what);
            b.at_hand_over({});
            VMSIG_EXPECT(to_, "the loss of a lease before the take ends the command",
                         r.outcome == outcome::lease_lost && r.begun == 0);
            b.go_on();
            b.acquire(c);
        }
        if (writable(b)) stale(b);
        judge(b);
    }

    void input() {
        bench b{make_};
        if (!b.serves(role::input)) return;
        VMSIG_EXPECT(to_, "an input adapter takes some key", !b.keys.empty());
        const std::size_t some = std::min<std::size_t>(b.keys.size(), 8);
        for (std::size_t i = 0; i < some; ++i)
            VMSIG_EXPECT(to_, "a key that it declared is pressed", done(b.run_key(b.keys[i])));
        b.me.release(b.of(lease_class::input));
        b.acquire(lease_class::input);
        VMSIG_EXPECT(to_, "what was held is released, and the next owner's input goes on",
                     b.keys.empty() || done(b.run_key(b.keys[0])));
        std::uint32_t accepted = 0;
        for (const auto& spy : b.spies) accepted += spy->acts.accepted;
        VMSIG_EXPECT(to_, "each release was accepted once", accepted == some);
        judge(b);
    }

    void detach() {
        bench b{make_};
        std::vector<correlation_id> ids;
        for (unsigned n = 0; n < lease_class_count; ++n) {
            const command c = command_of(b, static_cast<lease_class>(n));
            if (const auto r = b.me.submit(c)) ids.push_back(r.id);
        }
        b.bus.dispatch();
        for (const adapter_id id : b.ids) b.bus.detach(id);
        b.go_on();
        for (const correlation_id id : ids)
            VMSIG_EXPECT(to_, "a command ends once though its adapter left",
                         b.log.receipts_of(id) == 1);
        for (const auto& spy : b.spies) {
            VMSIG_EXPECT(to_, "on_detached is called once", spy->acts.detached == 1);
            VMSIG_EXPECT(to_, "and is the last call", spy->acts.after_detached == 0);
        }
        judge(b, false);
    }

private:
    static constexpr bool has_scratch = requires(driver & d) {
        { d.scratch() } -> std::convertible_to<memory_at>;
    };

    static epoch_number now(const bench& b) { return b.bus.epoch_of(b.vm); }
    static bool done(const receipt& r) { return r.outcome == outcome::done; }
    static bool writable(bench& b) {
        return b.serves(role::memory_writer) && b.serves(role::memctx_provider) &&
               b.published(now(b));
    }
    static bool holds(bench& b, std::uint64_t value) {
        std::uint64_t there = ~value;
        return b.read(b.driver.scratch(), there) && there == value;
    }
    /// Something harmless of that class, or nothing.
    static command command_of(bench& b, lease_class c) {
        if (c == lease_class::input && !b.keys.empty()) return press(b.of(c), b.keys[0]);
        if (c == lease_class::power && b.serves(role::host_management))
            return power(b.of(c), verb::pause);
        if constexpr (has_scratch)
            if (c == lease_class::memwrite && b.serves(role::memory_writer))
                return store(b.of(c), b.driver.scratch(), 0x77);
        return {};
    }
    void stale(bench& b) {
        if constexpr (has_scratch) {
            const memory_at place = b.driver.scratch();
            std::uint64_t before = 0;
            std::uint64_t after = 0;
            b.read(place, before);
            b.at_hand_over([&] { b.says.raise_epoch(); });
            const receipt r = b.run(store(b.of(lease_class::memwrite), place, ~before));
            b.at_hand_over({});
            VMSIG_EXPECT(to_, "a new epoch before the take ends the command",
                         r.outcome == outcome::stale_epoch && r.begun == 0);
            VMSIG_EXPECT(to_, "asked for the memctx of an epoch it publishes it",
                         b.published(now(b)));
            VMSIG_EXPECT(to_, "what was not taken is not done", b.read(place, after));
            VMSIG_EXPECT(to_, "what was not taken is not done", after == before);
        }
    }

    /// What holds at the end of every rule.
    void judge(bench& b, bool attached = true) {
        if (attached) b.go_on();
        VMSIG_EXPECT(to_, "a command is taken at most once",
                     b.every_command([](const spied_command& c) { return c.takes <= 1; }));
        VMSIG_EXPECT(to_, "a command is completed at most once",
                     b.every_command([](const spied_command& c) { return c.completions <= 1; }));
        VMSIG_EXPECT(to_, "what was not taken is not done",
                     b.every_command([](const spied_command& c) { return !c.lied; }));
        if (attached)
            VMSIG_EXPECT(to_, "what was taken is completed", b.every_command([](const auto& c) {
                return !c.taken || c.completions == 1;
            }));
        for (const auto& spy : b.spies) {
            const spied_acts& did = spy->acts;
            VMSIG_EXPECT(to_, "no function throws", did.thrown == 0);
            VMSIG_EXPECT(to_, "no more releases are accepted than given", did.overtaken == 0);
            VMSIG_EXPECT(to_, "each publication is of an epoch that was asked for, or the first",
                         std::all_of(did.published.begin(), did.published.end(), [&](auto e) {
                             const auto& a = did.asked;
                             return e == epoch_number{1} ||
                                    std::find(a.begin(), a.end(), e) != a.end();
                         }));
        }
    }

    Make& make_;
    report& to_;
};

} // namespace detail

template <class Core, class Make>
void adapter_conformance(Make make, report& to) {
    detail::adapter_rules<Core, Make> run{make, to};
    run.attaches();
    run.verbs();
    run.reset();
    run.guest_reset();
    run.memory();
    run.writes();
    run.refused_writes();
    run.fence();
    run.input();
    run.detach();
}

} // namespace vmsig::testing
