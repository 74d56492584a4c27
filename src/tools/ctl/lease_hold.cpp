#include "lease_hold.hpp"

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>
#include <vmsig/fmt.hpp>

#include "lease_text.hpp"
#include "trouble.hpp"
#include "values.hpp"

using namespace vmsig;

namespace ctl {

namespace {

/// Why, and of which rank, is another question, to which the answer may be another owner.
std::string owner_of(connection& bus, const machine& m, const acquire_result& r, lease_class c) {
    if (!r.holder) return "held";
    const auto v = bus.client().status(m.id, c);
    if (v && v->holder == r.holder) return text_of_lease(*v, bus.client().origin());
    return fmt::format("held by control {} for {}", r.holder, text_of(connection::now() - r.since));
}

trouble is_held(connection& bus, const machine& m, const acquire_result& r, lease_class c) {
    return {held, fmt::format("{}: the {} lease is {}", m.name, name_of(c), owner_of(bus, m, r, c)),
            fmt::format("--wait stands in line; who has `admin` can end it: "
                        "`vmsigctl lease release {} {}`",
                        escaped(m.name), name_of(c))};
}

} // namespace

lease_hold::lease_hold(connection& bus, const machine& m, const lease_wish& wish)
    : bus_{bus} {
    lease_options o;
    o.wait = wish.wait;
    o.wait_for = wish.wait_for;
    o.time_to_live = wish.time_to_live;
    o.reason = wish.reason;
    const acquire_result r = bus.client().acquire(m.id, wish.lease_class, o);
    if (r.what == acquire_result::status::granted) {
        lease_ = r.lease;
    } else if (r.what == acquire_result::status::waiting) {
        wait(m, wish, r.wait);
    } else {
        bus.check();
        if (r.why == refusal::held) throw is_held(bus, m, r, wish.lease_class);
        throw refused(r.why, fmt::format("{}: the {} lease", m.name, name_of(wish.lease_class)), m);
    }
}

void lease_hold::wait(const machine& m, const lease_wish& wish, wait_id id) {
    const std::string what = fmt::format("{}: the {} lease", m.name, name_of(wish.lease_class));
    // The bus ends the wait; this is for a bus that does not.
    const duration longest = wish.wait_for ? wish.wait_for : bus_.limit();
    const instant until = connection::now() + longest + seconds(wish.wait_for ? 1 : 0);
    while (const event* e = bus_.next(until)) {
        const auto* granted = e->as<lease_granted>();
        if (granted && granted->wait == id) {
            lease_ = *granted;
            return;
        }
        const auto* ended = e->as<lease_wait_ended>();
        if (!ended || ended->wait != id) continue;
        if (ended->why == lease_end::expired) break;
        throw trouble{failed, fmt::format("{}: the wait ended: {}", what, name_of(ended->why))};
    }
    (void)bus_.client().withdraw(id);
    throw trouble{too_late, fmt::format("{}: somebody else kept it", what),
                  fmt::format("`vmsigctl lease status {}` says who; --wait-for waits longer",
                              escaped(m.name))};
}

lease_hold::~lease_hold() {
    if (bus_.client().connected()) (void)bus_.client().release(lease_);
}

lease_wish wish_of(const arguments& given, lease_class c) {
    lease_wish w;
    w.lease_class = c;
    w.wait = given.has("--wait") || given.has("--wait-for");
    if (const auto d = given.find("--wait-for")) w.wait_for = duration_of(*d);
    if (const auto r = given.find("--reason")) w.reason = *r;
    if (w.reason.size() > 47)
        throw misuse("the reason is longer than 47 bytes", "say it shorter: --reason TEXT");
    return w;
}

} // namespace ctl
