// shadow: a model of the core beside the core, fed by what its controls, its adapters and its
// observer see. It compares at each instant, and after each step with what the core answers.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <vmsig/adapter/fenced_command.hpp>
#include <vmsig/lease/answers.hpp>

#include "meter.hpp"
#include "shadow_audit.hpp"
#include "shadow_commands.hpp"
#include "shadow_keys.hpp"
#include "shadow_views.hpp"

namespace vmsig::sim {

/// What the core answers when asked.
struct oracle {
    virtual instant now() const = 0;
    virtual epoch_number epoch_of(endpoint_id) const = 0;
    virtual lease_status lease_of(endpoint_id, lease_class) const = 0;
    virtual std::uint32_t pending_of(origin_id) const = 0;

protected:
    ~oracle() = default;
};

class shadow {
public:
    shadow(trace& t, verdict& v, const oracle& core, std::uint64_t limit)
        : log{t}
        , broken{v}
        , commands{v}
        , cells{v, limit}
        , keys{v}
        , views{v, cells}
        , audit{v}
        , core_{core} {}

    // The observer.

    void accepted(correlation_id id, origin_id who, const command& c) {
        log.line("accepted", id.value, who.value, static_cast<std::uint64_t>(c.verb),
                 c.endpoint.value);
        commands.accepted(id, who, c);
        ++counted.accepted;
        control_view* v = views.find(who);
        if (!broken.expect(v != nullptr, "I8: only the living submit", who.value)) return;
        broken.expect(views.may(who, right_of(class_of(c.verb)), c.endpoint),
                      "I5: accepted needs a right", id.value);
        broken.expect(v->of(c.endpoint).ready, "not_ready before replay_end", id.value,
                      c.endpoint.value);
        broken.expect(commands.pending_of(who) <= v->grant.quotas_value()[resource::pending],
                      "I11: pending stays within the quota", who.value);
        check_fences(*commands.find(id), "I4: accepted under the lease",
                     "I2: accepted in the epoch");
    }
    void decided(const audit_record& r) {
        log.line(traits_of(r.what).name.data(), r.origin.value, r.endpoint.value,
                 r.correlation.value ? r.correlation.value : r.serial.value,
                 std::uint64_t{r.verdict} << 8 | r.subject);
        audit.decided(r);
        switch (r.what) {
        case decision::endpoint_added: return cells.added(r.endpoint, r.epoch);
        case decision::endpoint_removed: return cells.removed(r.endpoint);
        case decision::epoch_raised:
            ++counted.epochs;
            if (tracked_command* t = commands.find(r.correlation)) t->raised = true;
            return cells.raised(r.endpoint, r.epoch);
        case decision::memctx_exported: return views.exporting(r);
        case decision::lease_granted: return lease_granted(r);
        case decision::lease_ended: return lease_ended(r);
        case decision::command_ended: return ended(r);
        case decision::detached:
            commands.issuer_detached(r.origin);
            return views.detached(r.origin);
        default: return;
        }
    }

    // The adapters.

