// Limits: 64 endpoints and 256 adapters, here 48 stub and 16 KVM machines on one bus. Shows that
// all of them run, and that the next machine is refused and changes nothing.
#include <vmsig/kvm/machine.hpp>

#include <poll.h>

#include <memory>
#include <string>
#include <vector>

#include <vmsig/kvm/probe.hpp>
#include <vmsig/stub/machine.hpp>
#include <vmsig/vmsig.hpp>

#include <support/catch.hpp>

namespace {

constexpr std::size_t stubs = 48;
constexpr std::size_t guests = 16;

struct census {
    std::uint64_t published = 0; ///< endpoint slots
    void on_event(const vmsig::event& e, vmsig::control_handle) {
        if (e.is(vmsig::kind::memctx_published)) published |= vmsig::bit(e.endpoint.slot());
    }
};

} // namespace

TEST_CASE("48 stub and 16 KVM machines run on one bus and the next one is refused") {
    const auto probed = vmsig::kvm::probe(vmsig::seconds(20));
    if (!probed) VMSIG_SKIP(vmsig::kvm::to_string(probed));

    auto bus = std::make_unique<vmsig::core<>>();
    std::vector<std::unique_ptr<vmsig::stub::machine>> stub_machines;
    std::vector<std::unique_ptr<vmsig::kvm::machine>> kvm_machines;
    for (std::size_t i = 0; i < stubs + guests; ++i) {
        const auto at = bus->add_endpoint("vm-" + std::to_string(i));
        if (i < stubs) {
            stub_machines.push_back(std::make_unique<vmsig::stub::machine>());
            stub_machines.back()->plug_into(*bus, at);
        } else {
            kvm_machines.push_back(std::make_unique<vmsig::kvm::machine>());
            kvm_machines.back()->plug_into(*bus, at);
            CHECK(kvm_machines.back()->start());
        }
    }
    census seen;
    bus->attach(seen,
                vmsig::grant{}.on_every().allow(vmsig::right::observe | vmsig::right::memctx));
    for (int wakes = 0; wakes < 100'000 && ~seen.published != 0; ++wakes) {
        pollfd p{bus->fd(), POLLIN, 0};
        ::poll(&p, 1, 1000);
        bus->dispatch();
    }
    CHECK(~seen.published == 0);

    CHECK_THROWS_AS(bus->add_endpoint("one-too-many"), vmsig::setup_error);
    vmsig::stub::machine extra;
    vmsig::endpoint_id first;
    bus->for_each_endpoint([&](vmsig::endpoint_id id, std::string_view) {
        if (!first) first = id;
    });
    CHECK_THROWS_AS(extra.plug_into(*bus, first), vmsig::setup_error);
    int endpoints = 0;
    bus->for_each_endpoint([&](vmsig::endpoint_id, std::string_view) { ++endpoints; });
    CHECK(endpoints == 64);
    kvm_machines.clear();
    stub_machines.clear();
}
