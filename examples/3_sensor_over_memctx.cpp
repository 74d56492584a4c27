// A sensor over a memctx: the control takes the read-only context of a guest's memory, translates a
// virtual address through the guest's own page tables, and reads a counter there. When the machine
// is reset, the context is invalid, and the sensor says so instead of reading stale memory.
#include <poll.h>

#include <cstddef>
#include <cstdio>
#include <optional>

#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/view.hpp>
#include <vmsig/stub/machine.hpp>
#include <vmsig/vmsig.hpp>

struct heartbeat_sensor {
    std::optional<vmsig::pread_view> guest;
    vmsig::guest_address heartbeat;
    int invalidations = 0;

    void on_event(const vmsig::event& e, vmsig::control_handle bus) {
        if (e.is(vmsig::kind::memctx_invalidated)) {
            guest.reset();
            ++invalidations;
        }
        if (!e.is(vmsig::kind::memctx_published)) return;
        auto memctx = bus.memctx(e.endpoint); // the audited export
        if (!memctx) return;
        heartbeat = {vmsig::virtual_address{VMSIG_GUEST_STATE_ADDRESS +
                                            offsetof(vmsig_guest_state, heartbeat)},
                     memctx->locator.roots()[0]};
        if (!memctx->fds_included) return; // a refresh: the root may be new, the view stays
        auto view = vmsig::pread_view::open(memctx->locator, std::move(memctx->fds));
        if (view) guest.emplace(std::move(*view));
    }
    std::optional<std::uint64_t> read() const {
        if (!guest) return std::nullopt;
        const auto beat = guest->read_object<std::uint64_t>(heartbeat);
        return beat ? std::optional{*beat} : std::nullopt;
    }
};

int main() {
    vmsig::stub::machine machine;
    heartbeat_sensor sensor;
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("build-7");
    machine.plug_into(bus, vm);
    bus.attach(sensor, vmsig::grant{}.on(vm).allow(vmsig::right::observe | vmsig::right::memctx));
    std::uint64_t first = 0;
    for (int turns = 0; turns < 10000; ++turns) {
        pollfd p{bus.fd(), POLLIN, 0}; // the machine's clock is a descriptor of the bus
        ::poll(&p, 1, 1000);
        bus.dispatch();
        const auto beat = sensor.read();
        if (!beat) continue;
        if (first == 0) first = *beat;
        if (*beat <= first) continue;
        std::printf("heartbeat %lu -> %lu\n", static_cast<unsigned long>(first),
                    static_cast<unsigned long>(*beat));
        return 0;
    }
    return 1;
}
