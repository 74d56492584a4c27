// An address says whether it is physical or under a root, and a number alone is physical.
#include <vmsig/guest/address.hpp>

#include <support/catch.hpp>

using namespace vmsig;

TEST_CASE("a number is a physical address") {
    constexpr guest_address at = 0x1000;
    CHECK(at.value == 0x1000);
    CHECK_FALSE(at.is_virtual);
}

TEST_CASE("a virtual address comes with its root and the access it needs") {
    address_space_root vcpu;
    vcpu.root = 0x5000;
    const guest_address at{virtual_address{0x1234}, vcpu, page_access::write};
    CHECK(at.value == 0x1234);
    CHECK(at.root == 0x5000);
    CHECK(at.is_virtual);
    CHECK(at.need.has(page_access::write));
    CHECK_FALSE(at.need.has(page_access::user));
    CHECK_FALSE(guest_address{virtual_address{0x1234}, vcpu}.need.any());
}

TEST_CASE("a vCPU's two roots are kept, and one named alone counts for both halves") {
    address_space_root vcpu;
    vcpu.root = 0x5000;
    vcpu.second_root = 0x6000;
    CHECK(guest_address{virtual_address{0}, vcpu}.root == 0x5000);
    CHECK(guest_address{virtual_address{0}, vcpu}.second_root == 0x6000);
    CHECK(guest_address{virtual_address{0}, 0x7000}.second_root == 0x7000);
    CHECK(guest_address::of(0x1000, 0x7000).second_root == 0x7000);
}

TEST_CASE("a command names a physical address by the root 0") {
    CHECK_FALSE(guest_address::of(0x1000, 0).is_virtual);
    CHECK(guest_address::of(0x1000, 0x5000).is_virtual);
    CHECK(guest_address::of(0x1000, 0x5000).root == 0x5000);
}
