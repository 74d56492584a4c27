/* Text to the first serial port. */
#ifndef VMSIG_KVM_GUEST_CONSOLE_H
#define VMSIG_KVM_GUEST_CONSOLE_H

#include <stdint.h>

void console_init(void);
void print(const char* text);
/* `text`, then the lowest `digits` hexadecimal digits of `value`. */
void print_number(const char* text, uint64_t value, int digits);
void print_character(char c);

#endif
