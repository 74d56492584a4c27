/* The word through which the host asks the guest for something. */
#ifndef VMSIG_KVM_GUEST_MAILBOX_H
#define VMSIG_KVM_GUEST_MAILBOX_H

/* Acts on a new word, then acknowledges it by a line and the bell. Interrupts off. */
void mailbox_check(void);

#endif
