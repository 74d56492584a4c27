/* c_structs.h: the structs of libvmsig-client. Included by c_api.h.
 *
 * A struct that begins with `size` may grow at its end in later versions: set `size` to sizeof
 * before the call, as the *_INIT macros do. The library takes what a shorter one lacks as 0, and
 * fills no more than is there. A longer one than it knows it refuses (VMSIG_ERROR_ARGUMENT), unless
 * all that it does not know is 0; one beyond 16 KiB it always refuses: that is a `size` never set.
 * The other structs never change.
 *
 * Ids are 0 for nobody. An endpoint's id is a handle of one connection and means nothing on
 * another one. Times are CLOCK_MONOTONIC nanoseconds, 0 for none.
 */
#ifndef VMSIG_CLIENT_C_STRUCTS_H
#define VMSIG_CLIENT_C_STRUCTS_H

#include <stddef.h>
#include <stdint.h>

#include <vmsig/client/c_numbers.h>

/* Bits of `flags`. */
#define VMSIG_COMMAND_DEADLINE_RELATIVE 1u   /* `deadline_ns` counts from submission */
#define VMSIG_COMMAND_NOT_BEFORE_RELATIVE 2u /* so does `not_before_ns` */
#define VMSIG_COMMAND_FENCED_BY_EPOCH 4u     /* power verbs: refuse in a later epoch than `epoch` */
#define VMSIG_COMMAND_COMPARE 8u             /* memory writes: only where the expected bytes are */
#define VMSIG_ACQUIRE_WAIT 1u                /* queue up while somebody else may keep it */
#define VMSIG_SUBSCRIBE_EVERY 1u             /* all endpoints, those to come too */
#define VMSIG_ALL_SOURCES UINT64_MAX

struct vmsig_client_options {
    uint32_t size;
    uint32_t reserved;
    const char* name;  /* what it calls itself, at most 63 bytes; null: nothing */
    int64_t answer_ns; /* how long a function waits for the server's answer; 0: 10 s */
};
#define VMSIG_CLIENT_OPTIONS_INIT {(uint32_t)sizeof(struct vmsig_client_options), 0, NULL, 0}

/* Why there is no connection. */
struct vmsig_client_error {
    uint32_t size;
    uint32_t farewell; /* enum vmsig_farewell: the server said so */
    int32_t error;     /* errno of the system call that failed, or 0 */
    char operation[52]; /* the name of the call */
};
#define VMSIG_CLIENT_ERROR_INIT {(uint32_t)sizeof(struct vmsig_client_error), 0, 0, {0}}

/* One change of an input frame, in the terms of linux/input-event-codes.h. */
struct vmsig_input_change {
    uint16_t type; /* EV_KEY, EV_REL, EV_ABS */
    uint16_t code; /* KEY_*, BTN_*, REL_*, ABS_* */
    int32_t value; /* EV_KEY: 1 down, 0 up; EV_ABS: in the region's units */
};

struct vmsig_command {
    uint32_t size;
    uint32_t verb;   /* enum vmsig_verb */
    uint32_t lane;   /* enum vmsig_lane; the grant may lower it */
    uint32_t mode;   /* enum vmsig_write_mode */
    uint32_t flags;  /* VMSIG_COMMAND_* */
    uint32_t region; /* what absolute coordinates refer to */
    uint64_t endpoint;
    uint64_t serial;       /* of the lease that it acts under */
    uint64_t epoch;        /* pinned; 0: what vmsig_client_next_event has told of */
    uint64_t after;        /* begins when that command of yours has completed */
    int64_t deadline_ns;   /* never begun after it */
    int64_t not_before_ns; /* never begun before it */
    int64_t hold_ns;       /* input: what was pressed is released after so long */
    uint64_t address;      /* of memory: physical, or virtual under `root` */
    uint64_t root;         /* a page-table root; 0: `address` is physical */
    uint64_t value;        /* up to 8 bytes to write, little-endian */
    uint64_t expected;     /* with VMSIG_COMMAND_COMPARE, up to 8 bytes */
    uint32_t length;       /* bytes of memory to read or write */
    uint32_t change_count;
    const struct vmsig_input_change* changes; /* the input frame; read in the call */
    const void* bulk; /* bytes of a longer write, then the expected ones; read in the call */
    size_t bulk_bytes;
};
#define VMSIG_COMMAND_INIT                                                                         \
    {                                                                                              \
        (uint32_t)sizeof(struct vmsig_command), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, NULL, NULL, 0                                                                       \
    }

struct vmsig_acquire_options {
    uint32_t size;
    uint32_t flags;          /* VMSIG_ACQUIRE_WAIT */
    int64_t wait_for_ns;     /* at most so long; 0: until withdrawn */
    int64_t time_to_live_ns; /* expires unless renewed; 0: it does not */
    const char* reason;      /* shown to observers, at most 47 bytes; or null */
};
#define VMSIG_ACQUIRE_OPTIONS_INIT                                                                 \
    {(uint32_t)sizeof(struct vmsig_acquire_options), 0, 0, 0, NULL}

