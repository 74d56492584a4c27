// shadow_commands: what became of every accepted command, as told by the observer, the adapters and
// the receipts. It knows the rules of order; rights, leases and epochs are compared elsewhere.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include <vmsig/event/command.hpp>
#include <vmsig/event/outcome.hpp>

#include "trace.hpp"

namespace vmsig::sim {

struct tracked_command {
    correlation_id id;
    origin_id issuer;
    command what;
    std::size_t order = 0;
    bool follows = false; ///< `after` names a command of its issuer that was alive
    bool handed = false;
    bool begun = false;
    adapter_id open_at; ///< took it, and has said nothing of it yet
    std::vector<input_change> frame;
    bool releasing = false; ///< handed over again, for the second half of a hold
    bool raised = false;    ///< the epoch, before it was handed over
    bool ended = false;
    bool power_lost = false; ///< since it was taken: nothing of it is down
    bool orphan = false;     ///< its issuer was detached before it ended or before its receipt
    unsigned receipts = 0;
    outcome how = outcome::none;

    command_class cls() const { return class_of(what.verb); }
    bool same_key(const tracked_command& o) const {
        return issuer == o.issuer && what.endpoint == o.what.endpoint && cls() == o.cls() &&
               what.lane == o.what.lane;
    }
};

class shadow_commands {
public:
    explicit shadow_commands(verdict& v)
        : broken_{v} {}

    tracked_command* find(correlation_id id) {
        const auto at = by_id_.find(id.value);
        return at == by_id_.end() ? nullptr : &all_[at->second];
    }

    void accepted(correlation_id id, origin_id who, const command& c) {
        broken_.expect(find(id) == nullptr, "I21: a correlation id is never reused", id.value);
        tracked_command t;
        t.id = id;
        t.issuer = who;
        t.what = c;
        t.order = all_.size();
        const tracked_command* before = c.after ? find(c.after) : nullptr;
        t.follows = before && !before->ended && before->issuer == who;
        by_id_[id.value] = all_.size();
        live_.push_back(all_.size());
        all_.push_back(t);
        latest_ = id;
    }
    correlation_id latest() const { return latest_; }

    /// Given to an adapter of `at`.
    void handed_over(correlation_id id, endpoint_id at, instant now) {
        tracked_command* t = find(id);
        if (!broken_.expect(t != nullptr, "what is handed over was accepted", id.value)) return;
        broken_.expect(!t->ended, "I8: what has ended is not handed over", id.value);
        broken_.expect(t->what.endpoint == at, "a command goes to its endpoint", id.value);
        broken_.expect(now >= t->what.not_before, "never begun before its time", id.value);
        if (t->handed) {
            broken_.expect(t->begun && t->what.hold && !t->releasing,
                           "handed over once, or again for the end of a hold", id.value);
            t->releasing = true;
            return;
        }
        const tracked_command* before = t->follows ? find(t->what.after) : nullptr;
        broken_.expect(!before || before->ended, "after(id) waits for its completion", id.value);
        check_order(*t);
        t->handed = true;
    }
    /// What the core executes itself is handed over and begun when it ends.
    void check_order(const tracked_command& t) {
        for (const std::size_t n : live_) {
            const tracked_command& other = all_[n];
            if (n == t.order || !other.same_key(t)) continue;
            if (other.order < t.order && !other.what.not_before && !other.follows)
                broken_.expect(other.handed, "I10: commands are handed over in order",
                               other.id.value, t.id.value);
            broken_.expect(!other.handed || !other.what.hold, "a hold blocks later ones of its key",
                           other.id.value, t.id.value);
        }
    }
    /// Nothing of an earlier lease of the cell has begun and not ended.
    void check_drained(const tracked_command& t) {
        for (const std::size_t n : live_) {
            const tracked_command& other = all_[n];
            const bool cell = other.what.endpoint == t.what.endpoint && other.cls() == t.cls();
            if (cell && other.what.serial < t.what.serial)
                broken_.expect(false, "what an ended lease began is over before the next acts",
                               other.id.value, t.id.value);
        }
    }

    /// Ended, as the audit says.
    void ended(correlation_id id, outcome how, bool begun) {
        tracked_command* t = find(id);
        if (!broken_.expect(t != nullptr, "what ends was accepted", id.value)) return;
        broken_.expect(!t->ended, "I8: a command ends once", id.value);
        if (t->what.verb == verb::mem_read && begun) {
            check_order(*t);
            t->handed = t->begun = true;
        }
        if (!opaque) broken_.expect(t->begun == begun, "the audit knows what begun", id.value);
        const bool never = how == outcome::cancelled || how == outcome::expired ||
                           how == outcome::revoked || how == outcome::stale_epoch;
        broken_.expect(!never || !begun || t->what.hold, "I24: what begun ends in its true outcome",
                       id.value, static_cast<std::uint64_t>(how));
        const bool filtered = t->cls() == command_class::input; // nothing was left to do
        broken_.expect(how != outcome::done || begun || filtered, "done only what has begun",
                       id.value);
        t->ended = true;
        t->how = how;
        std::erase(live_, t->order);
    }
    void receipt_came(correlation_id id, origin_id to, outcome how) {
        tracked_command* t = find(id);
        if (!broken_.expect(t != nullptr, "a receipt names an accepted command", id.value)) return;
        broken_.expect(t->issuer == to, "a receipt goes to its issuer", id.value, to.value);
        broken_.expect(t->ended, "a receipt follows the end", id.value);
        broken_.expect(t->how == how, "receipt and audit agree", id.value,
                       static_cast<std::uint64_t>(how), static_cast<std::uint64_t>(t->how));
        broken_.expect(++t->receipts == 1, "I8: exactly one receipt", id.value);
    }
    void issuer_detached(origin_id who) {
        for (tracked_command& t : all_)
            if (t.issuer == who && t.receipts == 0) t.orphan = true;
    }

    std::uint32_t pending_of(origin_id who) const {
        std::uint32_t n = 0;
        for (const std::size_t at : live_) n += all_[at].issuer == who ? 1u : 0u;
        return n;
    }
    std::size_t live() const { return live_.size(); }
    std::size_t size() const { return all_.size(); }
    template <class F>
    void for_each_live(F&& f) {
        for (const std::size_t at : live_) f(all_[at]);
    }
    /// Nothing is under way any more.
    void check_quiet() {
        for (const std::size_t at : live_)
            broken_.expect(false, "I25: every accepted command reaches its end", all_[at].id.value,
                           all_[at].handed, all_[at].begun,
                           static_cast<std::uint64_t>(all_[at].what.verb));
        for (const tracked_command& t : all_)
            broken_.expect(t.receipts == (t.orphan ? 0u : 1u), "I8: one receipt for each command",
                           t.id.value, t.receipts, t.orphan);
    }
    /// Whether all that an earlier lease than `s` left unbegun was told to its issuers.
    void check_receipts_before(endpoint_id at, command_class c, serial_number s) {
        for (auto t = all_.rbegin(); t != all_.rend() && all_.rend() - t < 200; ++t)
            if (t->what.endpoint == at && t->cls() == c && t->what.serial < s && t->ended &&
                !t->begun && !t->orphan)
                broken_.expect(t->receipts == 1, "receipts come before the next owner's grant",
                               t->id.value, s.value);
    }

    bool opaque = false; ///< some adapters do not tell what they take

private:
    verdict& broken_;
    std::vector<tracked_command> all_;
    std::unordered_map<std::uint64_t, std::size_t> by_id_;
    std::vector<std::size_t> live_;
    correlation_id latest_;
};

} // namespace vmsig::sim
