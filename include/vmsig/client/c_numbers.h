/* c_numbers.h: the enumerations of libvmsig-client. A server that is newer than this header may
 * send numbers that are not here: the fields that hold them are integers. Included by c_api.h.
 */
#ifndef VMSIG_CLIENT_C_NUMBERS_H
#define VMSIG_CLIENT_C_NUMBERS_H

#include <stdint.h>

/* What a function answers. From 1 to 31: the bus refused, nothing happened. */
enum vmsig_result {
    VMSIG_OK = 0,
    VMSIG_REFUSED_INVALID = 1,     /* malformed: no such verb, length, mode, or time */
    VMSIG_REFUSED_DENIED = 2,      /* no right, or no such endpoint */
    VMSIG_REFUSED_NOT_HOLDER = 3,  /* the lease is not, or no longer, yours */
    VMSIG_REFUSED_HELD = 4,        /* somebody else owns it and may keep it */
    VMSIG_REFUSED_BUSY = 5,        /* at your cap, or a queue is full; it passes */
    VMSIG_REFUSED_STALE_EPOCH = 6, /* the VM was reset or restored since what you act upon */
    VMSIG_REFUSED_NOT_READY = 7,   /* the replay of the endpoint has not ended */
    VMSIG_REFUSED_UNSUPPORTED = 8, /* no adapter of the endpoint does this */
    VMSIG_REFUSED_GONE = 9,        /* not connected any more: vmsig_client_connected says why */
    VMSIG_REFUSED_EXHAUSTED = 10,  /* a counter or table is at its limit, or no descriptors here */
    VMSIG_REFUSED_AUDIT_UNAVAILABLE = 11, /* the audit has no room for your decision */

    VMSIG_NOT_YET = 32, /* no event, no answer: nothing failed */
    VMSIG_WAITING = 33, /* for the lease, in its queue */
    VMSIG_TOO_LATE = 34, /* the command has begun or ended, or is not yours */

    VMSIG_ERROR_ARGUMENT = 64, /* a null pointer, or a struct of a size that is not understood */
    VMSIG_ERROR_MEMORY = 65,   /* of this process; the connection is closed */
    VMSIG_ERROR_SYSTEM = 66,   /* a system call failed: vmsig_client_error::error */
    VMSIG_ERROR_REJECTED = 67  /* the server said no: vmsig_client_error::farewell */
};

/* Why a server lets nobody in, or lets go. */
enum vmsig_farewell {
    VMSIG_FAREWELL_NONE,      /* it said nothing: see vmsig_client_error::error */
    VMSIG_FAREWELL_VERSION,   /* no version that both speak */
    VMSIG_FAREWELL_DENIED,    /* who decides there said no */
    VMSIG_FAREWELL_FULL,      /* no place for another peer, or for another of that user */
    VMSIG_FAREWELL_LATE,      /* no hello in time */
    VMSIG_FAREWELL_PROTOCOL,  /* what came is not the protocol */
    VMSIG_FAREWELL_DETACHED,  /* by the host, or with the bus */
    VMSIG_FAREWELL_SILENT,    /* you missed the keepalive */
    VMSIG_FAREWELL_BY_REQUEST /* you said bye */
};

/* What an event is about: vmsig_event::source is one of these, vmsig_subscription::sources a set of
 * VMSIG_SOURCE_BIT of them. The host's own begin at 16 and end before 64. */
enum vmsig_source {
    VMSIG_SOURCE_LIFECYCLE,
    VMSIG_SOURCE_MEMORY,
    VMSIG_SOURCE_LEASE,
    VMSIG_SOURCE_COMMAND,
    VMSIG_SOURCE_INPUT,
    VMSIG_SOURCE_CONSOLE,
    VMSIG_SOURCE_SCREEN,
    VMSIG_SOURCE_FIRST_HOST = 16
};
#define VMSIG_SOURCE_BIT(source) ((uint64_t)1 << (source))