    void handed_over(correlation_id id, endpoint_id at) {
        log.line("execute", id.value, at.value);
        commands.handed_over(id, at, core_.now());
        const tracked_command* t = commands.find(id);
        const shadow_endpoint* ep = cells.find(at);
        if (!t || !ep || t->releasing) return;
        const auto c = static_cast<unsigned>(t->cls());
        const bool ran = static_cast<bool>(ep->last_run[c]);
        const bool drained = t->what.verb == verb::reset || t->what.verb == verb::power_off ||
                             t->what.verb == verb::snapshot_restore;
        broken.expect(!ran || drained || core_.now() >= ep->last_run[c] + ep->pace[c],
                      "the pace is kept", id.value, at.value);
    }
    void took(correlation_id id, adapter_id by, const taken_command& taken) {
        log.line("take", id.value, by.value, taken.frame.size(),
                 taken.frame.empty() ? 0 : taken.frame.front().code);
        ++counted.taken;
        tracked_command* t = commands.find(id);
        if (!broken.expect(t && t->handed && !t->ended && (!t->begun || t->releasing),
                           "what is taken was handed over and has not ended", id.value))
            return;
        if (t->what.verb == verb::reset || t->what.verb == verb::power_off ||
            t->what.verb == verb::snapshot_restore)
            t->what.epoch = taken.command.epoch; // re-stamped
        broken.expect(views.may(t->issuer, right_of(t->cls()), t->what.endpoint),
                      "I7: nothing begins without its right", id.value, t->issuer.value);
        check_fences(*t, "I4: begins under the lease", "I2: begins in the epoch");
        if (!t->releasing)
            broken.expect(!t->what.deadline || core_.now() <= t->what.deadline,
                          "never begun after its deadline", id.value);
        if (needs_lease(t->cls())) commands.check_drained(*t);
        if (shadow_endpoint* ep = cells.find(t->what.endpoint); ep && !t->releasing)
            ep->last_run[static_cast<unsigned>(t->cls())] = core_.now();
        if (t->cls() == command_class::input) went_dark(t->what.endpoint, true);
        t->begun = true;
        t->open_at = by;
        if (t->cls() != command_class::input) return;
        t->frame.assign(taken.frame.begin(), taken.frame.end());
        keys.took(t->what.endpoint, by, t->what.serial, taken.frame);
    }
    /// About to be said by an adapter that is attached, perhaps of a command that is not its own.
    void completes(correlation_id id, adapter_id by, bool done) {
        tracked_command* t = commands.find(id);
        if (!t || t->open_at != by) return;
        t->open_at = {};
        if (t->ended || t->power_lost || done) return;
        if (t->cls() == command_class::input)
            keys.failed(t->what.endpoint, by, t->what.serial, t->frame);
    }
    /// Or something else happens to the machine, a restore too, or it takes input, before that is
    /// over.
    void went_dark(endpoint_id at, bool it_did) {
        if (!keys.went_dark(at, it_did)) return;
        commands.for_each_live([at](tracked_command& t) {
            if (t.open_at && t.what.endpoint == at && t.cls() == command_class::input)
                t.power_lost = true;
        });
    }
    /// It has ended, or `by` is on its way out, and it ends with it.
    void not_taken(correlation_id id, adapter_id by) {
        const tracked_command* t = commands.find(id);
        if (!t || !t->ended) not_taken_.push_back({id, by});
    }
    void device_gone(endpoint_id at, adapter_id by) {
        if (at) keys.device_gone(at, by);
        gone_.push_back(by);
    }

    // The controls.

    void delivered(origin_id to, const event& e) {
        log.line(name_of(e.kind), to.value, e.endpoint.value, e.epoch.value, e.correlation.value);
        ++counted.delivered;
        views.delivered(to, e);
        if (const auto* r = e.as<receipt>()) commands.receipt_came(e.correlation, to, r->outcome);
        if (const auto* g = e.as<lease_granted_event>())
            commands.check_receipts_before(g->endpoint, static_cast<command_class>(g->lease_class),
                                           g->serial);
    }

    // The host: after its calls have returned, and after each step.

    /// I7: what is outside the grant and has not begun is gone; leases and waits with it.
    void check_grant(origin_id who) {
        const control_view* v = views.find(who);
        if (!v) return;
        commands.for_each_live([&](const tracked_command& t) {
            if (t.issuer == who && !t.begun && !commands.opaque)
                broken.expect(v->grant.permits(right_of(t.cls()), t.what.endpoint),
                              "I7: narrowing takes effect before it returns", who.value,
                              t.id.value);
        });
        cells.for_each([&](const shadow_endpoint& ep) {
            for (unsigned c = 0; c < lease_class_count; ++c)
                if (cells.cell(ep.id, c).owner == who)
                    broken.expect(v->grant.permits(right_of(static_cast<lease_class>(c)), ep.id),
                                  "I7: a lease ends with its right", who.value, ep.id.value, c);
        });
    }
    void check_detached(origin_id who) {
        broken.expect(views.find(who) == nullptr, "detach is a barrier", who.value);
        cells.for_each([&](const shadow_endpoint& ep) {
            for (unsigned c = 0; c < lease_class_count; ++c) {
                broken.expect(cells.cell(ep.id, c).owner != who,
                              "I13: a dead owner's leases are free", who.value, ep.id.value, c);
                broken.expect(core_.lease_of(ep.id, static_cast<lease_class>(c)).owner.who != who,
                              "I13: a dead owner's leases are free", who.value, ep.id.value, c);
            }
        });
        commands.for_each_live([&](const tracked_command& t) {
            broken.expect(t.issuer != who || t.begun || commands.opaque,
                          "commands of the dead end, unless begun", who.value, t.id.value);
        });
    }
    void check_step(std::uint64_t reserved) {
        keys.check();
        for (const auto& [id, by] : not_taken_) {
            const tracked_command* t = commands.find(id);
            const bool left = std::find(gone_.begin(), gone_.end(), by) != gone_.end();
            broken.expect(t && t->ended && left, "what cannot be taken has ended", id.value);
        }
        not_taken_.clear();
        gone_.clear();
        cells.for_each([&](const shadow_endpoint& ep) {
            broken.expect(core_.epoch_of(ep.id) == ep.epoch, "the audit tells every epoch",
                          ep.id.value, ep.epoch.value);
            for (unsigned c = 0; c < lease_class_count; ++c) {
                const lease_status s = core_.lease_of(ep.id, static_cast<lease_class>(c));
                broken.expect(s.owner.who == cells.cell(ep.id, c).owner,
                              "the audit tells every lease", ep.id.value, c);
            }
        });
        broken.expect(reserved == commands.live() + cells.held(),
                      "I9: each admission has room for its end", reserved, commands.live(),
                      cells.held());
    }

