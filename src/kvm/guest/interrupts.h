/* The interrupt table, the pair of 8259s, and the tick. */
#ifndef VMSIG_KVM_GUEST_INTERRUPTS_H
#define VMSIG_KVM_GUEST_INTERRUPTS_H

void interrupts_init(void);
/* An exception that nobody can take: the processor gives up. Does not return. */
void triple_fault(void);

#endif
