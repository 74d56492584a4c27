/* The two ways out, and the button. */
#ifndef VMSIG_KVM_GUEST_POWER_H
#define VMSIG_KVM_GUEST_POWER_H

void reset(void);     /* does not return */
void power_off(void); /* does not return */
void power_button_check(void);

#endif