/* Bits of vmsig_grant_notice::rights. */
enum vmsig_right {
    VMSIG_RIGHT_OBSERVE = 1 << 0,  /* lifecycle, console, lease holders */
    VMSIG_RIGHT_MEMCTX = 1 << 1,   /* the locator and read-only descriptors of the RAM */
    VMSIG_RIGHT_MEMREAD = 1 << 2,  /* bounded reads, done by the bus */
    VMSIG_RIGHT_MEMWRITE = 1 << 3, /* the memwrite lease and its commands */
    VMSIG_RIGHT_INPUT = 1 << 4,    /* the input lease and its commands */
    VMSIG_RIGHT_POWER = 1 << 5,    /* the power lease and the verbs of host management */
    VMSIG_RIGHT_ADMIN = 1 << 6     /* read audit and statistics, force-release a lease */
};

/* Bits of vmsig_adapter_notice::roles. */
enum vmsig_role {
    VMSIG_ROLE_SENSOR = 1 << 0, /* emits events, executes nothing */
    VMSIG_ROLE_MEMCTX_PROVIDER = 1 << 1,
    VMSIG_ROLE_MEMORY_WRITER = 1 << 2,
    VMSIG_ROLE_HOST_MANAGEMENT = 1 << 3,
    VMSIG_ROLE_INPUT = 1 << 4,
    VMSIG_ROLE_CONSOLE = 1 << 5,
    VMSIG_ROLE_SCREEN = 1 << 6
};

/* Kinds of event. Those of the host's own follow, with names: vmsig_client_kind_name. */
enum vmsig_kind {
    VMSIG_KIND_NONE,
    VMSIG_KIND_RECEIPT,
    VMSIG_KIND_REPLAY_BEGIN,
    VMSIG_KIND_REPLAY_END,
    VMSIG_KIND_GAP,
    VMSIG_KIND_GRANT_CHANGED,
    VMSIG_KIND_ENDPOINT_REMOVED,
    VMSIG_KIND_LIFECYCLE,
    VMSIG_KIND_EPOCH_CHANGED,
    VMSIG_KIND_MEMCTX_PUBLISHED,
    VMSIG_KIND_MEMCTX_INVALIDATED,
    VMSIG_KIND_MEMCTX_UNAVAILABLE,
    VMSIG_KIND_MEMORY_WRITTEN,
    VMSIG_KIND_LEASE_GRANTED,
    VMSIG_KIND_LEASE_LOST,
    VMSIG_KIND_LEASE_ASKED,
    VMSIG_KIND_LEASE_WAIT_ENDED,
    VMSIG_KIND_LEASE_CHANGED,
    VMSIG_KIND_LEDS_CHANGED,
    VMSIG_KIND_CONSOLE_OUTPUT,
    VMSIG_KIND_ADAPTER_ATTACHED,
    VMSIG_KIND_ADAPTER_DETACHED,
    VMSIG_KIND_FIRST_HOST = 32
};

enum vmsig_verb {
    VMSIG_VERB_NONE,
    VMSIG_VERB_INPUT,
    VMSIG_VERB_START,
    VMSIG_VERB_PAUSE,
    VMSIG_VERB_RESUME,
    VMSIG_VERB_RESET,
    VMSIG_VERB_POWER_BUTTON,
    VMSIG_VERB_POWER_OFF,
    VMSIG_VERB_SNAPSHOT_SAVE,
    VMSIG_VERB_SNAPSHOT_RESTORE,
    VMSIG_VERB_STATUS,
    VMSIG_VERB_MEM_WRITE,
    VMSIG_VERB_MEM_READ
};

/* Delivery priority; the default is `normal`. */
enum vmsig_lane {
    VMSIG_LANE_DEFAULT,
    VMSIG_LANE_SAFETY,
    VMSIG_LANE_HIGH,
    VMSIG_LANE_NORMAL,
    VMSIG_LANE_BULK
};

enum vmsig_lease_class { VMSIG_LEASE_INPUT, VMSIG_LEASE_POWER, VMSIG_LEASE_MEMWRITE };

