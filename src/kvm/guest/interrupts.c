/* Gates and handlers. A handler does its work with interrupts off. */
#include "interrupts.h"

#include "console.h"
#include "image.h"
#include "keyboard.h"
#include "mailbox.h"
#include "power.h"
#include "state.h"

enum { vectors = 256, first_irq = 32, irqs = 16, stub_bytes = 16 };
enum { ticks_per_second = 100, pit_hertz = 1193182 };
enum { pic1_command = 0x20, pic1_data = 0x21, pic2_command = 0xa0, pic2_data = 0xa1 };

extern const uint8_t vector_stubs[];

static struct gate {
    uint16_t offset_low, selector, flags, offset_middle;
    uint32_t offset_high, reserved;
} gates[vectors];

static struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    const void* base;
} table = {sizeof gates - 1, gates}, no_table = {0, 0};

void interrupt_dispatch(uint64_t vector, uint64_t code, uint64_t ip);

static void handle_irq(unsigned irq) {
    if (irq >= 8) out8(pic2_command, 0x20);
    out8(pic1_command, 0x20);
    switch (irq) {
    case VMSIG_GUEST_IRQ_TIMER: ++state->ticks; break;
    case VMSIG_GUEST_IRQ_KEYBOARD: keyboard_drain(); break;
    case VMSIG_GUEST_IRQ_MAILBOX:
        ++state->kicks;
        mailbox_check();
        break;
    case VMSIG_GUEST_IRQ_POWER: power_button_check(); break;
    default: break;
    }
}

void interrupt_dispatch(uint64_t vector, uint64_t code, uint64_t ip) {
    if (vector >= first_irq && vector < first_irq + irqs) {
        handle_irq((unsigned)(vector - first_irq));
        return;
    }
    print_number("exception ", vector, 2);
    print_number(" code ", code, 8);
    print_number(" at ", ip, 16);
    print("\n");
    stop_forever();
}

static void init_gates(void) {
    for (int v = 0; v < vectors; ++v) {
        const uint64_t stub = (uint64_t)(vector_stubs + v * stub_bytes);
        gates[v] = (struct gate){(uint16_t)stub, VMSIG_IMAGE_CODE_SELECTOR, 0x8e00,
                                 (uint16_t)(stub >> 16), (uint32_t)(stub >> 32), 0};
    }
    __asm__ volatile("lidt %0" ::"m"(table));
}

static void init_controllers(void) {
    const uint16_t lines = 1u << VMSIG_GUEST_IRQ_TIMER | 1u << VMSIG_GUEST_IRQ_KEYBOARD | 1u << 2 |
                           1u << VMSIG_GUEST_IRQ_MAILBOX | 1u << VMSIG_GUEST_IRQ_POWER;
    out8(pic1_command, 0x11);
    out8(pic2_command, 0x11);
    out8(pic1_data, first_irq);
    out8(pic2_data, first_irq + 8);
    out8(pic1_data, 4); /* the second hangs on line 2 */
    out8(pic2_data, 2);
    out8(pic1_data, 1);
    out8(pic2_data, 1);
    out8(pic1_data, (uint8_t)~lines);
    out8(pic2_data, (uint8_t)(~lines >> 8));
}

static void init_tick(void) {
    const uint16_t divisor = pit_hertz / ticks_per_second;
    out8(0x43, 0x34); /* counter 0, rate generator */
    out8(0x40, (uint8_t)divisor);
    out8(0x40, (uint8_t)(divisor >> 8));
}

void interrupts_init(void) {
    init_gates();
    init_controllers();
    init_tick();
}

void triple_fault(void) {
    __asm__ volatile("lidt %0; ud2" ::"m"(no_table));
    stop_forever();
}
