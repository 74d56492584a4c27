// control_conformance, the rules about what a control sees: replay and stream, rights, epochs,
// memctx, and the end.
#pragma once

#include <array>

namespace vmsig::testing::detail {

template <class Core, class Make>
class control_stream_rules {
public:
    using bench = control_bench<Core, std::invoke_result_t<Make&>>;
    using subject = typename bench::subject;

    control_stream_rules(Make& m, report& into)
        : make_{m}
        , to_{into} {}

    void late_subscriber() {
        bench b{make_};
        subject& owner = b.join(b.everything());
        owner.acquire(b.vm, lease_class::power);
        std::uint8_t said = 0;
        while (said < 5) b.machine.says(said++);
        subject& late = b.attach(b.everything());
        b.machine.says(said++);
        b.until([&] {
            if (said < 100) b.machine.says(said++);
            return late.count(kind::replay_end) != 0;
        });
        b.machine.says(said++);
        b.settle();
        const std::size_t begin = late.place(kind::replay_begin);
        const std::size_t end = late.place(kind::replay_end);
        VMSIG_EXPECT(to_, "a late subscriber gets a snapshot from replay_begin to replay_end",
                     begin == 0 && end < late.log().size());
        VMSIG_EXPECT(to_, "... once", late.count(kind::replay_begin) == 1);
        VMSIG_EXPECT(to_, "... once", late.count(kind::replay_end) == 1);
        for (const kind k : {kind::lifecycle, kind::memctx_published, kind::lease_changed})
            VMSIG_EXPECT(to_, "the snapshot has the retained state",
                         late.place(k) > begin && late.place(k) < end);
        VMSIG_EXPECT(to_, "what is replayed says so",
                     late.template all<lifecycle>().size() == 1 &&
                         late.template all<lifecycle>()[0].replayed);
        VMSIG_EXPECT(to_, "the snapshot says who holds a lease", [&] {
            const auto held = late.template all<lease_changed>();
            return held.size() == 1 && held[0].holder == owner.origin() && held[0].replayed;
        }());
        const auto heard = samples(late);
        VMSIG_EXPECT(to_, "live events follow the snapshot",
                     late.place(kind::console_output) > end);
        VMSIG_EXPECT(to_, "... without a hole and without a duplicate",
                     !heard.empty() && consecutive(heard));
        VMSIG_EXPECT(to_, "... to the last one", !heard.empty() && heard.back() == said - 1);
    }

    void order() {
        bench b{make_};
        subject& s = b.join(b.everything());
        for (std::uint8_t n = 0; n < 100; ++n) {
            b.machine.says(n);
            if (n % 7 == 0) b.settle();
        }
        b.settle();
        const auto heard = samples(s);
        VMSIG_EXPECT(to_, "every event comes", heard.size() == 100);
        VMSIG_EXPECT(to_, "... in the order of its source", consecutive(heard));
    }

    void nothing_by_default() {
        bench b{make_};
        subject& s = b.join({});
        b.machine.says(1);
        b.machine.happens(transition::reset);
        b.settle();
        VMSIG_EXPECT(to_, "without a grant nothing is seen", s.events() == 0);
        VMSIG_EXPECT(to_,
                     "without a grant an endpoint is not found, and one that is not there "
                     "is not found in the same way",
                     s.find(b.name).why == refusal::denied &&
                         s.find("nowhere").why == refusal::denied);
        for (const endpoint_id at : {b.vm, endpoint_id::make(b.vm.slot() + 1u, 1)}) {
            VMSIG_EXPECT(to_, "absent and forbidden are denied alike",
                         s.submit(query_status(at)).why == refusal::denied);
            VMSIG_EXPECT(to_, "absent and forbidden are denied alike",
                         s.may(verb::status, at) == refusal::denied);
            VMSIG_EXPECT(to_, "absent and forbidden are denied alike",
                         s.acquire(at, lease_class::input).why == refusal::denied);
            VMSIG_EXPECT(to_, "absent and forbidden are denied alike",
                         s.status(at, lease_class::input).why == refusal::denied);
            VMSIG_EXPECT(to_, "absent and forbidden are denied alike",
                         s.memctx(at).why == refusal::denied);
            VMSIG_EXPECT(to_, "absent and forbidden are denied alike",
                         s.refresh(at) == refusal::denied);
        }
        VMSIG_EXPECT(to_, "and none of it reaches the machine", b.machine.begun.empty());
    }

