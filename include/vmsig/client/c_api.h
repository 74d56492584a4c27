/* c_api.h: a control in a process of its own, for C and for whatever can call C. The stable face of
 * libvmsig-client: what was built with it runs with every later libvmsig-client.so.1.
 *
 *     struct vmsig_client* bus;
 *     if (vmsig_client_connect("/run/vmsig.sock", NULL, &bus, NULL) == VMSIG_OK) {
 *         struct vmsig_event e = VMSIG_EVENT_INIT;
 *         while (vmsig_client_next_event(bus, 1000000000, &e) == VMSIG_OK) ...
 *         vmsig_client_close(bus);
 *     }
 *
 * With a loop of its own: vmsig_client_dispatch(), then poll vmsig_client_fd() for reading. A
 * function that waits for an answer may take in events meanwhile, of which the descriptor says
 * nothing any more, and what was sent does not go by itself: dispatch once more before the next
 * poll.
 *
 * An event counts as seen when vmsig_client_next_event has returned it; what is submitted then acts
 * upon its epoch. Once the connection is lost every function answers VMSIG_REFUSED_GONE. To connect
 * again is to close and to connect: a new control with a new origin, about which nothing is known,
 * with other handles for the endpoints, no lease, no subscription and no descriptor.
 *
 * One thread at a time uses a client; different clients know nothing of each other. No function
 * throws, calls exit, changes a signal or keeps a pointer that it was given.
 */
#ifndef VMSIG_CLIENT_C_API_H
#define VMSIG_CLIENT_C_API_H

#include <stddef.h>
#include <stdint.h>

#include <vmsig/client/c_event.h>
#include <vmsig/client/c_numbers.h>
#include <vmsig/client/c_structs.h>

#if defined(__GNUC__)
#define VMSIG_CLIENT_API __attribute__((visibility("default")))
#else
#define VMSIG_CLIENT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct vmsig_client;

/* The library's own version, major << 16 | minor << 8 | patch. */
VMSIG_CLIENT_API uint32_t vmsig_client_version(void);

/* Connects, says hello and waits for the welcome. `options` and `why` may be null. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_connect(const char* path,
                                                        const struct vmsig_client_options* options,
                                                        struct vmsig_client** out,
                                                        struct vmsig_client_error* why);
/* The same over a connected SOCK_SEQPACKET socket, which is the client's from now on, also when
 * this fails. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_over(int socket,
                                                     const struct vmsig_client_options* options,
                                                     struct vmsig_client** out,
                                                     struct vmsig_client_error* why);
/* Says bye, if somebody is left to hear it, and frees the client. Null is nobody. In a forked child
 * it says nothing: the connection is the parent's. */
VMSIG_CLIENT_API void vmsig_client_close(struct vmsig_client* c);

/* To poll for reading; the client's own. -1: not connected. */
VMSIG_CLIENT_API int vmsig_client_fd(const struct vmsig_client* c);
/* Who this control is, in commands and in what it causes. */
VMSIG_CLIENT_API uint64_t vmsig_client_origin(const struct vmsig_client* c);
/* 1, or 0: lost, and `why` (which may be null) has the reason. */
VMSIG_CLIENT_API int vmsig_client_connected(const struct vmsig_client* c,
                                            struct vmsig_client_error* why);

/* Reads what is there, without waiting. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_receive(struct vmsig_client* c);
/* The next event; waits for it at most so long, in nanoseconds. VMSIG_NOT_YET: none came.
 * VMSIG_REFUSED_GONE: none is left and none will come. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_next_event(struct vmsig_client* c,
                                                           int64_t at_most_ns,
                                                           struct vmsig_event* out);
/* Reads what is there, calls f for each event of it, and sends what that has left to send. f may
 * call all of this but vmsig_client_close; it returns 0 to go on, other than 0 to leave the rest
 * for later. */
VMSIG_CLIENT_API enum vmsig_result
vmsig_client_dispatch(struct vmsig_client* c,
                      int (*f)(void* context, struct vmsig_client* c, const struct vmsig_event* e),
                      void* context);

/* VMSIG_OK: accepted as *correlation (which may be null); one receipt will tell how it ended. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_submit(struct vmsig_client* c,
                                                       const struct vmsig_command* command,
                                                       uint64_t* correlation);
/* Sends without waiting, with the next call that reads, or, if the server takes no more now, with a
 * later one; vmsig_client_submitted(*request) has the answer, once. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_send(struct vmsig_client* c,
                                                     const struct vmsig_command* command,
                                                     uint32_t* request);
/* What was sent goes; waits for room for it. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_flush(struct vmsig_client* c);
/* What vmsig_client_submit would have answered, or VMSIG_NOT_YET. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_submitted(struct vmsig_client* c, uint32_t request,
                                                          uint64_t* correlation);
/* VMSIG_OK: its receipt will say `cancelled`. VMSIG_TOO_LATE. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_cancel(struct vmsig_client* c,
                                                       uint64_t correlation);

/* Leases: `lease_class` is an enum vmsig_lease_class. */

