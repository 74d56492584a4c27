/* The PS/2 keyboard: every byte is logged, echoed, and announced. Caps lock drives its LED. */
#ifndef VMSIG_KVM_GUEST_KEYBOARD_H
#define VMSIG_KVM_GUEST_KEYBOARD_H

/* From here on the keyboard sends. */
void keyboard_init(void);
void keyboard_drain(void);

#endif
