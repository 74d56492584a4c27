// Rule: requested twice, released twice, released by somebody else, released after preemption: no
// short sequence of such calls gives anybody what is not its own (exhaustive).
#include <vmsig/lease/arbiter.hpp>

#include <array>
#include <cstdint>
#include <string>

#include <support/catch.hpp>

#include "fixtures.hpp"

namespace {

using namespace vmsig;
using namespace vmsig::test;

constexpr std::size_t longest = 6;
constexpr std::uint64_t limit = 7;

/// Two controls and a third of higher rank; each keeps the first serial and the last that it had.
struct history {
    lease_arbiter<rank_arbitration, 2> arbiter{1, {}, limit};
    std::array<serial_number, 3> first{};
    std::array<serial_number, 3> last{};
    origin_id owner;               ///< as it must be
    std::uint64_t transitions = 0; ///< grants and ends, as there must have been
    bool right = true;

    static std::size_t index(origin_id who) { return who.slot(); }
    static std::uint32_t rank(origin_id who) { return who == carol ? 2 : 1; }

    void expect(bool condition) { right = right && condition; }

    void granted(origin_id who) {
        owner = who;
        ++transitions;
        last[index(who)] = arbiter.serial(keyboard_cell);
        if (!first[index(who)]) first[index(who)] = last[index(who)];
    }
    void take(origin_id who, bool wait) {
        lease_request r = request_of(who, rank(who));
        if (wait) r = waiting(r);
        const plan p = acquire(arbiter, r);
        const bool room = limit - transitions >= (owner ? 3 : 2);
        if (owner == who) {
            expect(p.what == step::already);
        } else if (!owner) {
            expect(p.what == (room ? step::grant : step::refuse));
            if (room) granted(who);
        } else if (rank(who) > rank(owner)) {
            expect(p.what == (room ? step::preempt : step::refuse));
            if (!room) return;
            ++transitions;
            granted(who);
        } else {
            expect(p.what != step::grant && p.what != step::preempt && p.what != step::already);
        }
    }
    void give_back(origin_id who, serial_number serial) {
        const bool its_own = owner == who && serial == last[index(who)];
        const ended e = release(arbiter, who, serial);
        expect(static_cast<bool>(e) == its_own);
        if (!its_own) return;
        ++transitions;
        owner = {};
        // Hand over at once, as a core does.
        const waiter next = arbiter.take_next_waiter(keyboard_cell);
        if (next && arbiter.grant(keyboard_cell, next.request, {1})) granted(next.request.who.who);
    }
    void apply(unsigned call) {
        switch (call) {
        case 0: return take(alice, false);
        case 1: return take(bob, true);
        case 2: return take(carol, false);
        case 3: return give_back(alice, last[0]);
        case 4: return give_back(alice, first[0]);
        case 5: return give_back(bob, last[1]);
        case 6: return give_back(bob, last[0]); // a token that is another's
        case 7: return give_back(carol, last[2]);
        default: return;
        }
    }
    void check_state() {
        expect(arbiter.owner(keyboard_cell) == owner);
        expect(arbiter.serial(keyboard_cell).value == transitions && transitions <= limit);
        for (const origin_id who : {alice, bob, carol}) {
            const std::size_t i = index(who);
            expect(arbiter.check(keyboard_cell, who, last[i]) == (owner == who));
            if (first[i] != last[i]) expect(!arbiter.check(keyboard_cell, who, first[i]));
        }
    }
};

constexpr unsigned calls = 8;

TEST_CASE("no sequence of six calls confuses owners, tokens and serials") {
    std::uint64_t sequences = 0;
    std::uint64_t leases = 0;
    std::uint64_t total = 1;
    for (std::size_t i = 0; i < longest; ++i) total *= calls;
    for (std::uint64_t code = 0; code < total; ++code, ++sequences) {
        history h;
        std::uint64_t rest = code;
        std::string text;
        for (std::size_t i = 0; i < longest; ++i, rest /= calls) {
            const auto call = static_cast<unsigned>(rest % calls);
            h.apply(call);
            h.check_state();
            if (!h.right) {
                for (std::uint64_t c = code, n = 0; n <= i; c /= calls, ++n) {
                    text += std::to_string(c % calls) + ' ';
                }
                FAIL("calls " << text);
            }
        }
        leases += (h.transitions + 1) / 2;
    }
    CHECK(sequences == 262'144);
    CHECK(leases > sequences); // the sequences did something
}

TEST_CASE("whatever is called twice in a row changes nothing the second time") {
    for (unsigned before = 0; before < calls * calls; ++before) {
        for (unsigned call = 0; call < calls; ++call) {
            history h;
            h.apply(before % calls);
            h.apply(before / calls);
            h.apply(call);
            const origin_id owner = h.owner;
            // A release hands over to a waiter, whose own release is then no repetition.
            if (owner && call >= 3) continue;
            const serial_number serial = h.arbiter.serial(keyboard_cell);
            const std::uint32_t waiters = h.arbiter.status(keyboard_cell).waiters;
            h.apply(call);
            h.check_state();
            CHECK(h.right);
            CHECK(h.owner == owner);
            CHECK(h.arbiter.serial(keyboard_cell) == serial);
            CHECK(h.arbiter.status(keyboard_cell).waiters == waiters);
        }
    }
}

} // namespace
