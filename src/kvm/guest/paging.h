/* Two address spaces per boot, each with state pages of its own at the same address. */
#ifndef VMSIG_KVM_GUEST_PAGING_H
#define VMSIG_KVM_GUEST_PAGING_H

#include <stdint.h>

/* Odd and even boots use other tables and pages: what was true of the last one is not true now. */
void paging_init(uint64_t boot, uint64_t high_ram);
/* Carries the state over into the other address space. Interrupts off. */
void paging_switch(void);
uint64_t paging_root(void);

#endif
