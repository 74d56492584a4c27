// The C face: events, translated field by field.
#include "boundary.hpp"

using namespace vmsig;

namespace {

template <class E>
constexpr std::uint32_t number(E e) {
    return static_cast<std::uint32_t>(e);
}

vmsig_lease_notice lease_of(const lease& l) {
    vmsig_lease_notice n{};
    n.serial = l.serial.value;
    n.lease_class = number(l.lease_class);
    return n;
}

bool put_lease(const event& e, vmsig_lease_notice& out) {
    if (const auto* granted = e.as<lease_granted>()) {
        out = lease_of(*granted);
        out.wait = granted->wait.value;
    } else if (const auto* lost = e.as<lease_lost>()) {
        out = lease_of(*lost);
        out.why = static_cast<std::uint16_t>(lost->why);
    } else if (const auto* asked = e.as<lease_asked>()) {
        out = lease_of(*asked);
        out.rank = asked->challenger_rank;
    } else if (const auto* ended = e.as<lease_wait_ended>()) {
        out.wait = ended->wait.value;
        out.lease_class = number(ended->lease_class);
        out.why = static_cast<std::uint16_t>(ended->why);
    } else if (const auto* changed = e.as<lease_changed>()) {
        out = lease_of(*changed);
        out.why = static_cast<std::uint16_t>(changed->why);
        out.replayed = changed->replayed;
        out.holder = changed->holder.value;
        out.since_ns = changed->since.ns;
        out.count = changed->count;
    } else {
        return false;
    }
    return true;
}

bool put_memory(const event& e, vmsig_event& out) {
    if (const auto* published = e.as<memctx_published>()) {
        out.as.memctx.version = published->version.value;
    } else if (const auto* invalidated = e.as<memctx_invalidated>()) {
        out.as.memctx.last_epoch = invalidated->last.value;
    } else if (const auto* unavailable = e.as<memctx_unavailable>()) {
        out.as.memctx.error = unavailable->error;
    } else if (const auto* w = e.as<memory_written>()) {
        out.as.written = {w->address, w->root, w->length, number(w->mode)};
    } else {
        return false;
    }
    return true;
}

void put_adapter(const adapter_change& c, vmsig_adapter_notice& out) {
    out = {c.adapter, c.roles, c.fault};
}

void put_rest(const event& e, vmsig_event& out) {
    if (const auto* r = e.as<receipt>()) {
        out.as.receipt = {number(r->outcome), number(r->failure), number(r->verb),
                          number(r->mode),    r->begun,           number(r->state),
                          r->error,           r->bytes,           r->value};
    } else if (const auto* l = e.as<lifecycle>()) {
        out.as.lifecycle = {number(l->what), number(l->cause), number(l->state), l->replayed, 0};
    } else if (const auto* c = e.as<epoch_changed>()) {
        out.as.lifecycle = {number(c->what), number(c->cause), 0, 0, c->count};
    } else if (const auto* g = e.as<grant_changed>()) {
        out.as.grant.rights = g->rights;
    } else if (const auto* lost = e.as<gap>()) {
        out.as.gap = {lost->count, abi::lane_number(lost->lane)};
    } else if (const auto* leds = e.as<leds_changed>()) {
        out.as.leds.lit = leds->lit;
    } else if (const auto* text = e.as<console_output>()) {
        out.as.console.bytes = std::min<std::uint8_t>(text->size, sizeof out.as.console.text);
        std::memcpy(out.as.console.text, text->text.data(), sizeof out.as.console.text);
    } else if (const auto* came = e.as<adapter_attached>()) {
        put_adapter(*came, out.as.adapter);
    } else if (const auto* left = e.as<adapter_detached>()) {
        put_adapter(*left, out.as.adapter);
    }
}

vmsig_event translated(const event& e, std::span<const std::byte> payload) {
    vmsig_event out = VMSIG_EVENT_INIT;
    out.kind = static_cast<std::uint16_t>(e.kind);
    out.source = static_cast<std::uint8_t>(e.source);
    out.lane = static_cast<std::uint8_t>(abi::lane_number(e.lane));
    out.endpoint = e.endpoint.value;
    out.epoch = e.epoch.value;
    out.sequence = e.sequence;
    out.origin = e.origin.value;
    out.correlation = e.correlation.value;
    out.timestamp_ns = e.timestamp.ns;
    out.deadline_ns = e.deadline.ns;
    out.payload = payload.empty() ? nullptr : payload.data();
    out.payload_bytes = payload.size();
    if (e.kind >= kind::first_host) {
        out.inline_bytes = std::min<std::uint32_t>(e.inline_size, sizeof out.as.bytes);
        std::memcpy(out.as.bytes, e.inline_data, out.inline_bytes);
    } else if (!put_lease(e, out.as.lease) && !put_memory(e, out)) {
        put_rest(e, out);
    }
    return out;
}

} // namespace

extern "C" {

vmsig_result vmsig_client_receive(vmsig_client* c) {
    return abi::guarded(c,
                        [](client& bus) { return bus.receive() ? VMSIG_OK : VMSIG_REFUSED_GONE; });
}

vmsig_result vmsig_client_next_event(vmsig_client* c, std::int64_t at_most_ns, vmsig_event* out) {
    if (!abi::has_room(out)) return VMSIG_ERROR_ARGUMENT;
    return abi::guarded(c, [=](client& bus) {
        const event* e = bus.next_event(duration{std::max<std::int64_t>(at_most_ns, 0)});
        if (!e) return bus.connected() ? VMSIG_NOT_YET : VMSIG_REFUSED_GONE;
        abi::give(translated(*e, bus.payload()), out);
        return VMSIG_OK;
    });
}

vmsig_result vmsig_client_dispatch(vmsig_client* c,
                                   int (*f)(void*, vmsig_client*, const vmsig_event*),
                                   void* context) {
    if (!f) return VMSIG_ERROR_ARGUMENT;
    vmsig_event e = VMSIG_EVENT_INIT;
    (void)vmsig_client_receive(c); // what came before a hang-up is still delivered
    for (;;) {
        const vmsig_result waits = abi::guarded(c, [](client& bus) {
            const auto none = bus.connected() ? VMSIG_NOT_YET : VMSIG_REFUSED_GONE;
            return bus.waiting() != 0 ? VMSIG_OK : none;
        });
        const vmsig_result got = waits == VMSIG_OK ? vmsig_client_next_event(c, 0, &e) : waits;
        if (got != VMSIG_OK && got != VMSIG_NOT_YET) return got;
        bool more = false;
        const vmsig_result told = abi::guarded(c, [&](client& bus) {
            more = got == VMSIG_OK && f(context, c, &e) == 0;
            if (!more) (void)bus.try_flush();
            return VMSIG_OK;
        });
        if (told != VMSIG_OK || !more) return told;
    }
}

} // extern "C"