/* How a memory write is done: one store of 1, 2, 4 or 8 aligned bytes; any length with the vCPUs
 * stopped around it (devices doing DMA are not); any length while they run, without compare. */
enum vmsig_write_mode { VMSIG_WRITE_ATOMIC, VMSIG_WRITE_PAUSED, VMSIG_WRITE_BEST_EFFORT };

/* The one terminal outcome of an accepted command. */
enum vmsig_outcome {
    VMSIG_OUTCOME_NONE,
    VMSIG_OUTCOME_DONE,
    VMSIG_OUTCOME_FAILED,
    VMSIG_OUTCOME_EXPIRED,
    VMSIG_OUTCOME_CANCELLED,
    VMSIG_OUTCOME_STALE_EPOCH,
    VMSIG_OUTCOME_LEASE_LOST,
    VMSIG_OUTCOME_REVOKED,
    VMSIG_OUTCOME_ADAPTER_FAULT,
    VMSIG_OUTCOME_ENDPOINT_GONE
};

/* What a command with VMSIG_OUTCOME_FAILED failed of. */
enum vmsig_failure {
    VMSIG_FAILURE_NONE,
    VMSIG_FAILURE_UNSUPPORTED,
    VMSIG_FAILURE_NOT_TRANSLATED,
    VMSIG_FAILURE_OUTSIDE_RAM,
    VMSIG_FAILURE_MISALIGNED,
    VMSIG_FAILURE_MISMATCH, /* the expected bytes were not there; nothing was written */
    VMSIG_FAILURE_UNAVAILABLE,
    VMSIG_FAILURE_REFUSED_BY_VM,
    VMSIG_FAILURE_IO
};

enum vmsig_vm_state {
    VMSIG_VM_UNKNOWN,
    VMSIG_VM_RUNNING,
    VMSIG_VM_PAUSED,
    VMSIG_VM_POWERED_OFF,
    VMSIG_VM_CRASHED
};

/* What happened to a VM. From `reset` on its memory or CPU state is another: the epoch rises. */
enum vmsig_transition {
    VMSIG_TRANSITION_NONE,
    VMSIG_TRANSITION_STARTED,
    VMSIG_TRANSITION_PAUSED,
    VMSIG_TRANSITION_RESUMED,
    VMSIG_TRANSITION_CRASHED,
    VMSIG_TRANSITION_RESET,
    VMSIG_TRANSITION_RESTORED,
    VMSIG_TRANSITION_MIGRATED_IN,
    VMSIG_TRANSITION_POWERED_OFF,
    VMSIG_TRANSITION_MEMORY_REPLACED
};

enum vmsig_cause { VMSIG_CAUSE_UNKNOWN, VMSIG_CAUSE_GUEST, VMSIG_CAUSE_HOST, VMSIG_CAUSE_WATCHDOG };

enum vmsig_lease_end {
    VMSIG_LEASE_END_NONE,
    VMSIG_LEASE_END_RELEASED,
    VMSIG_LEASE_END_PREEMPTED,
    VMSIG_LEASE_END_EXPIRED,
    VMSIG_LEASE_END_OWNER_GONE,
    VMSIG_LEASE_END_REVOKED,
    VMSIG_LEASE_END_ENDPOINT_GONE,
    VMSIG_LEASE_END_FORCED,
    VMSIG_LEASE_END_EPOCH,
    VMSIG_LEASE_END_ADAPTER_GONE,
    VMSIG_LEASE_END_CANCELLED,
    VMSIG_LEASE_END_EXHAUSTED
};

/* What stops the receiver of a descriptor of RAM from writing through it, weakest first. */
enum vmsig_export_level {
    VMSIG_EXPORT_REFUSED,
    VMSIG_EXPORT_WEAK,
    VMSIG_EXPORT_GUARDED,
    VMSIG_EXPORT_SEALED
};

enum vmsig_paging_mode {
    VMSIG_PAGING_NONE,
    VMSIG_PAGING_X86_64_4_LEVEL,
    VMSIG_PAGING_X86_64_5_LEVEL,
    VMSIG_PAGING_AARCH64_4K
};

#endif
