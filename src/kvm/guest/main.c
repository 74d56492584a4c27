/* The tiny guest: boots, says that it is ready, then answers keys, mailbox and power button, and
 * keeps a heartbeat. */
#include "console.h"
#include "interrupts.h"
#include "keyboard.h"
#include "mailbox.h"
#include "paging.h"
#include "state.h"

static struct {
    uint64_t magic, boots;
} kept NOINIT;

void guest_main(uint64_t high_ram);

static void init_state(void) {
    static const char straddle[sizeof state->straddle + 1] = "across-the-pages";
    clear_words(state, sizeof *state / 8);
    for (unsigned i = 0; i < sizeof state->straddle; ++i) state->straddle[i] = straddle[i];
    state->boots = kept.boots;
}

static void compare_pair(void) {
    const uint64_t low = state->pair_low;
    const uint64_t high = state->pair_high;
    if (low == state->pair_low && low != high) ++state->torn;
}

static void pass(void) {
    ++state->heartbeat;
    interrupts_off();
    mailbox_check();
    if (state->mode == VMSIG_GUEST_MODE_IDLE) {
        interrupts_on_and_halt();
    } else {
        interrupts_on();
        compare_pair();
    }
}

void guest_main(uint64_t high_ram) {
    if (kept.magic != VMSIG_GUEST_STATE_MAGIC) kept.boots = 0;
    kept.magic = VMSIG_GUEST_STATE_MAGIC;
    ++kept.boots;
    interrupts_init();
    console_init();
    paging_init(kept.boots, high_ram);
    init_state();
    keyboard_init();
    state->magic = VMSIG_GUEST_STATE_MAGIC;
    print_number("ready boot=", kept.boots, 4);
    print_number(" cr3=", paging_root(), 16);
    print("\n");
    ring_doorbell();
    for (;;) pass();
}
