// locator_codec: a memctx locator as a `memctx` frame, and back. Its endpoint travels as a handle;
// regions and roots are the tail.
#pragma once

#include <vmsig/memctx/locator.hpp>
#include <vmsig/transport/frame.hpp>
#include <vmsig/transport/replies.hpp>

namespace vmsig::wire {

/// Writes the whole frame; `f` has request and handle. Only where there is room.
inline void put_locator(writer& to, memctx f, const memctx_locator& l) {
    f.paging = l.paging;
    f.level = l.level;
    f.epoch = l.epoch;
    f.version = l.version;
    f.region_count = l.region_count;
    f.root_count = l.root_count;
    f.fd_count = l.fd_count;
    f.page_size = l.page_size;
    put_frame(to, f,
              l.region_count * size_of<ram_region>() +
                  l.root_count * size_of<address_space_root>());
    for (const ram_region& r : l.regions()) put(to, r);
    for (const address_space_root& r : l.roots()) put(to, r);
}

/// False: not what a frame can be. Its endpoint is the handle.
inline bool get_locator(const frame_view& frame, memctx& f, memctx_locator& l) {
    std::span<const std::byte> tail;
    if (!parse(frame, f, tail)) return false;
    l.endpoint = f.endpoint;
    l.epoch = f.epoch;
    l.version = f.version;
    l.paging = f.paging;
    l.level = f.level;
    l.page_size = f.page_size;
    l.fd_count = f.fd_count;
    reader from{tail};
    for (unsigned n = 0; n < f.region_count; ++n)
        if (ram_region r; !get(from, r) || r.reserved != 0 || !l.add(r)) return false;
    for (unsigned n = 0; n < f.root_count; ++n)
        if (address_space_root r; !get(from, r) || r.reserved != 0 || !l.add(r)) return false;
    return from.left().empty() && f.fd_count <= max_ram_fds;
}

} // namespace vmsig::wire
