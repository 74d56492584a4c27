// The words that the tiny guest shows at one fixed virtual address, and the machine it runs on: a
// contract between the guest, which is C, and everybody who reads its memory. This file is both C17
// and C++. Not a format on disk or wire. Numbers are little-endian.
#pragma once

#ifdef __cplusplus
#include <cstddef>
#include <cstdint>
#else
#include <stddef.h>
#include <stdint.h>
#define static_assert _Static_assert
#endif

/* Two pages from here on. Physically they are apart: the first lies in low RAM, the second above
 * 4 GiB; which ones changes with each boot and with each switch of the address space. */
#define VMSIG_GUEST_STATE_ADDRESS 0xffffc0de00001000u
#define VMSIG_GUEST_STATE_MAGIC 0x3153474749534d56u
#define VMSIG_GUEST_KEY_LOG 64u

/* Ports. Doorbell: a 32-bit write. Power: the PM1a registers at the place where QEMU's pc has them.
 */
#define VMSIG_GUEST_PORT_DOORBELL 0x5e0
#define VMSIG_GUEST_PORT_PM1_STATUS 0x600
#define VMSIG_GUEST_PORT_PM1_CONTROL 0x604
#define VMSIG_GUEST_PM1_POWER_BUTTON 0x100
#define VMSIG_GUEST_PM1_SLEEP_S5 0x2000

/* Interrupt lines of the pair of 8259s. */
#define VMSIG_GUEST_IRQ_TIMER 0
#define VMSIG_GUEST_IRQ_KEYBOARD 1
#define VMSIG_GUEST_IRQ_MAILBOX 5
#define VMSIG_GUEST_IRQ_POWER 9

/* Mailbox words: a command in the upper half, its argument in the lower. Any other word is
 * acknowledged and has no effect. A word equal to the last acknowledged one is not seen. */
#define VMSIG_GUEST_SWITCH_ROOT 0x4352330000000000u  /* other CR3, same address, other pages */
#define VMSIG_GUEST_SET_MODE 0x4d4f444500000000u     /* argument: a VMSIG_GUEST_MODE_* */
#define VMSIG_GUEST_RESET 0x5253540000000000u        /* through the keyboard controller */
#define VMSIG_GUEST_POWER_OFF 0x4f46460000000000u    /* through PM1a, S5 */
#define VMSIG_GUEST_TRIPLE_FAULT 0x5446540000000000u /* an exception without handlers */
#define VMSIG_GUEST_STRAY 0x5354525900000000u /* touches ports and addresses that are not there */
#define VMSIG_GUEST_FLOOD 0x464c4f4400000000u /* argument: bytes to print */

#define VMSIG_GUEST_MODE_IDLE                                                                      \
    0u /* halts between interrupts: hears the mailbox when kicked, or at a tick */
#define VMSIG_GUEST_MODE_BUSY 1u /* polls the mailbox and compares the pair, without rest */

struct vmsig_guest_state {
    uint64_t magic;     /* written last at boot */
    uint64_t heartbeat; /* rises with each pass of the main loop: at least 100 a second */
    uint64_t boots;     /* 1 after power on; survives resets */
    uint64_t mode;
    uint64_t mailbox;      /* the host writes */
    uint64_t mailbox_seen; /* the word that was acted upon last */
    uint64_t mailbox_count;
    uint64_t root_switches;
    uint64_t ticks;
    uint64_t kicks;
    uint64_t torn; /* busy: passes in which pair_low stood still and pair_high differed */
    uint64_t pair_low;
    uint64_t key_count;                   /* scancode bytes ever; written after the byte */
    uint64_t leds;                        /* PS/2 order: bit 0 scroll, 1 num, 2 caps */
    uint8_t key_log[VMSIG_GUEST_KEY_LOG]; /* byte n at n % VMSIG_GUEST_KEY_LOG, scancode set 1 */
    uint8_t scratch[4088 - 176];          /* for the host: the guest only clears it at boot */
    char straddle[16];                    /* "across-the-pages", half in each page */
    uint64_t pair_high;
    uint8_t scratch_high[8192 - 4112];
};

static_assert(offsetof(struct vmsig_guest_state, heartbeat) == 8, "layout");
static_assert(offsetof(struct vmsig_guest_state, boots) == 16, "layout");
static_assert(offsetof(struct vmsig_guest_state, mailbox) == 32, "layout");
static_assert(offsetof(struct vmsig_guest_state, mailbox_seen) == 40, "layout");
static_assert(offsetof(struct vmsig_guest_state, root_switches) == 56, "layout");
static_assert(offsetof(struct vmsig_guest_state, pair_low) == 88, "layout");
static_assert(offsetof(struct vmsig_guest_state, key_count) == 96, "layout");
static_assert(offsetof(struct vmsig_guest_state, key_log) == 112, "layout");
static_assert(offsetof(struct vmsig_guest_state, scratch) == 176, "layout");
static_assert(offsetof(struct vmsig_guest_state, straddle) == 4088, "layout");
static_assert(offsetof(struct vmsig_guest_state, pair_high) == 4104, "layout");
static_assert(sizeof(struct vmsig_guest_state) == 8192, "two pages");