/* VMSIG_OK: it is yours, under out->serial. VMSIG_WAITING: an event will tell. `options` and `out`
 * may be null. */
VMSIG_CLIENT_API enum vmsig_result
vmsig_client_acquire(struct vmsig_client* c, uint64_t endpoint, uint32_t lease_class,
                     const struct vmsig_acquire_options* options, struct vmsig_acquired* out);
VMSIG_CLIENT_API enum vmsig_result vmsig_client_release(struct vmsig_client* c, uint64_t endpoint,
                                                        uint32_t lease_class,
                                                        uint64_t serial);
/* A new time to live from now, under the same serial. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_renew(struct vmsig_client* c, uint64_t endpoint,
                                                      uint32_t lease_class,
                                                      uint64_t serial, int64_t time_to_live_ns);
VMSIG_CLIENT_API enum vmsig_result vmsig_client_withdraw(struct vmsig_client* c, uint64_t wait);
/* Needs `observe`. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_status(struct vmsig_client* c, uint64_t endpoint,
                                                       uint32_t lease_class,
                                                       struct vmsig_lease_status* out);
/* These three need `admin`. f gets, oldest first, those of the last `last` decisions that are about
 * this endpoint; it may call nothing of this client. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_force_release(struct vmsig_client* c,
                                                              uint64_t endpoint,
                                                              uint32_t lease_class);
VMSIG_CLIENT_API enum vmsig_result
vmsig_client_read_audit(struct vmsig_client* c, uint64_t endpoint, uint32_t last,
                        void (*f)(void* context, const struct vmsig_audit_record* r),
                        void* context);
VMSIG_CLIENT_API enum vmsig_result vmsig_client_statistics(struct vmsig_client* c,
                                                           uint64_t endpoint,
                                                           struct vmsig_statistics* out);

/* What to see from now on; what is new is replayed. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_subscribe(struct vmsig_client* c,
                                                          const struct vmsig_subscription* s);
/* Asks without doing: whether a command with this verb (enum vmsig_verb) would pass its check of
 * rights. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_may(struct vmsig_client* c, uint32_t verb,
                                                    uint64_t endpoint);
/* The audited export. The descriptors in `out` are the caller's. VMSIG_REFUSED_EXHAUSTED: this
 * process had no room for them, and those that came are closed; once there is room, ask again. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_memctx(struct vmsig_client* c, uint64_t endpoint,
                                                       struct vmsig_memctx* out);
/* Closes the descriptors, and sets them to -1. */
VMSIG_CLIENT_API void vmsig_memctx_close(struct vmsig_memctx* m);
/* Asks the provider to publish again, under the same epoch. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_refresh(struct vmsig_client* c, uint64_t endpoint);

/* The endpoint of that name, if this control holds any right on it. */
VMSIG_CLIENT_API enum vmsig_result vmsig_client_find(struct vmsig_client* c, const char* name,
                                                     uint64_t* endpoint);
/* f gets each endpoint whose replay has ended; other than 0 ends it. f may call nothing of this
 * client. */
VMSIG_CLIENT_API enum vmsig_result
vmsig_client_endpoints(struct vmsig_client* c,
                       int (*f)(void* context, uint64_t endpoint, const char* name),
                       void* context);
/* Copies the name, cut to `bytes` and terminated, and returns its length; 0: not told of. */
VMSIG_CLIENT_API size_t vmsig_client_endpoint_name(const struct vmsig_client* c, uint64_t endpoint,
                                                   char* out, size_t bytes);
VMSIG_CLIENT_API size_t vmsig_client_kind_name(const struct vmsig_client* c, uint32_t kind,
                                               char* out, size_t bytes);

/* Words for numbers, in lower case; "" for a number that names nothing. Valid for ever. */
VMSIG_CLIENT_API const char* vmsig_result_name(uint32_t result);
VMSIG_CLIENT_API const char* vmsig_farewell_name(uint32_t farewell);
VMSIG_CLIENT_API const char* vmsig_verb_name(uint32_t verb);
VMSIG_CLIENT_API const char* vmsig_outcome_name(uint32_t outcome);
VMSIG_CLIENT_API const char* vmsig_failure_name(uint32_t failure);
VMSIG_CLIENT_API const char* vmsig_lease_class_name(uint32_t lease_class);
VMSIG_CLIENT_API const char* vmsig_lease_end_name(uint32_t lease_end);
VMSIG_CLIENT_API const char* vmsig_transition_name(uint32_t transition);
VMSIG_CLIENT_API const char* vmsig_vm_state_name(uint32_t state);

#ifdef __cplusplus
}
#endif

#endif
