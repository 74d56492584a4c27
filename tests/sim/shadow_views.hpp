// shadow_views: what each control has been shown of each endpoint, and whether it might be: rights,
// subscription, replay before the stream, and the fence of the memctx.
#pragma once

#include <array>
#include <vector>

#include <vmsig/event/kind.hpp>
#include <vmsig/event/payloads.hpp>
#include <vmsig/grant/grant.hpp>
#include <vmsig/grant/subscription.hpp>

#include "shadow_cells.hpp"

namespace vmsig::sim {

struct endpoint_view {
    enum class stage : std::uint8_t { closed, replaying, open };

    endpoint_id id;
    stage at = stage::closed;
    bool ready = false; ///< its first replay has ended
    epoch_number told;  ///< by the last epoch_changed or replay_end
    bool has_memctx = false;
    bool exported = false; ///< the version was learnt from an export
    epoch_number memctx_epoch;
    version_number memctx_version;
    epoch_number invalidated;
    bool knew = false;  ///< held a right on it when it was removed; it was not told of that yet
    bool ended = false; ///< it was told
    endpoint_id former; ///< the same of the one that had the place before
    std::uint64_t last_sample = 0;
};

struct control_view {
    origin_id id;
    bool live = false;
    vmsig::grant grant;
    vmsig::subscription subscription;
    std::array<endpoint_view, most_endpoints> endpoints{};

    endpoint_view& of(endpoint_id at) {
        endpoint_view& v = endpoints[at.slot()];
        if (v.id < at) {
            const endpoint_id former = v.knew ? v.id : v.former;
            v = {};
            v.id = at;
            v.former = former;
        }
        return v;
    }
    /// Its end, and what happened before, is still to be told.
    bool is_owed_end(endpoint_id at) {
        const endpoint_view& v = of(at);
        return v.id == at ? v.knew : v.former == at;
    }
    void end_told(endpoint_id at) {
        endpoint_view& v = of(at);
        if (v.id == at)
            v.knew = false, v.ended = true;
        else if (v.former == at)
            v.former = {};
    }
};

/// What the sensors of the simulation emit: numbered per endpoint.
struct sample {
    std::uint64_t number = 0;
};

class shadow_views {
public:
    shadow_views(verdict& v, shadow_cells& cells)
        : broken_{v}
        , cells_{cells} {}

    control_view* find(origin_id id) {
        control_view& v = views_[id.slot()];
        return id && v.live && v.id == id ? &v : nullptr;
    }
    void attached(origin_id id, const grant& g, const subscription& s) {
        control_view& v = views_[id.slot()];
        broken_.expect(!v.live && id > v.id, "I22: an origin is never reused", id.value);
        v = {};
        v.id = id;
        v.live = true;
        v.grant = g;
        v.subscription = s;
    }
    void detached(origin_id id) {
        if (control_view* v = find(id)) v->live = false;
    }
    /// Before the host calls `set_grant`.
    void regranted(origin_id id, const grant& g) {
        control_view* v = find(id);
        if (!v) return;
        v->grant = g;
        cells_.for_each([&](const shadow_endpoint& ep) {
            endpoint_view& seen = v->of(ep.id);
            if (!g.rights_on(ep.id).any()) {
                seen.at = endpoint_view::stage::closed;
                seen.ready = false;
            }
            if (!g.permits(right::memctx, ep.id)) seen.has_memctx = false;
        });
    }
    /// Before an endpoint is removed.
    void removing(endpoint_id at) {
        for (control_view& v : views_)
            if (v.live && v.grant.rights_on(at).any()) v.of(at).knew = true;
    }
    bool may(origin_id who, right r, endpoint_id at) {
        const control_view* v = find(who);
        return v && v->grant.permits(r, at);
    }

    void delivered(origin_id to, const event& e) {
        control_view* v = find(to);
        if (!broken_.expect(v != nullptr, "I7: nothing is delivered after detach", to.value,
                            static_cast<std::uint64_t>(e.kind)))
            return;
        const kind_traits t = e.kind < kind::first_host ? traits_of(e.kind) : host_kind;
        check_rights(*v, e, t);
        if (!e.endpoint) return;
        endpoint_view& seen = v->of(e.endpoint);
        const bool former = seen.id != e.endpoint;
        broken_.expect(former ? v->is_owed_end(e.endpoint) : !seen.ended,
                       "nothing comes of an endpoint after its end", e.endpoint.value,
                       static_cast<std::uint64_t>(e.kind));
        if (e.is(kind::endpoint_removed)) v->end_told(e.endpoint);
        if (former) return;
        check_stage(seen, e, t, to);
        check_memctx(seen, e);
        check_order(seen, e);
    }
    /// An export was decided.
    void exporting(const audit_record& r) {
        broken_.expect(may(r.origin, right::memctx, r.endpoint), "I5: exports need memctx",
                       r.origin.value, r.endpoint.value);
        broken_.expect(cells_.current(r.endpoint, r.epoch),
                       "I3: only the current memctx is handed out", r.origin.value,
                       r.endpoint.value, r.epoch.value);
    }
    /// It was handed out. What was told before the call returned may be news of what followed.
    void exported(origin_id to, const memctx_locator& l) {
        control_view* v = find(to);
        if (!v || !v->grant.permits(right::memctx, l.endpoint)) return;
        endpoint_view& seen = v->of(l.endpoint);
        if (seen.id != l.endpoint || l.epoch <= seen.invalidated) return;
        if (l.epoch == seen.memctx_epoch && l.version < seen.memctx_version) return;
        rise(seen, l.epoch, l.version, true);
        seen.exported = true;
    }
    /// At the end: everybody has had what he may see replayed.
    void check_quiet() {
        for (control_view& v : views_) {
            if (!v.live) continue;
            cells_.for_each([&](const shadow_endpoint& ep) {
                if (v.grant.rights_on(ep.id).any())
                    broken_.expect(v.of(ep.id).at == endpoint_view::stage::open,
                                   "I25: every replay comes and ends", v.id.value, ep.id.value,
                                   static_cast<std::uint64_t>(v.of(ep.id).at));
            });
        }
    }