    void each_right_alone() {
        for (unsigned n = 0; n < right_count; ++n) {
            bench b{make_};
            const auto only = static_cast<right>(n);
            subject& s = b.join(b.with(only));
            VMSIG_EXPECT(to_, "whoever has any right finds the endpoint",
                         s.find(b.name).why == refusal::none && s.find(b.name).found == b.vm);
            for (const auto& [v, needs] : verbs) {
                const bool allowed = needs == only;
                VMSIG_EXPECT(to_, "`may` says who has the right",
                             (s.may(v, b.vm) == refusal::none) == allowed);
                command c = command_of(b, v);
                VMSIG_EXPECT(to_, "a command without the right is denied, with it is not",
                             (s.submit(c).why == refusal::denied) == !allowed);
            }
            for (const auto& [c, needs] : leases)
                VMSIG_EXPECT(to_, "a lease is granted with the right of its class alone",
                             bool{s.acquire(b.vm, c)} == (needs == only));
            VMSIG_EXPECT(to_, "a memctx is exported with `memctx` alone",
                         (s.memctx(b.vm).why == refusal::none) == (only == right::memctx));
            b.settle();
            s.forget();
            b.machine.says(1);
            b.machine.happens(transition::paused);
            b.machine.bus.publish(b.bus.epoch_of(b.vm));
            b.settle();
            VMSIG_EXPECT(to_, "samples and states are seen with `observe` alone",
                         (s.count(kind::console_output) == 1) == (only == right::observe) &&
                             (s.count(kind::lifecycle) == 1) == (only == right::observe));
            VMSIG_EXPECT(to_, "a publication is seen with `memctx` alone",
                         (s.count(kind::memctx_published) == 1) == (only == right::memctx));
        }
    }

    void subscriptions() {
        bench b{make_};
        subject& s = b.join(b.everything(), subscription{}.from(source::lifecycle));
        b.machine.says(1);
        b.machine.happens(transition::paused);
        b.settle();
        VMSIG_EXPECT(to_, "only what was asked for is seen",
                     s.count(kind::console_output) == 0 && s.count(kind::lifecycle) == 1);
        VMSIG_EXPECT(to_, "a control may ask for more", s.subscribe({}) == refusal::none);
        b.settle();
        VMSIG_EXPECT(to_, "what is new is replayed",
                     s.count(kind::replay_end) == 1 && s.count(kind::memctx_published) == 1);
        b.machine.says(2);
        b.settle();
        VMSIG_EXPECT(to_, "... and then comes", samples(s) == std::vector<std::uint8_t>{2});
        VMSIG_EXPECT(to_, "a control may ask for nothing",
                     s.subscribe(subscription::none()) == refusal::none);
        b.settle();
        s.forget();
        b.machine.says(3);
        b.machine.happens(transition::resumed);
        b.settle();
        VMSIG_EXPECT(to_, "... and gets nothing", s.events() == 0);
    }

    void epochs() {
        bench b{make_};
        subject& s = b.join(b.with(right::input), subscription::none());
        const lease keys = s.acquire(b.vm, lease_class::input).lease;
        VMSIG_EXPECT(to_, "what is derived from this epoch is accepted in it",
                     bool{s.submit(press(keys, KEY_A).pinned(b.bus.epoch_of(b.vm)))});
        b.settle();
        s.forget();
        const epoch_number before = b.bus.epoch_of(b.vm);
        b.machine.happens(transition::reset);
        b.settle();
        const auto told = s.template all<epoch_changed>();
        VMSIG_EXPECT(to_, "a new epoch is told to whoever has any right, whatever it asked for",
                     told.size() == 1);
        VMSIG_EXPECT(to_, "... with what happened, and by whom",
                     !told.empty() && told[0].what == transition::reset &&
                         told[0].cause == cause::guest);
        VMSIG_EXPECT(to_, "what is derived from an old epoch is stale",
                     s.submit(press(keys, KEY_A).pinned(before)).why == refusal::stale_epoch);
        const auto fresh = s.submit(press(keys, KEY_B));
        b.settle();
        VMSIG_EXPECT(to_, "whoever was told acts in the new one, under the same lease",
                     fresh && s.outcome_of(fresh.id) == outcome::done);
        for (int i = 0; i < 3; ++i) {
            b.machine.happens(transition::resumed);
            b.machine.happens(transition::reset);
            b.settle();
        }
        VMSIG_EXPECT(to_, "every epoch is told, and nothing else", [&] {
            std::uint32_t count = 0;
            for (const epoch_changed& e : s.template all<epoch_changed>()) count += e.count;
            return count == 4;
        }());
    }

