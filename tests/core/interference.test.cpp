// Rule: whatever a control does, with or without rights, another one sees of its own machine
// exactly what it sees without the first.
#include "harness.hpp"

#include <cstring>
#include <random>

using namespace vmsig;
using namespace vmsig::test;

namespace {

/// Two machines; on the second one somebody works, on the first one, if at all, a nuisance.
struct neighbours : bench<> {
    endpoint_id other = bus.add_endpoint("other");
    machine near, far;
    agent victim, nuisance;
    std::mt19937 dice;
    std::vector<correlation_id> known;
    lease keys{}, host{}, foreign{};

    explicit neighbours(unsigned seed)
        : dice{seed} {
        bus.attach_adapter(far, vm);
        bus.attach_adapter(near, other);
        near.republishes = far.republishes = true;
        near.bus.publish(bus.epoch_of(other));
        victim.bus = bus.attach(victim, full(other));
        settle();
    }
    unsigned roll(unsigned sides) { return static_cast<unsigned>(dice() % sides); }
    endpoint_id somewhere() {
        const endpoint_id places[] = {vm, vm, other, {}, endpoint_id::make(3, 9)};
        return places[roll(5)];
    }
    verb something() { return static_cast<verb>(roll(14)); }

    void work(unsigned step) {
        if (step % 16 == 0) keys = victim.bus.acquire(other, lease_class::input).lease;
        if (step % 16 == 4) host = victim.bus.acquire(other, lease_class::power).lease;
        near.does = step % 5 == 0 ? habit::fail : habit::complete;
        if (step % 3 == 0)
            note(victim.bus.submit(press(keys, static_cast<std::uint16_t>(KEY_1 + step % 9))));
        if (step % 3 == 1) note(victim.bus.submit(query_status(other).delayed(seconds(1))));
        if (step % 7 == 2) note(victim.bus.submit(power(host, verb::pause)));
        if (step % 11 == 5) note(victim.bus.submit(read_memory(other, {0, 0}, 64)));
        if (step % 9 == 1) near.bus.emit(console_output{});
        if (step % 13 == 7) near.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0});
        if (step % 17 == 3) (void)victim.bus.refresh(other);
        if (step % 19 == 8) victim.bus.release(keys);
    }
    void note(const submit_result& s) {
        if (s) known.push_back(s.id);
    }
    /// With all rights on the first machine and none on the second.
    void disturb() {
        if (nuisance.bus.may(verb::status, {}) == refusal::gone)
            nuisance.bus = bus.attach(nuisance, full(vm, 1000).highest_lane(lane::safety));
        const control_handle& bad = nuisance.bus;
        for (unsigned n = roll(8); n > 0; --n) switch (roll(10)) {
            case 0:
                foreign = bad.acquire(somewhere(), static_cast<lease_class>(roll(3))).lease;
                [[fallthrough]];
            case 1: {
                command c = power({somewhere(), foreign.serial, {}}, something());
                c.lane = lane::safety;
                c.memory.length = roll(9);
                c.changes = static_cast<std::uint8_t>(roll(3));
                (void)bad.submit(c);
                break;
            }
            case 2: (void)bad.submit(press(roll(2) ? keys : foreign, KEY_X)); break;
            case 3:
                if (!known.empty())
                    (void)bad.cancel(known[roll(static_cast<unsigned>(known.size()))]);
                break;
            case 4: (void)bad.release(roll(2) ? keys : host); break;
            case 9:
                (void)bad.submit(query_status(vm));
                (void)bad.submit(press(bad.acquire(vm, lease_class::input).lease, KEY_X));
                break;
            case 5: (void)bad.memctx(somewhere()); break;
            case 6: (void)bad.refresh(somewhere()); break;
            case 7: far.bus.emit(lifecycle{transition::reset, cause::guest, {}, 0}); break;
            default:
                if (roll(4) == 0) bad.detach();
                far.does = roll(2) ? habit::leave : habit::complete;
            }
    }
    /// All that the victim was told and answered, and its machine did.
    std::string history(bool disturbed) {
        for (unsigned step = 0; step < 200; ++step) {
            work(step);
            if (disturbed) disturb();
            advance(milliseconds(100));
        }
        std::string out;
        const auto add = [&out](auto... values) { ((out += std::to_string(values) + ' '), ...); };
        for (const event& e : victim.log) {
            add(unsigned(e.kind), e.endpoint.value, e.epoch.value, e.correlation.value,
                e.origin.value, e.timestamp.ns, e.payload_size, e.inline_size);
            if (const auto* r = e.as<receipt>())
                add(unsigned(r->outcome), unsigned(r->failure), unsigned(r->verb), r->begun,
                    unsigned(r->state), r->error, r->bytes, r->value);
            if (const auto* l = e.as<lease_granted>()) add(l->serial.value, l->wait.value);
            if (const auto* l = e.as<lease_lost>()) add(l->serial.value, unsigned(l->why));
            if (const auto* l = e.as<lease_changed>())
                add(l->serial.value, unsigned(l->why), l->holder.value, l->since.ns, l->count);
            if (const auto* l = e.as<lifecycle>()) add(unsigned(l->what), unsigned(l->state));
            if (const auto* c = e.as<epoch_changed>()) add(unsigned(c->what), c->count);
            if (const auto* p = e.as<memctx_published>()) add(p->version.value);
        }
        for (const auto& done : near.executed) add(done.id.value, unsigned(done.what.verb));
        for (const correlation_id id : known) add(id.value);
        for (const input_change& up : near.released) add(up.code, up.value);
        return out;
    }
};

} // namespace

TEST_CASE("what one control does on its machine changes nothing that another sees of its own") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        const std::string alone = neighbours{seed}.history(false);
        neighbours both{seed};
        const std::string disturbed = both.history(true);
        INFO("seed " << seed);
        REQUIRE(alone.size() > 10000);
        CHECK(both.nuisance.log.size() > 100);
        CHECK(both.far.executed.size() > 5);
        CHECK((alone == disturbed));
    }
}
