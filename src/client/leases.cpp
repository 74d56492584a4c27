// The C face: leases.
#include "boundary.hpp"

using namespace vmsig;

namespace {

lease lease_of(std::uint64_t endpoint, std::uint32_t c, std::uint64_t serial) {
    return {abi::endpoint(endpoint), serial_number{serial}, abi::class_of(c)};
}

vmsig_result result_of(const acquire_result& r) {
    if (r.what == acquire_result::status::granted) return VMSIG_OK;
    if (r.what == acquire_result::status::waiting) return VMSIG_WAITING;
    return abi::result_of(r.why);
}

} // namespace

extern "C" {

vmsig_result vmsig_client_acquire(vmsig_client* c, std::uint64_t endpoint,
                                  std::uint32_t lease_class, const vmsig_acquire_options* options,
                                  vmsig_acquired* out) {
    vmsig_acquire_options given = VMSIG_ACQUIRE_OPTIONS_INIT;
    if ((options && !abi::take(options, given)) || (out && !abi::has_room(out)))
        return VMSIG_ERROR_ARGUMENT;
    if (!abi::known(lease_class) || (given.flags & ~VMSIG_ACQUIRE_WAIT) != 0)
        return VMSIG_REFUSED_INVALID;
    return abi::guarded(c, [&](client& bus) {
        lease_options o;
        o.wait = (given.flags & VMSIG_ACQUIRE_WAIT) != 0;
        o.wait_for = duration{given.wait_for_ns};
        o.time_to_live = duration{given.time_to_live_ns};
        if (given.reason) o.reason = given.reason;
        const acquire_result r =
            bus.acquire(abi::endpoint(endpoint), abi::class_of(lease_class), o);
        vmsig_acquired a = VMSIG_ACQUIRED_INIT;
        a.serial = r.lease.serial.value;
        a.wait = r.wait.value;
        a.holder = r.holder.value;
        a.since_ns = r.since.ns;
        if (out) abi::give(a, out);
        return result_of(r);
    });
}

vmsig_result vmsig_client_release(vmsig_client* c, std::uint64_t endpoint,
                                  std::uint32_t lease_class, std::uint64_t serial) {
    if (!abi::known(lease_class)) return VMSIG_REFUSED_INVALID;
    return abi::guarded(c, [=](client& bus) {
        return abi::result_of(bus.release(lease_of(endpoint, lease_class, serial)));
    });
}

vmsig_result vmsig_client_renew(vmsig_client* c, std::uint64_t endpoint, std::uint32_t lease_class,
                                std::uint64_t serial, std::int64_t time_to_live_ns) {
    if (!abi::known(lease_class)) return VMSIG_REFUSED_INVALID;
    return abi::guarded(c, [=](client& bus) {
        const lease held = lease_of(endpoint, lease_class, serial);
        return abi::result_of(bus.renew(held, duration{time_to_live_ns}));
    });
}

vmsig_result vmsig_client_withdraw(vmsig_client* c, std::uint64_t wait) {
    return abi::guarded(c, [=](client& bus) { return abi::result_of(bus.withdraw({wait})); });
}

vmsig_result vmsig_client_status(vmsig_client* c, std::uint64_t endpoint, std::uint32_t lease_class,
                                 vmsig_lease_status* out) {
    if (!abi::has_room(out)) return VMSIG_ERROR_ARGUMENT;
    if (!abi::known(lease_class)) return VMSIG_REFUSED_INVALID;
    return abi::guarded(c, [=](client& bus) {
        const auto view = bus.status(abi::endpoint(endpoint), abi::class_of(lease_class));
        if (!view) return abi::result_of(view.error());
        vmsig_lease_status s = VMSIG_LEASE_STATUS_INIT;
        s.rank = view->rank;
        s.waiters = view->waiters;
        s.holder = view->holder.value;
        s.serial = view->serial.value;
        s.since_ns = view->since.ns;
        s.expires_ns = view->expires.ns;
        std::copy_n(view->reason.begin(), sizeof s.reason - 1, s.reason);
        abi::give(s, out);
        return VMSIG_OK;
    });
}

vmsig_result vmsig_client_force_release(vmsig_client* c, std::uint64_t endpoint,
                                        std::uint32_t lease_class) {
    if (!abi::known(lease_class)) return VMSIG_REFUSED_INVALID;
    return abi::guarded(c, [=](client& bus) {
        return abi::result_of(
            bus.force_release(abi::endpoint(endpoint), abi::class_of(lease_class)));
    });
}

} // extern "C"
