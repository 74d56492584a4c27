// The C face: the memctx, and who owns its descriptors.
#include "boundary.hpp"

#include <unistd.h>

using namespace vmsig;

static_assert(VMSIG_MAX_RAM_FDS == max_ram_fds && VMSIG_MAX_RAM_REGIONS == max_ram_regions &&
              VMSIG_MAX_VCPU_ROOTS == max_vcpu_roots);

namespace {

void put_locator(const memctx_locator& from, vmsig_memctx& out) {
    out.endpoint = from.endpoint.value;
    out.epoch = from.epoch.value;
    out.version = from.version.value;
    out.paging = static_cast<std::uint32_t>(from.paging);
    out.level = static_cast<std::uint32_t>(from.level);
    out.page_size = from.page_size;
    out.fd_count = from.fd_count;
    out.region_count = from.region_count;
    out.root_count = from.root_count;
    for (std::size_t n = 0; n < from.regions().size(); ++n) {
        const ram_region& r = from.regions()[n];
        out.regions[n] = {r.start, r.length, r.offset, r.fd_index, 0};
    }
    for (std::size_t n = 0; n < from.roots().size(); ++n) {
        const address_space_root& r = from.roots()[n];
        out.roots[n] = {r.root, r.second_root, r.control, r.taken.ns, r.vcpu, 0};
    }
}

} // namespace

extern "C" {

vmsig_result vmsig_client_memctx(vmsig_client* c, std::uint64_t endpoint, vmsig_memctx* out) {
    if (!abi::has_room(out)) return VMSIG_ERROR_ARGUMENT;
    std::fill(std::begin(out->fds), std::end(out->fds), -1); // whatever happens, they can be closed
    return abi::guarded(c, [=](client& bus) {
        auto got = bus.memctx(abi::endpoint(endpoint));
        if (!got) return abi::result_of(got.error());
        vmsig_memctx m{};
        put_locator(got->locator, m);
        m.fds_included = got->fds_included ? 1 : 0;
        for (std::size_t n = 0; n < max_ram_fds; ++n)
            m.fds[n] = got->fds[n] ? got->fds[n].release() : -1;
        abi::give(m, out);
        return VMSIG_OK;
    });
}

void vmsig_memctx_close(vmsig_memctx* m) {
    if (!abi::has_room(m)) return;
    for (std::int32_t& fd : m->fds) {
        if (fd >= 0) ::close(fd);
        fd = -1;
    }
}

vmsig_result vmsig_client_refresh(vmsig_client* c, std::uint64_t endpoint) {
    return abi::guarded(
        c, [=](client& bus) { return abi::result_of(bus.refresh(abi::endpoint(endpoint))); });
}

} // extern "C"
