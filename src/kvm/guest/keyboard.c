/* Bytes of scancode set 1 through an 8042. */
#include "keyboard.h"

#include "console.h"
#include "state.h"

enum { data_port = 0x60, command_port = 0x64 };
enum { output_full = 1 };
enum { write_configuration = 0x60, interrupt_and_translation = 0x41, enable_interface = 0xae };
enum { set_leds = 0xed, enable_scanning = 0xf4, acknowledge = 0xfa };
enum { caps_lock_pressed = 0x3a, caps_lock_led = 4 };

static enum { leds_idle, leds_announced, leds_sent } leds_step;
static uint8_t leds_shown;

static void leds_start(void) {
    leds_step = leds_announced;
    out8(data_port, set_leds);
}

static void leds_continue(void) {
    if (leds_step == leds_announced) {
        leds_step = leds_sent;
        leds_shown = (uint8_t)state->leds;
        out8(data_port, leds_shown);
    } else if (leds_step == leds_sent) {
        leds_step = leds_idle;
        if (leds_shown != (uint8_t)state->leds) leds_start();
    }
}

static void key(uint8_t byte) {
    state->key_log[state->key_count % VMSIG_GUEST_KEY_LOG] = byte;
    ++state->key_count;
    ring_doorbell();
    print_number("key ", byte, 2);
    print("\n");
    if (byte != caps_lock_pressed) return;
    state->leds ^= caps_lock_led;
    if (leds_step == leds_idle) leds_start();
}

void keyboard_drain(void) {
    while (in8(command_port) & output_full) {
        const uint8_t byte = in8(data_port);
        if (byte == acknowledge)
            leds_continue();
        else
            key(byte);
    }
}

void keyboard_init(void) {
    while (in8(command_port) & output_full) in8(data_port);
    out8(command_port, write_configuration);
    out8(data_port, interrupt_and_translation);
    out8(command_port, enable_interface);
    out8(data_port, enable_scanning);
    for (int i = 0; i < 1000 && !(in8(command_port) & output_full); ++i) continue;
    in8(data_port); /* the acknowledgement */
}
