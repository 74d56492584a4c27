/* Reset line of the 8042; sleep state and button of PM1a. */
#include "power.h"

#include "console.h"
#include "state.h"

void reset(void) {
    out8(0x64, 0xfe);
    stop_forever();
}

void power_off(void) {
    out16(VMSIG_GUEST_PORT_PM1_CONTROL, VMSIG_GUEST_PM1_SLEEP_S5);
    stop_forever();
}

void power_button_check(void) {
    if ((in16(VMSIG_GUEST_PORT_PM1_STATUS) & VMSIG_GUEST_PM1_POWER_BUTTON) == 0) return;
    out16(VMSIG_GUEST_PORT_PM1_STATUS, VMSIG_GUEST_PM1_POWER_BUTTON);
    print("power button\n");
    power_off();
}
