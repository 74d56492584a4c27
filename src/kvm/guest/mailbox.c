/* Mailbox commands; see guest_state.hpp for their words. */
#include "mailbox.h"

#include "console.h"
#include "interrupts.h"
#include "paging.h"
#include "power.h"
#include "state.h"

static void switch_root(void) {
    paging_switch();
    ++state->root_switches;
    print_number("cr3 ", paging_root(), 16);
    print("\n");
}

/* The argument is a number of times; 0 is once. */
static void stray(uint32_t times) {
    const uint16_t nowhere = 0x1234;
    volatile uint64_t* hole = (volatile uint64_t*)0x3f000000; /* mapped, but no RAM is there */
    uint64_t ports = 0;
    do {
        static uint8_t block[64];
        void* to = block;
        uint64_t count = sizeof block;
        out8(nowhere, 1);
        out16(nowhere, 2);
        out32(nowhere, 3);
        ports = (uint64_t)in8(nowhere) + in16(nowhere) + in32(nowhere);
        __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(nowhere) : "memory");
        *hole = 4;
        if (*hole != ~UINT64_C(0)) ports = 0;
    } while (times-- > 1);
    print_number("stray ", ports, 16);
    print("\n");
}

static void flood(uint32_t bytes) {
    while (bytes-- > 0) print_character('#');
    print("\n");
}

static void act(uint64_t word) {
    const uint32_t argument = (uint32_t)word;
    switch (word - argument) {
    case VMSIG_GUEST_SWITCH_ROOT: switch_root(); break;
    case VMSIG_GUEST_SET_MODE: state->mode = argument; break;
    case VMSIG_GUEST_RESET: reset(); break;
    case VMSIG_GUEST_POWER_OFF: power_off(); break;
    case VMSIG_GUEST_TRIPLE_FAULT: triple_fault(); break;
    case VMSIG_GUEST_STRAY: stray(argument); break;
    case VMSIG_GUEST_FLOOD: flood(argument); break;
    default: break;
    }
}

void mailbox_check(void) {
    const uint64_t word = state->mailbox;
    if (word == state->mailbox_seen) return;
    act(word);
    state->mailbox_seen = word;
    ++state->mailbox_count;
    ring_doorbell();
    print_number("mailbox ", word, 16);
    print("\n");
}
