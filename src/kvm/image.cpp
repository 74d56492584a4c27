// VMSIG_KVM_GUEST_FILE is given by the build: the flat image that the linker script made.
#include "image.hpp"

#include <cstring>

asm(".pushsection .rodata\n"
    ".balign 16\n"
    ".global vmsig_kvm_guest_begin, vmsig_kvm_guest_end\n"
    ".hidden vmsig_kvm_guest_begin, vmsig_kvm_guest_end\n"
    "vmsig_kvm_guest_begin:\n"
    ".incbin \"" VMSIG_KVM_GUEST_FILE "\"\n"
    "vmsig_kvm_guest_end:\n"
    ".popsection\n");

extern "C" {
__attribute__((visibility("hidden"))) extern const std::byte vmsig_kvm_guest_begin[];
__attribute__((visibility("hidden"))) extern const std::byte vmsig_kvm_guest_end[];
}

namespace vmsig::kvm {

std::span<const std::byte> guest_image() { return {vmsig_kvm_guest_begin, vmsig_kvm_guest_end}; }

vmsig_image_header guest_header() {
    vmsig_image_header header;
    std::memcpy(&header, vmsig_kvm_guest_begin, sizeof header);
    return header;
}

} // namespace vmsig::kvm