    void memctx() {
        bench b{make_};
        subject& s = b.join(b.everything());
        subject& other = b.join(b.with(right::observe));
        const control_message& first = s.memctx(b.vm);
        VMSIG_EXPECT(to_, "a memctx that was published can be taken",
                     first.why == refusal::none && first.locator.region_count == 1);
        if (!VMSIG_EXPECT(to_, "... with its descriptors", first.fds.size() == 1)) return;
        const int fd = first.fds[0].get();
        std::array<char, suite_machine::secret.size()> read{};
        VMSIG_EXPECT(to_, "the descriptor reads the memory",
                     ::pread(fd, read.data(), read.size(), suite_machine::secret_at) ==
                             static_cast<ssize_t>(read.size()) &&
                         std::string_view(read.data(), read.size()) == suite_machine::secret);
        VMSIG_EXPECT(to_, "... and cannot write it", ::pwrite(fd, "x", 1, 0) < 0);
        VMSIG_EXPECT(to_, "descriptors come once in an epoch", s.memctx(b.vm).fds.empty());
        s.forget();
        VMSIG_EXPECT(to_, "a refresh is answered", s.refresh(b.vm) == refusal::none);
        b.settle();
        const auto again = s.template all<memctx_published>();
        VMSIG_EXPECT(to_, "... and publishes the next version, with no invalidation between",
                     again.size() == 1 && again[0].version > first.locator.version &&
                         s.count(kind::memctx_invalidated) == 0);
        b.machine.happens(transition::reset);
        b.settle();
        VMSIG_EXPECT(to_, "an invalidation stands between epochs",
                     s.count(kind::memctx_invalidated) == 1 &&
                         s.place(kind::memctx_invalidated) < s.place(kind::epoch_changed));
        VMSIG_EXPECT(to_, "... to those who were given it alone",
                     other.count(kind::memctx_invalidated) == 0 &&
                         other.count(kind::memctx_published) == 0);
        VMSIG_EXPECT(to_, "... and the new memctx after it", s.count(kind::memctx_published) == 2);
        VMSIG_EXPECT(to_, "a new epoch has descriptors of its own", s.memctx(b.vm).fds.size() == 1);
        b.machine.happens(transition::reset);
        b.settle();
        s.forget();
        b.machine.fails_to_share = true;
        VMSIG_EXPECT(to_, "what cannot be shared is not ready",
                     s.memctx(b.vm).why == refusal::not_ready);
        b.settle();
        VMSIG_EXPECT(to_, "... and said to be unavailable", s.count(kind::memctx_unavailable) == 1);
        b.machine.fails_to_share = false;
        VMSIG_EXPECT(to_, "... and can be had later", s.memctx(b.vm).fds.size() == 1);
    }

    void reads() {
        bench b{make_};
        subject& s = b.join(b.with(right::memread));
        const auto size = static_cast<std::uint32_t>(suite_machine::secret.size());
        const auto got = s.submit(read_memory(b.vm, {suite_machine::secret_at}, size));
        b.settle();
        const std::size_t at = s.place_of_receipt(got.id);
        if (!VMSIG_EXPECT(to_, "a read is done", s.outcome_of(got.id) == outcome::done)) return;
        const std::vector<std::byte>& bytes = s.log()[at].bytes;
        VMSIG_EXPECT(to_, "its receipt carries the bytes",
                     bytes.size() == size &&
                         std::memcmp(bytes.data(), suite_machine::secret.data(), size) == 0);
        VMSIG_EXPECT(to_, "`memread` gives no descriptor", s.memctx(b.vm).why == refusal::denied);
    }

