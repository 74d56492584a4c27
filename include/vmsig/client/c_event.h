/* c_event.h: what vmsig_client_next_event fills in. Included by c_api.h.
 *
 * Which member of `as` holds is the kind's business; other kinds have none. All members fit in 48
 * bytes for ever, so that the union never changes its size.
 */
#ifndef VMSIG_CLIENT_C_EVENT_H
#define VMSIG_CLIENT_C_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include <vmsig/client/c_numbers.h>

/* VMSIG_KIND_RECEIPT: the one terminal outcome of the command `correlation`. */
struct vmsig_receipt {
    uint32_t outcome; /* enum vmsig_outcome */
    uint32_t failure; /* enum vmsig_failure */
    uint32_t verb;
    uint32_t mode;
    uint32_t begun; /* 1: the adapter had taken it out of its fence */
    uint32_t state; /* enum vmsig_vm_state, of `status` and power verbs */
    int32_t error;  /* errno, with VMSIG_FAILURE_IO */
    uint32_t bytes; /* read or written; those that were read are the event's payload */
    uint64_t value; /* mismatch of up to 8 bytes: what was there instead */
};

/* VMSIG_KIND_LIFECYCLE, VMSIG_KIND_EPOCH_CHANGED */
struct vmsig_lifecycle {
    uint32_t what;     /* enum vmsig_transition */
    uint32_t cause;    /* enum vmsig_cause */
    uint32_t state;    /* lifecycle: enum vmsig_vm_state, after it */
    uint32_t replayed; /* lifecycle: 1: retained state, not news */
    uint32_t count;    /* epoch_changed: epochs that this stands for, in a storm of resets */
};

/* VMSIG_KIND_MEMCTX_PUBLISHED, _INVALIDATED, _UNAVAILABLE */
struct vmsig_memctx_notice {
    uint64_t version;    /* published */
    uint64_t last_epoch; /* invalidated: of this epoch and older ones none is valid any more */
    int32_t error;       /* unavailable: errno, or 0 */
};

/* VMSIG_KIND_MEMORY_WRITTEN */
struct vmsig_memory_written {
    uint64_t address;
    uint64_t root;
    uint32_t length;
    uint32_t mode;
};

/* VMSIG_KIND_LEASE_GRANTED, _LOST, _ASKED, _WAIT_ENDED, _CHANGED */
struct vmsig_lease_notice {
    uint64_t serial;
    uint32_t lease_class; /* enum vmsig_lease_class */
    uint16_t why;         /* enum vmsig_lease_end: lost, wait_ended, changed */
    uint8_t replayed;     /* changed */
    uint8_t reserved;
    uint64_t wait;        /* granted: the wait that this ends; wait_ended */
    uint64_t holder;      /* changed; 0: free */
    int64_t since_ns;     /* changed */
    uint32_t count;       /* changed: changes that this notice stands for */
    uint32_t rank;        /* asked: the challenger's */
};

/* VMSIG_KIND_GRANT_CHANGED */
struct vmsig_grant_notice {
    uint32_t rights; /* VMSIG_RIGHT_*: on the endpoint, now */
};

/* VMSIG_KIND_GAP */
struct vmsig_gap {
    uint64_t count; /* events lost */
    uint32_t lane;  /* enum vmsig_lane */
};

/* VMSIG_KIND_LEDS_CHANGED */
struct vmsig_leds {
    uint32_t lit; /* bits of LED_*, linux/input-event-codes.h */
};

/* VMSIG_KIND_CONSOLE_OUTPUT; not terminated */
struct vmsig_console {
    uint8_t bytes;
    char text[47];
};

/* VMSIG_KIND_ADAPTER_ATTACHED, _DETACHED */
struct vmsig_adapter_notice {
    uint64_t adapter;
    uint32_t roles; /* VMSIG_ROLE_* */
    uint32_t fault; /* 1: quarantined */
};

struct vmsig_event {
    uint32_t size;
    uint16_t kind;   /* enum vmsig_kind */
    uint8_t source;  /* enum vmsig_source, or a number of the host's own */
    uint8_t lane;    /* enum vmsig_lane */
    uint64_t endpoint;
    uint64_t epoch;
    uint64_t sequence;    /* per (you, endpoint), without holes; 0: not numbered */
    uint64_t origin;      /* whose command caused it; 0: nobody's */
    uint64_t correlation; /* of that command */
    int64_t timestamp_ns;
    int64_t deadline_ns;  /* by which an answer is due */
    const void* payload;  /* what came beside it; valid until the next call with this client */
    size_t payload_bytes;
    uint32_t inline_bytes; /* of `as`, for the host's own kinds */
    uint32_t reserved;
    union {
        struct vmsig_receipt receipt;
        struct vmsig_lifecycle lifecycle;
        struct vmsig_memctx_notice memctx;
        struct vmsig_memory_written written;
        struct vmsig_lease_notice lease;
        struct vmsig_grant_notice grant;
        struct vmsig_gap gap;
        struct vmsig_leds leds;
        struct vmsig_console console;
        struct vmsig_adapter_notice adapter;
        uint8_t bytes[48]; /* the host's own kinds */
        uint64_t align;
    } as;
};
#define VMSIG_EVENT_INIT                                                                           \
    {                                                                                              \
        (uint32_t)sizeof(struct vmsig_event), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0, 0,         \
        {                                                                                          \
            { 0, 0, 0, 0, 0, 0, 0, 0, 0 }                                                          \
        }                                                                                          \
    }

#endif
