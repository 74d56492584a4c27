/* Page tables for the state pages. The first GiB stays mapped as it is, through the boot tables. */
#include "paging.h"

#include "state.h"

enum { spaces = 4, entries = 512, levels = 4, page_bytes = 4096 };
enum { present = 1, writable = 2 };

struct space {
    uint64_t table[levels][entries]; /* root first */
} __attribute__((aligned(4096)));

extern uint64_t boot_root[];

/* Every boot writes the same entries, so the tables need no clearing. */
static struct space space_of[spaces] NOINIT;
static uint8_t low_page[spaces][page_bytes] __attribute__((aligned(4096))) NOINIT;
static struct vmsig_guest_state carried NOINIT;
static unsigned current;

static uint64_t enable_no_execute(void) {
    uint32_t a = 0x80000001, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if ((d & 1u << 20) == 0) return 0;
    const uint32_t efer = 0xc0000080;
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(efer));
    __asm__ volatile("wrmsr" ::"a"(low | 1u << 11), "d"(high), "c"(efer));
    return UINT64_C(1) << 63;
}

static unsigned slot(int level) {
    return (unsigned)(VMSIG_GUEST_STATE_ADDRESS >> (39 - 9 * level)) & (entries - 1);
}

static void build(unsigned n, uint64_t high_ram, uint64_t no_execute) {
    struct space* space = &space_of[n];
    space->table[0][0] = boot_root[0];
    for (int level = 0; level + 1 < levels; ++level)
        space->table[level][slot(level)] = (uint64_t)space->table[level + 1] | present | writable;
    uint64_t* leaf = &space->table[levels - 1][slot(levels - 1)];
    leaf[0] = (uint64_t)low_page[spaces - 1 - n] | present | writable | no_execute;
    leaf[1] = (high_ram + n * page_bytes) | present | writable | no_execute;
}

void paging_init(uint64_t boot, uint64_t high_ram) {
    const uint64_t no_execute = enable_no_execute();
    for (unsigned n = 0; n < spaces; ++n) build(n, high_ram, no_execute);
    current = (unsigned)(boot & 1) * 2;
    load_root(space_of[current].table);
}

void paging_switch(void) {
    copy_words(&carried, state, sizeof carried / 8);
    current ^= 1;
    load_root(space_of[current].table);
    copy_words(state, &carried, sizeof carried / 8);
}

uint64_t paging_root(void) { return (uint64_t)space_of[current].table; }