    void narrowing() {
        bench b{make_};
        subject& s = b.join(b.everything());
        const lease host = s.acquire(b.vm, lease_class::power).lease;
        b.machine.does = suite_machine::habit::leaves_it;
        const auto queued = s.submit(power(host, verb::pause));
        b.settle();
        s.forget();
        b.narrow(s, b.with(right::observe | right::input));
        b.machine.happens(transition::reset);
        b.machine.says(1);
        b.settle();
        VMSIG_EXPECT(to_, "a command outside the grant is revoked",
                     s.outcome_of(queued.id) == outcome::revoked);
        VMSIG_EXPECT(to_, "a lease outside the grant is lost", [&] {
            const auto lost = s.template all<lease_lost>();
            return lost.size() == 1 && lost[0].why == lease_end::revoked;
        }());
        VMSIG_EXPECT(to_, "the receipt comes before the loss",
                     s.place_of_receipt(queued.id) < s.place(kind::lease_lost));
        VMSIG_EXPECT(to_, "a control is told of its rights", s.count(kind::grant_changed) == 1);
        VMSIG_EXPECT(to_, "what is outside is seen no more",
                     s.count(kind::memctx_published) + s.count(kind::memctx_invalidated) == 0);
        VMSIG_EXPECT(to_, "what is inside still comes", s.count(kind::console_output) == 1);
        VMSIG_EXPECT(to_, "a lease that was revoked is free",
                     !b.bus.lease_of(b.vm, lease_class::power).owner.who);
        b.narrow(s, {});
        b.settle();
        s.forget();
        b.machine.says(2);
        b.machine.happens(transition::reset);
        b.settle();
        VMSIG_EXPECT(to_, "without rights nothing comes any more", s.events() == 0);
        b.narrow(s, b.everything());
        b.settle();
        VMSIG_EXPECT(to_, "a grant that widens is replayed",
                     s.count(kind::replay_begin) == 1 && s.count(kind::replay_end) == 1 &&
                         s.count(kind::memctx_published) == 1);
    }

    void leaving() {
        for (const bool by_host : {false, true}) {
            bench b{make_};
            subject& s = b.join(b.everything());
            const lease keys = s.acquire(b.vm, lease_class::input).lease;
            s.submit(press(keys, KEY_A));
            b.settle();
            b.machine.does = suite_machine::habit::takes_it;
            const auto begun = s.submit(query_status(b.vm));
            b.settle();
            s.forget();
            const origin_id who = s.origin();
            if (by_host)
                b.bus.detach(who);
            else
                s.detach();
            b.settle();
            if (!b.machine.begun.empty()) b.machine.bus.complete(b.machine.begun.back().id, {});
            b.machine.says(1);
            b.machine.happens(transition::reset);
            b.settle();
            VMSIG_EXPECT(to_, "one farewell, and it is the last that comes",
                         s.farewells() == 1 &&
                             s.log().back().is == control_message::type::farewell);
            VMSIG_EXPECT(to_, "nothing of what goes on comes after detach",
                         s.events() == s.count(kind::lease_changed));
            VMSIG_EXPECT(to_, "no receipt comes after detach", s.receipts_of(begun.id) == 0);
            VMSIG_EXPECT(to_, "what it held down is up, and its lease is free",
                         b.machine.released.size() == 1 &&
                             !b.bus.lease_of(b.vm, lease_class::input).owner.who);
            VMSIG_EXPECT(to_, "afterwards every request is answered `gone`",
                         s.submit(query_status(b.vm)).why == refusal::gone &&
                             s.may(verb::status, b.vm) == refusal::gone &&
                             s.cancel(begun.id) == cancel_result::gone &&
                             s.release(keys) == refusal::gone &&
                             s.acquire(b.vm, lease_class::power).why == refusal::gone &&
                             s.memctx(b.vm).why == refusal::gone);
            VMSIG_EXPECT(to_, "... and changes nothing", [&] {
                std::size_t attached = 0;
                b.bus.for_each_control([&](origin_id, const grant&) { ++attached; });
                return attached == 0;
            }());
        }
    }

private:
    static constexpr std::pair<verb, right> verbs[] = {
        {verb::status, right::observe},     {verb::mem_read, right::memread},
        {verb::mem_write, right::memwrite}, {verb::input, right::input},
        {verb::reset, right::power},        {verb::power_off, right::power}};
    static constexpr std::pair<lease_class, right> leases[] = {
        {lease_class::input, right::input},
        {lease_class::power, right::power},
        {lease_class::memwrite, right::memwrite}};

    /// Well formed, under a lease that nobody has.
    static command command_of(const bench& b, verb v) {
        const lease none{b.vm, {}, {}};
        if (v == verb::status) return query_status(b.vm);
        if (v == verb::mem_read) return read_memory(b.vm, {}, 8);
        if (v == verb::mem_write) return store(none, {}, 1);
        if (v == verb::input) return press(none, KEY_A);
        return power(none, v);
    }
    static std::vector<std::uint8_t> samples(const subject& s) {
        std::vector<std::uint8_t> heard;
        for (const console_output& c : s.template all<console_output>())
            heard.push_back(static_cast<std::uint8_t>(c.text[0]));
        return heard;
    }
    static bool consecutive(const std::vector<std::uint8_t>& n) {
        for (std::size_t i = 1; i < n.size(); ++i)
            if (n[i] != n[i - 1] + 1) return false;
        return true;
    }

    Make& make_;
    report& to_;
};

} // namespace vmsig::testing::detail
