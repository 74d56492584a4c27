// The C face: what to see, what one may, and who is there.
#include "boundary.hpp"

#include <string>
#include <utility>
#include <vector>

using namespace vmsig;

extern "C" {

vmsig_result vmsig_client_subscribe(vmsig_client* c, const vmsig_subscription* s) {
    vmsig_subscription given = VMSIG_SUBSCRIPTION_INIT;
    if (!abi::take(s, given)) return VMSIG_ERROR_ARGUMENT;
    const bool every = (given.flags & VMSIG_SUBSCRIBE_EVERY) != 0;
    if (!every && given.endpoint_count != 0 && !given.endpoints) return VMSIG_ERROR_ARGUMENT;
    if ((given.flags & ~VMSIG_SUBSCRIBE_EVERY) != 0) return VMSIG_REFUSED_INVALID;
    return abi::guarded(c, [&](client& bus) {
        subscription wanted = every ? subscription::all() : subscription::none();
        for (std::size_t n = 0; !every && n < given.endpoint_count; ++n) {
            const endpoint_id e = abi::endpoint(given.endpoints[n]);
            wanted.on(e);
            if (!wanted.wants(e)) return VMSIG_REFUSED_DENIED; // no handle of this connection
        }
        return abi::result_of(bus.subscribe(wanted.from(sources::of_bits(given.sources))));
    });
}

vmsig_result vmsig_client_may(vmsig_client* c, std::uint32_t v, std::uint64_t endpoint) {
    if (v == VMSIG_VERB_NONE || v >= verb_count) return VMSIG_REFUSED_INVALID;
    return abi::guarded(c, [=](client& bus) {
        return abi::result_of(bus.may(static_cast<verb>(v), abi::endpoint(endpoint)));
    });
}

vmsig_result vmsig_client_find(vmsig_client* c, const char* name, std::uint64_t* endpoint) {
    if (!name || !endpoint) return VMSIG_ERROR_ARGUMENT;
    return abi::guarded(c, [=](client& bus) {
        const auto found = bus.find(name);
        if (!found) return abi::result_of(found.error());
        *endpoint = found->value;
        return VMSIG_OK;
    });
}

vmsig_result vmsig_client_endpoints(vmsig_client* c, int (*f)(void*, std::uint64_t, const char*),
                                    void* context) {
    if (!f) return VMSIG_ERROR_ARGUMENT;
    return abi::guarded(c, [=](client& bus) {
        std::vector<std::pair<std::uint64_t, std::string>> all;
        bus.for_each_endpoint(
            [&all](endpoint_id e, std::string_view name) { all.emplace_back(e.value, name); });
        std::sort(all.begin(), all.end());
        for (const auto& [handle, name] : all)
            if (f(context, handle, name.c_str()) != 0) break;
        return bus.connected() ? VMSIG_OK : VMSIG_REFUSED_GONE;
    });
}

std::size_t vmsig_client_endpoint_name(const vmsig_client* c, std::uint64_t endpoint, char* out,
                                       std::size_t bytes) {
    const bool there = c && c->bus;
    return abi::give_text(there ? c->bus->name_of(abi::endpoint(endpoint)) : std::string_view{},
                          out, bytes);
}

std::size_t vmsig_client_kind_name(const vmsig_client* c, std::uint32_t kind, char* out,
                                   std::size_t bytes) {
    const bool there = c && c->bus && kind <= UINT16_MAX;
    const auto k = static_cast<vmsig::kind>(kind);
    return abi::give_text(there ? c->bus->name_of(k) : std::string_view{}, out, bytes);
}

} // extern "C"
