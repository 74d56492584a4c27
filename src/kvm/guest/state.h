/* The state pages as this guest sees them, and the bell that asks the host to look at them. */
#ifndef VMSIG_KVM_GUEST_STATE_ACCESS_H
#define VMSIG_KVM_GUEST_STATE_ACCESS_H

#include <vmsig/guest/guest_state.hpp>

#include "cpu.h"

#define state ((volatile struct vmsig_guest_state*)VMSIG_GUEST_STATE_ADDRESS)

static inline void ring_doorbell(void) { out32(VMSIG_GUEST_PORT_DOORBELL, 1); }

#endif
