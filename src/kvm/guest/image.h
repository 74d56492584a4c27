/* The first words of the guest's image: what the loader needs to know. Shared by boot.S, C and C++.
 * The image is a flat copy of memory, loaded at VMSIG_IMAGE_ADDRESS; entry is in 64-bit mode with
 * paging on, interrupts off, and RDI = the guest physical start of the RAM above 4 GiB. */
#ifndef VMSIG_KVM_GUEST_IMAGE_H
#define VMSIG_KVM_GUEST_IMAGE_H

#define VMSIG_IMAGE_ADDRESS 0x100000
#define VMSIG_IMAGE_MAGIC 0x474d494749534d56
#define VMSIG_IMAGE_CODE_SELECTOR 0x08
#define VMSIG_IMAGE_DATA_SELECTOR 0x10

#ifndef __ASSEMBLER__
#ifdef __cplusplus
#include <cstdint>
#else
#include <stdint.h>
#endif

struct vmsig_image_header {
    uint64_t magic;
    uint64_t entry;
    uint64_t root; /* CR3 at entry: the first GiB as it is */
    uint64_t end;  /* of what the guest uses in low RAM */
};
#endif

#endif