struct vmsig_acquired {
    uint32_t size;
    uint32_t reserved;
    uint64_t serial;  /* with VMSIG_OK */
    uint64_t wait;    /* with VMSIG_WAITING: to withdraw; `lease_granted` repeats it */
    uint64_t holder;  /* with VMSIG_REFUSED_HELD, to those who may observe */
    int64_t since_ns; /* the holder's */
};
#define VMSIG_ACQUIRED_INIT {(uint32_t)sizeof(struct vmsig_acquired), 0, 0, 0, 0, 0}

struct vmsig_lease_status {
    uint32_t size;
    uint32_t rank;
    uint32_t waiters;
    uint32_t reserved;
    uint64_t holder; /* 0: free */
    uint64_t serial;
    int64_t since_ns;
    int64_t expires_ns; /* INT64_MAX: never */
    char reason[48];
};
#define VMSIG_LEASE_STATUS_INIT                                                                    \
    {(uint32_t)sizeof(struct vmsig_lease_status), 0, 0, 0, 0, 0, 0, 0, {0}}

/* What has happened at one endpoint since it was added. */
struct vmsig_statistics {
    uint32_t size;
    uint32_t reserved;
    uint64_t epoch;
    uint64_t events;
    uint64_t commands;
    uint64_t lost_events;
    uint64_t dropped_publications;
};
#define VMSIG_STATISTICS_INIT {(uint32_t)sizeof(struct vmsig_statistics), 0, 0, 0, 0, 0, 0}

/* One decision of the bus. vmsig_client_read_audit hands it out, filled. */
struct vmsig_audit_record {
    uint32_t size;
    uint32_t detail;
    uint64_t number; /* without holes */
    int64_t time_ns;
    uint64_t origin;
    uint64_t endpoint;
    uint64_t epoch;
    uint64_t serial;
    uint64_t correlation;
    uint32_t flags; /* 1 begun, 2 by the host, 4 a weak export */
    uint32_t decision;
    uint32_t verdict;
    uint32_t subject;
    char decision_name[32]; /* as in docs/protocol.md; "" for a number that names nothing */
    char verdict_name[32];
    char subject_name[32];
};

/* `endpoints`: handles, read in the call; not looked at with VMSIG_SUBSCRIBE_EVERY. */
struct vmsig_subscription {
    uint32_t size;
    uint32_t flags;   /* VMSIG_SUBSCRIBE_EVERY */
    uint64_t sources; /* VMSIG_SOURCE_BIT of each; VMSIG_ALL_SOURCES */
    const uint64_t* endpoints;
    size_t endpoint_count;
};
#define VMSIG_SUBSCRIPTION_INIT                                                                    \
    {(uint32_t)sizeof(struct vmsig_subscription), VMSIG_SUBSCRIBE_EVERY, VMSIG_ALL_SOURCES, NULL, 0}

#define VMSIG_MAX_RAM_FDS 4
#define VMSIG_MAX_RAM_REGIONS 16
#define VMSIG_MAX_VCPU_ROOTS 64

/* A run of guest physical memory, backed by a run of one descriptor. Bytes. */
struct vmsig_ram_region {
    uint64_t start;
    uint64_t length;
    uint64_t offset; /* in the descriptor */
    uint32_t fd_index;
    uint32_t reserved;
};

/* x86-64: CR3; aarch64: TTBR0, TTBR1 and TCR_EL1. */
struct vmsig_address_space_root {
    uint64_t root;
    uint64_t second_root;
    uint64_t control;
    int64_t taken_ns;
    uint32_t vcpu;
    uint32_t reserved;
};

/* Where a guest's memory is and how its addresses translate, all of one epoch. The descriptors are
 * the caller's from then on: vmsig_memctx_close, or close(2) each. They come once per epoch of an
 * endpoint, at the first call; -1 where there is none. */
struct vmsig_memctx {
    uint32_t size;
    uint32_t fds_included; /* 0: you took them earlier in this epoch */
    int32_t fds[VMSIG_MAX_RAM_FDS];
    uint64_t endpoint;
    uint64_t epoch;
    uint64_t version;
    uint32_t paging;    /* enum vmsig_paging_mode */
    uint32_t level;     /* enum vmsig_export_level */
    uint32_t page_size; /* bytes, of the smallest page */
    uint32_t fd_count;
    uint32_t region_count;
    uint32_t root_count;
    struct vmsig_ram_region regions[VMSIG_MAX_RAM_REGIONS]; /* by rising start, disjoint */
    struct vmsig_address_space_root roots[VMSIG_MAX_VCPU_ROOTS];
};
/* Whatever happens then, it can be closed. */
#define VMSIG_MEMCTX_INIT                                                                          \
    {                                                                                              \
        (uint32_t)sizeof(struct vmsig_memctx), 0, {-1, -1, -1, -1}, 0, 0, 0, 0, 0, 0, 0, 0, 0,     \
            {{0, 0, 0, 0, 0}},                                                                     \
        {                                                                                          \
            { 0, 0, 0, 0, 0, 0 }                                                                   \
        }                                                                                          \
    }

#endif
