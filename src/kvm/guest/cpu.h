/* The instructions that C has no words for. */
#ifndef VMSIG_KVM_GUEST_CPU_H
#define VMSIG_KVM_GUEST_CPU_H

#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}
static inline void out16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}
static inline void out32(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}
static inline uint8_t in8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint16_t in16(uint16_t port) {
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static inline uint32_t in32(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void interrupts_off(void) { __asm__ volatile("cli" ::: "memory"); }
static inline void interrupts_on(void) { __asm__ volatile("sti" ::: "memory"); }
/* The shadow of STI covers HLT: an interrupt cannot slip in between and be slept over. */
static inline void interrupts_on_and_halt(void) { __asm__ volatile("sti; hlt" ::: "memory"); }
static inline void stop_forever(void) {
    for (;;) __asm__ volatile("cli; hlt" ::: "memory");
}
static inline void load_root(const void* table) {
    __asm__ volatile("mov %0, %%cr3" ::"r"(table) : "memory");
}

/* By words: some hypervisors emulate ring 0, and then each repetition costs. */
static inline void clear_words(volatile void* to, uint64_t count) {
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(0) : "memory");
}
static inline void copy_words(volatile void* to, const volatile void* from, uint64_t count) {
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count)::"memory");
}

/* Not cleared by a reset; zero at power on. */
#define NOINIT __attribute__((section(".bss.noinit")))

#endif
