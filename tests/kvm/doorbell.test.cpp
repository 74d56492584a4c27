// Rule: the guest's doorbell is an event of the machine's own kind, which counts.
#include <vmsig/kvm/doorbell.hpp>

#include "plugged.hpp"

using namespace vmsig;
using test::plugged;

TEST_CASE("the doorbell rings when the guest is ready and after each mail") {
    VMSIG_NEEDS_KVM();
    plugged p{plugged::booted};
    const kind bell = p.bus.register_kind("kvm.doorbell", kvm::doorbell::traits);
    REQUIRE(bell >= kind::first_host);
    const auto rung = [&] {
        std::uint64_t count = 0;
        for (const event& e : p.sees.seen) {
            const auto* r = e.is(bell) ? e.payload_as<kvm::doorbell_rung>() : nullptr;
            if (!r) continue;
            CHECK(r->count > count);
            count = r->count;
        }
        return count;
    };
    REQUIRE(p.until([&] { return rung() == 1; }));
    REQUIRE(p.mail(1));
    REQUIRE(p.mail(2));
    CHECK(p.until([&] { return rung() == 3; }));
}