    kind_traits host_kind;

private:
    void check_rights(control_view& v, const event& e, const kind_traits& t) {
        const rights r = v.grant.rights_on(e.endpoint);
        const auto a = static_cast<unsigned>(t.audience);
        const auto what = static_cast<std::uint64_t>(e.kind);
        bool allowed = true;
        if (t.audience < audience::any_right || t.audience == audience::memory_readers) {
            const bool right_held = t.audience == audience::memory_readers
                                        ? r.has(right::memctx) || r.has(right::memread)
                                        : r.has(static_cast<right>(a));
            allowed = right_held && (e.is(kind::memctx_unavailable) || // answers its own call
                                     (v.grant.sources_value().has(e.source) &&
                                      v.subscription.wants(e.endpoint, e.source)));
        } else if (t.audience == audience::any_right) {
            allowed = r.any() || (e.is(kind::endpoint_removed) && v.is_owed_end(e.endpoint));
        } else if (e.is(kind::replay_begin) || e.is(kind::replay_end) || e.is(kind::gap)) {
            allowed = r.any();
        } else if (e.is(kind::memctx_invalidated)) {
            allowed = r.has(right::memctx);
        }
        broken_.expect(allowed, "I7: nothing is delivered without its right", v.id.value, what,
                       e.endpoint.value, r.bits);
    }
    void check_stage(endpoint_view& seen, const event& e, const kind_traits& t, origin_id to) {
        using stage = endpoint_view::stage;
        const auto what = static_cast<std::uint64_t>(e.kind);
        if (e.is(kind::replay_begin)) {
            broken_.expect(seen.at != stage::replaying, "one replay at a time", to.value,
                           e.endpoint.value);
            seen.at = stage::replaying;
            return;
        }
        if (e.is(kind::replay_end)) {
            broken_.expect(seen.at == stage::replaying, "a replay ends that has begun", to.value,
                           e.endpoint.value);
            seen.at = stage::open;
            seen.ready = true;
            return;
        }
        const bool addressed = t.audience == audience::addressee ||
                               e.is(kind::memctx_unavailable) || e.is(kind::endpoint_removed);
        if (addressed || seen.at == stage::open) return;
        broken_.expect(seen.at == stage::replaying, "nothing comes before replay_begin", to.value,
                       what, e.endpoint.value);
        const auto* l = e.as<lifecycle>();
        const auto* c = e.as<lease_changed>();
        const bool retained = (l && l->replayed) || (c && c->replayed) ||
                              e.is(kind::leds_changed) || e.is(kind::memctx_published);
        broken_.expect(retained, "only retained state comes before replay_end", to.value, what,
                       e.endpoint.value);
    }
    void rise(endpoint_view& seen, epoch_number e, version_number v, bool again) {
        const std::uint64_t id = seen.id.value;
        broken_.expect(e > seen.invalidated, "I3: no memctx after its invalidation", id, e.value,
                       seen.invalidated.value);
        broken_.expect(!seen.has_memctx || e == seen.memctx_epoch,
                       "I3: an invalidation stands between epochs", id, e.value,
                       seen.memctx_epoch.value);
        broken_.expect(e >= seen.memctx_epoch, "I3: epochs of the memctx rise", id, e.value);
        if (seen.has_memctx)
            broken_.expect(again ? v >= seen.memctx_version : v > seen.memctx_version,
                           "I3: versions of the memctx rise", id, v.value,
                           seen.memctx_version.value);
        seen.has_memctx = true;
        seen.exported = false;
        seen.memctx_epoch = e;
        seen.memctx_version = v;
    }
    void check_memctx(endpoint_view& seen, const event& e) {
        if (const auto* p = e.as<memctx_published>())
            rise(seen, e.epoch, p->version,
                 seen.exported || seen.at == endpoint_view::stage::replaying);
        if (const auto* i = e.as<memctx_invalidated>()) {
            broken_.expect(i->last >= seen.invalidated, "I3: invalidations rise", e.endpoint.value,
                           i->last.value);
            seen.has_memctx = false;
            seen.invalidated = i->last;
        }
    }
    void check_order(endpoint_view& seen, const event& e) {
        if (e.is(kind::epoch_changed)) {
            broken_.expect(e.epoch >= seen.told, "epoch notices rise", e.endpoint.value,
                           e.epoch.value, seen.told.value);
            seen.told = e.epoch;
        }
        if (e.is(kind::replay_end)) seen.told = std::max(seen.told, e.epoch);
        if (e.kind >= kind::first_host) {
            const auto* s = e.payload_as<sample>();
            if (!s) return;
            broken_.expect(s->number > seen.last_sample, "I10: events keep their order",
                           e.endpoint.value, s->number, seen.last_sample);
            seen.last_sample = s->number;
        }
    }

    verdict& broken_;
    shadow_cells& cells_;
    std::array<control_view, most_controls> views_{};
};

} // namespace vmsig::sim