    struct counts {
        std::uint64_t accepted = 0;
        std::uint64_t taken = 0;
        std::uint64_t delivered = 0;
        std::uint64_t epochs = 0;
        std::uint64_t leases = 0;
    };

    trace& log;
    verdict& broken;
    shadow_commands commands;
    shadow_cells cells;
    shadow_keys keys;
    shadow_views views;
    shadow_audit audit;
    counts counted;

private:
    using lease_granted_event = vmsig::lease_granted;

    static const char* name_of(kind k) {
        return k < kind::first_host ? traits_of(k).name.data() : "sample";
    }
    void check_fences(const tracked_command& t, const char* lease_rule, const char* epoch_rule) {
        const command& c = t.what;
        if (needs_lease(t.cls())) {
            const shadow_cell& held = cells.cell(c.endpoint, static_cast<unsigned>(t.cls()));
            broken.expect(held.owner == t.issuer && held.serial == c.serial, lease_rule, t.id.value,
                          t.issuer.value, c.serial.value, held.serial.value);
        }
        const bool fenced = t.cls() == command_class::input || t.cls() == command_class::memwrite ||
                            t.cls() == command_class::memread || c.fenced_by_epoch;
        if (fenced)
            broken.expect(cells.current(c.endpoint, c.epoch), epoch_rule, t.id.value,
                          c.epoch.value);
    }
    void lease_granted(const audit_record& r) {
        ++counted.leases;
        broken.expect(
            views.may(r.origin, right_of(static_cast<lease_class>(r.subject)), r.endpoint),
            "I15: granted to the living who may hold it", r.origin.value, r.endpoint.value,
            r.subject);
        cells.granted(r);
    }
    void lease_ended(const audit_record& r) {
        commands.for_each_live([&](const tracked_command& t) {
            const bool under = t.issuer == r.origin && t.what.endpoint == r.endpoint &&
                               static_cast<unsigned>(t.cls()) == r.subject &&
                               t.what.serial == r.serial;
            broken.expect(!under || t.begun || commands.opaque,
                          "what is queued under a lease ends before it", t.id.value,
                          r.serial.value);
        });
        cells.released(r);
    }
    void ended(const audit_record& r) {
        const tracked_command* t = commands.find(r.correlation);
        const bool begun = (r.flags & audit_begun) != 0;
        if (t && t->what.verb == verb::mem_read && begun) {
            broken.expect(views.may(t->issuer, right::memread, t->what.endpoint),
                          "I7: nothing is read without its right", t->id.value);
            check_fences(*t, "", "I2: read in the epoch");
        }
        commands.ended(r.correlation, static_cast<outcome>(r.verdict), begun);
    }

    const oracle& core_;
    // In this step.
    std::vector<std::pair<correlation_id, adapter_id>> not_taken_; ///< and had not ended
    std::vector<adapter_id> gone_;
};

/// Goes into the core and passes on what it sees.
struct observing {
    void on_event(const event&, std::uint64_t, std::uint64_t) {}
    void on_command(correlation_id id, origin_id who, const command& c) {
        if (!to) return;
        const meter::side ours{*cost, false};
        to->accepted(id, who, c);
    }
    void on_receipt(const event&, origin_id) {}
    void on_decision(const audit_record& r) {
        if (!to) return;
        const meter::side ours{*cost, false};
        to->decided(r);
    }
    shadow* to = nullptr;
    meter* cost = nullptr;
};

} // namespace vmsig::sim
