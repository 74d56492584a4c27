/* Every verb of the client, from a program in C. */
#include "story.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <vmsig/client.h>

#define CHECK(x)                 \
    do {                         \
        if (!(x)) return __LINE__; \
    } while (0)
#define SECONDS(n) ((int64_t)(n)*1000000000)

static struct vmsig_client* join(const char* socket, const char* name) {
    struct vmsig_client_options options = VMSIG_CLIENT_OPTIONS_INIT;
    struct vmsig_client* c = NULL;
    options.name = name;
    options.answer_ns = SECONDS(20);
    if (vmsig_client_connect(socket, &options, &c, NULL) != VMSIG_OK) return NULL;
    return c;
}

/* The next event of that kind; those before it are passed over. */
static int await(struct vmsig_client* c, enum vmsig_kind kind, struct vmsig_event* e) {
    while (vmsig_client_next_event(c, SECONDS(20), e) == VMSIG_OK)
        if (e->kind == kind) return 1;
    return 0;
}

/* Until both machines are told of; the handle of "build-7". */
static uint64_t settle(struct vmsig_client* c) {
    struct vmsig_event e = VMSIG_EVENT_INIT;
    uint64_t vm = 0;
    if (!await(c, VMSIG_KIND_REPLAY_END, &e) || !await(c, VMSIG_KIND_REPLAY_END, &e)) return 0;
    return vmsig_client_find(c, "build-7", &vm) == VMSIG_OK ? vm : 0;
}

static int write_is_refused(int fd) { return write(fd, "x", 1) < 0 && errno == EBADF; }

static struct vmsig_command command(enum vmsig_verb verb, uint64_t vm, uint64_t serial) {
    struct vmsig_command c = VMSIG_COMMAND_INIT;
    c.verb = verb;
    c.endpoint = vm;
    c.serial = serial;
    return c;
}

static int ended(struct vmsig_client* c, uint64_t id, struct vmsig_event* e) {
    while (await(c, VMSIG_KIND_RECEIPT, e))
        if (e->correlation == id) return (int)e->as.receipt.outcome;
    return -1;
}

int story_of_a_command(const char* socket) {
    struct vmsig_client* c = join(socket, "c");
    struct vmsig_event e = VMSIG_EVENT_INIT;
    struct vmsig_acquired lease = VMSIG_ACQUIRED_INIT;
    struct vmsig_input_change press = {EV_KEY, KEY_A, 1};
    struct vmsig_input_change many[8];
    struct vmsig_command key;
    uint64_t vm, id = 0;
    unsigned n;
    CHECK(c);
    CHECK(vmsig_client_connected(c, NULL) == 1);
    CHECK(vmsig_client_origin(c) != 0);
    vm = settle(c);
    CHECK(vm);
    CHECK(vmsig_client_acquire(c, vm, VMSIG_LEASE_INPUT, NULL, &lease) == VMSIG_OK);
    key = command(VMSIG_VERB_INPUT, vm, lease.serial);
    key.changes = &press;
    key.change_count = 1;
    key.hold_ns = 1000000;
    key.deadline_ns = SECONDS(20);
    key.flags = VMSIG_COMMAND_DEADLINE_RELATIVE;
    CHECK(vmsig_client_submit(c, &key, &id) == VMSIG_OK);
    CHECK(id != 0);
    CHECK(ended(c, id, &e) == VMSIG_OUTCOME_DONE);
    CHECK(e.as.receipt.verb == VMSIG_VERB_INPUT && e.as.receipt.begun == 1);
    CHECK(e.endpoint == vm && e.lane == VMSIG_LANE_HIGH);
    for (n = 0; n < 8; ++n) { /* more than fit in a command */
        many[n] = press;
        many[n].code = (uint16_t)(KEY_1 + n / 2);
        many[n].value = n % 2 == 0;
    }
    key = command(VMSIG_VERB_INPUT, vm, lease.serial);
    key.changes = many;
    key.change_count = 8;
    CHECK(vmsig_client_submit(c, &key, &id) == VMSIG_OK);
    CHECK(ended(c, id, &e) == VMSIG_OUTCOME_DONE);
    CHECK(vmsig_client_cancel(c, id) == VMSIG_TOO_LATE);
    key.not_before_ns = SECONDS(1000);
    key.flags = VMSIG_COMMAND_NOT_BEFORE_RELATIVE;
    CHECK(vmsig_client_submit(c, &key, &id) == VMSIG_OK);
    CHECK(vmsig_client_cancel(c, id) == VMSIG_OK);
    CHECK(ended(c, id, &e) == VMSIG_OUTCOME_CANCELLED);
    key.lane = 77;
    CHECK(vmsig_client_submit(c, &key, &id) == VMSIG_REFUSED_INVALID);
    CHECK(vmsig_client_release(c, vm, VMSIG_LEASE_INPUT, lease.serial) == VMSIG_OK);
    CHECK(vmsig_client_release(c, vm, VMSIG_LEASE_INPUT, lease.serial) ==
          VMSIG_REFUSED_NOT_HOLDER);
    vmsig_client_close(c);
    return 0;
}

int story_of_leases(const char* socket) {
    struct vmsig_client *a = join(socket, "a"), *b = join(socket, "b");
    struct vmsig_acquire_options options = VMSIG_ACQUIRE_OPTIONS_INIT;
    struct vmsig_acquired first = VMSIG_ACQUIRED_INIT, second = VMSIG_ACQUIRED_INIT;
    struct vmsig_lease_status status = VMSIG_LEASE_STATUS_INIT;
    struct vmsig_event e = VMSIG_EVENT_INIT;
    uint64_t vm_a, vm_b;
    CHECK(a && b);
    vm_a = settle(a);
    vm_b = settle(b);
    CHECK(vm_a && vm_b);
    options.reason = "a test";
    options.time_to_live_ns = SECONDS(1000);
    CHECK(vmsig_client_acquire(a, vm_a, VMSIG_LEASE_POWER, &options, &first) == VMSIG_OK);
    CHECK(vmsig_client_status(b, vm_b, VMSIG_LEASE_POWER, &status) == VMSIG_OK);
    CHECK(strcmp(status.reason, "a test") == 0 && status.holder == vmsig_client_origin(a));
    CHECK(status.serial == first.serial && status.expires_ns != INT64_MAX);
    CHECK(vmsig_client_renew(a, vm_a, VMSIG_LEASE_POWER, first.serial, SECONDS(9)) == VMSIG_OK);
    CHECK(vmsig_client_acquire(b, vm_b, VMSIG_LEASE_POWER, NULL, &second) == VMSIG_REFUSED_HELD);
    CHECK(second.holder == vmsig_client_origin(a));
    options.flags = VMSIG_ACQUIRE_WAIT;
    CHECK(vmsig_client_acquire(b, vm_b, VMSIG_LEASE_POWER, &options, &second) == VMSIG_WAITING);
    CHECK(vmsig_client_withdraw(b, second.wait) == VMSIG_OK);
    CHECK(await(b, VMSIG_KIND_LEASE_WAIT_ENDED, &e));
    CHECK(e.as.lease.wait == second.wait && e.as.lease.why == VMSIG_LEASE_END_CANCELLED);
    CHECK(vmsig_client_acquire(b, vm_b, VMSIG_LEASE_POWER, &options, &second) == VMSIG_WAITING);
    CHECK(vmsig_client_force_release(b, vm_b, VMSIG_LEASE_POWER) == VMSIG_OK);
    CHECK(await(a, VMSIG_KIND_LEASE_LOST, &e));
    CHECK(e.as.lease.serial == first.serial && e.as.lease.why == VMSIG_LEASE_END_FORCED);
    CHECK(e.as.lease.lease_class == VMSIG_LEASE_POWER);
    CHECK(await(b, VMSIG_KIND_LEASE_GRANTED, &e));
    CHECK(e.as.lease.wait == second.wait && e.as.lease.serial > first.serial);
    CHECK(await(a, VMSIG_KIND_LEASE_CHANGED, &e));
    CHECK(vmsig_client_acquire(a, vm_a, 9, NULL, NULL) ==
          VMSIG_REFUSED_INVALID);
    vmsig_client_close(a);
    vmsig_client_close(b);
    return 0;
}

int story_of_memory(const char* socket) {
    struct vmsig_client* c = join(socket, "c");
    struct vmsig_memctx m = VMSIG_MEMCTX_INIT, again = VMSIG_MEMCTX_INIT;
    struct vmsig_acquired lease = VMSIG_ACQUIRED_INIT;
    struct vmsig_event e = VMSIG_EVENT_INIT;
    struct vmsig_command write, read;
    unsigned char bytes[1000], seen[1000];
    uint64_t vm, id, at;
    CHECK(c);
    vm = settle(c);
    CHECK(vm);
    CHECK(vmsig_client_memctx(c, vm, &m) == VMSIG_OK);
    CHECK(m.fds_included && m.fd_count == 2 && m.level == VMSIG_EXPORT_SEALED);
    CHECK(m.endpoint == vm && m.epoch == 1 && m.version == 1 && m.region_count == 2);
    CHECK(m.paging == VMSIG_PAGING_X86_64_4_LEVEL && m.root_count == 1 && m.roots[0].root != 0);
    CHECK(m.fds[0] >= 0 && m.fds[1] >= 0 && m.fds[2] == -1 && m.fds[3] == -1);
    CHECK(write_is_refused(m.fds[0]));
    CHECK(vmsig_client_memctx(c, vm, &again) == VMSIG_OK);
    CHECK(!again.fds_included && again.fds[0] == -1);

    CHECK(vmsig_client_acquire(c, vm, VMSIG_LEASE_MEMWRITE, NULL, &lease) == VMSIG_OK);
    at = m.regions[0].start + m.regions[0].length - 4096;
    write = command(VMSIG_VERB_MEM_WRITE, vm, lease.serial);
    write.mode = VMSIG_WRITE_ATOMIC;
    write.address = at;
    write.value = 0x1122334455667788;
    write.length = 8;
    CHECK(vmsig_client_submit(c, &write, &id) == VMSIG_OK);
    CHECK(ended(c, id, &e) == VMSIG_OUTCOME_DONE);
    write.flags = VMSIG_COMMAND_COMPARE;
    write.expected = 5;
    CHECK(vmsig_client_submit(c, &write, &id) == VMSIG_OK);
    CHECK(ended(c, id, &e) == VMSIG_OUTCOME_FAILED);
    CHECK(e.as.receipt.failure == VMSIG_FAILURE_MISMATCH);
    CHECK(e.as.receipt.value == 0x1122334455667788);
    memset(bytes, 0xa5, sizeof bytes);
    write = command(VMSIG_VERB_MEM_WRITE, vm, lease.serial);
    write.mode = VMSIG_WRITE_PAUSED;
    write.address = at + 8;
    write.length = sizeof bytes;
    write.bulk = bytes;
    write.bulk_bytes = sizeof bytes;
    CHECK(vmsig_client_submit(c, &write, &id) == VMSIG_OK);
    CHECK(ended(c, id, &e) == VMSIG_OUTCOME_DONE);
    CHECK(e.as.receipt.mode == VMSIG_WRITE_PAUSED && e.as.receipt.bytes == sizeof bytes);
    CHECK(pread(m.fds[m.regions[0].fd_index], seen, sizeof seen,
                (off_t)(m.regions[0].offset + at + 8 - m.regions[0].start)) ==
          (ssize_t)sizeof seen);
    CHECK(memcmp(bytes, seen, sizeof bytes) == 0);

    read = command(VMSIG_VERB_MEM_READ, vm, 0);
    read.address = at;
    read.length = 16;
    CHECK(vmsig_client_submit(c, &read, &id) == VMSIG_OK);
    CHECK(ended(c, id, &e) == VMSIG_OUTCOME_DONE);
    CHECK(e.payload_bytes == 16);
    CHECK(memcmp(e.payload, "\x88\x77\x66\x55\x44\x33\x22\x11\xa5\xa5\xa5", 11) == 0);
    CHECK(vmsig_client_refresh(c, vm) == VMSIG_OK);
    CHECK(await(c, VMSIG_KIND_MEMCTX_PUBLISHED, &e));
    CHECK(e.as.memctx.version == 2);
    vmsig_memctx_close(&m);
    vmsig_memctx_close(&again);
    CHECK(m.fds[0] == -1 && m.fds[1] == -1);
    vmsig_client_close(c);
    return 0;
}

struct tally {
    uint64_t first, last;
    unsigned receipts;
    int in_order;
};
static int count_receipts(void* context, struct vmsig_client* c, const struct vmsig_event* e) {
    struct tally* t = context;
    (void)c;
    if (e->kind != VMSIG_KIND_RECEIPT) return 0;
    t->in_order = t->in_order && (t->receipts == 0 || e->timestamp_ns >= 0);
    t->last = e->correlation;
    if (t->receipts++ == 0) t->first = e->correlation;
    return 0;
}

int story_of_many_commands(const char* socket) {
    struct vmsig_client* c = join(socket, "c");
    struct vmsig_acquired lease = VMSIG_ACQUIRED_INIT;
    struct vmsig_command write;
    struct tally t = {0, 0, 0, 1};
    uint32_t requests[50];
    uint64_t vm, ids[50];
    unsigned n;
    CHECK(c);
    vm = settle(c);
    CHECK(vmsig_client_acquire(c, vm, VMSIG_LEASE_MEMWRITE, NULL, &lease) == VMSIG_OK);
    write = command(VMSIG_VERB_MEM_WRITE, vm, lease.serial);
    write.address = 0x80000;
    write.length = 8;
    for (n = 0; n < 50; ++n) {
        write.value = n;
        CHECK(vmsig_client_send(c, &write, &requests[n]) == VMSIG_OK);
    }
    CHECK(vmsig_client_submitted(c, requests[0], &ids[0]) == VMSIG_NOT_YET); /* not sent yet */
    CHECK(vmsig_client_flush(c) == VMSIG_OK);
    while (t.receipts < 50) {
        struct pollfd p;
        p.fd = vmsig_client_fd(c);
        p.events = POLLIN;
        CHECK(poll(&p, 1, 20000) == 1);
        CHECK(vmsig_client_dispatch(c, count_receipts, &t) == VMSIG_OK);
    }
    for (n = 0; n < 50; ++n)
        CHECK(vmsig_client_submitted(c, requests[n], &ids[n]) == VMSIG_OK && ids[n] != 0);
    CHECK(t.first == ids[0] && t.last == ids[49] && t.in_order);
    vmsig_client_close(c);
    return 0;
}

static int count_names(void* context, uint64_t endpoint, const char* name) {
    int* n = context;
    *n += endpoint != 0 && (strcmp(name, "build-7") == 0 || strcmp(name, "db-1") == 0);
    return 0;
}

int story_of_what_one_may(const char* socket) {
    struct vmsig_client* c = join(socket, "c");
    struct vmsig_subscription s = VMSIG_SUBSCRIPTION_INIT;
    struct vmsig_acquired lease = VMSIG_ACQUIRED_INIT;
    struct vmsig_event e = VMSIG_EVENT_INIT;
    struct vmsig_command pause;
    char name[4];
    uint64_t vm, other, id, nobody = UINT64_MAX;
    int names = 0;
    CHECK(c);
    vm = settle(c);
    CHECK(vm);
    CHECK(vmsig_client_may(c, VMSIG_VERB_RESET, vm) == VMSIG_OK);
    CHECK(vmsig_client_may(c, VMSIG_VERB_RESET, vm + 5) == VMSIG_REFUSED_DENIED);
    CHECK(vmsig_client_may(c, 99, vm) == VMSIG_REFUSED_INVALID);
    CHECK(vmsig_client_find(c, "nothing", &other) == VMSIG_REFUSED_DENIED);
    CHECK(vmsig_client_find(c, "db-1", &other) == VMSIG_OK && other != vm);
    CHECK(vmsig_client_endpoints(c, count_names, &names) == VMSIG_OK && names == 2);
    CHECK(vmsig_client_endpoint_name(c, vm, name, sizeof name) == 7);
    CHECK(strcmp(name, "bui") == 0);
    CHECK(vmsig_client_endpoint_name(c, vm + 5, name, sizeof name) == 0 && name[0] == '\0');
    CHECK(vmsig_client_kind_name(c, VMSIG_KIND_GAP, name, sizeof name) == 3);
    CHECK(strcmp(name, "gap") == 0);
    s.flags = 0;
    s.endpoints = &vm;
    s.endpoint_count = 1;
    CHECK(vmsig_client_subscribe(c, &s) == VMSIG_OK);
    CHECK(vmsig_client_acquire(c, other, VMSIG_LEASE_POWER, NULL, &lease) == VMSIG_OK);
    pause = command(VMSIG_VERB_PAUSE, other, lease.serial);
    CHECK(vmsig_client_submit(c, &pause, &id) == VMSIG_OK);
    for (;;) { /* of the other machine the receipt alone */
        CHECK(vmsig_client_next_event(c, SECONDS(20), &e) == VMSIG_OK);
        CHECK(e.kind != VMSIG_KIND_LIFECYCLE || e.endpoint == vm);
        if (e.kind == VMSIG_KIND_RECEIPT) break;
    }
    CHECK(e.as.receipt.state == VMSIG_VM_PAUSED && e.source == VMSIG_SOURCE_COMMAND);
    s.flags = VMSIG_SUBSCRIBE_EVERY;
    s.sources = VMSIG_SOURCE_BIT(VMSIG_SOURCE_LIFECYCLE) | VMSIG_SOURCE_BIT(VMSIG_SOURCE_LEASE);
    CHECK(vmsig_client_subscribe(c, &s) == VMSIG_OK);
    CHECK(await(c, VMSIG_KIND_LIFECYCLE, &e));
    CHECK(e.endpoint == other && e.as.lifecycle.state == VMSIG_VM_PAUSED);
    CHECK(e.source == VMSIG_SOURCE_LIFECYCLE);
    CHECK(e.as.lifecycle.replayed == 1);
    s.flags = 0;
    s.endpoints = &nobody;
    CHECK(vmsig_client_subscribe(c, &s) == VMSIG_REFUSED_DENIED);
    vmsig_client_close(c);
    return 0;
}

static void last_decision(void* context, const struct vmsig_audit_record* r) {
    struct vmsig_audit_record* last = context;
    *last = *r;
}

int story_of_an_operator(const char* socket) {
    struct vmsig_client* c = join(socket, "c");
    struct vmsig_acquired lease = VMSIG_ACQUIRED_INIT;
    struct vmsig_statistics statistics = VMSIG_STATISTICS_INIT;
    struct vmsig_audit_record last;
    struct vmsig_event e = VMSIG_EVENT_INIT;
    struct vmsig_command reset;
    uint64_t vm, id;
    memset(&last, 0, sizeof last);
    CHECK(c);
    vm = settle(c);
    CHECK(vm);
    CHECK(vmsig_client_acquire(c, vm, VMSIG_LEASE_POWER, NULL, &lease) == VMSIG_OK);
    reset = command(VMSIG_VERB_RESET, vm, lease.serial);
    CHECK(vmsig_client_submit(c, &reset, &id) == VMSIG_OK);
    CHECK(await(c, VMSIG_KIND_EPOCH_CHANGED, &e));
    CHECK(e.as.lifecycle.what == VMSIG_TRANSITION_RESET && e.epoch == 2);
    CHECK(e.as.lifecycle.count == 1);
    CHECK(ended(c, id, &e) == VMSIG_OUTCOME_DONE);
    CHECK(vmsig_client_statistics(c, vm, &statistics) == VMSIG_OK);
    CHECK(statistics.epoch == 2 && statistics.commands == 1 && statistics.events > 0);
    CHECK(vmsig_client_read_audit(c, vm, 50, last_decision, &last) == VMSIG_OK);
    CHECK(last.correlation == id && strcmp(last.decision_name, "command_ended") == 0);
    CHECK(strcmp(last.verdict_name, "done") == 0 && strcmp(last.subject_name, "reset") == 0);
    CHECK(last.endpoint == vm && last.origin == vmsig_client_origin(c));
    vmsig_client_close(c);
    return 0;
}

int story_of_another_connection(const char* socket) {
    struct vmsig_client *c = join(socket, "c"), *next;
    struct vmsig_acquired lease = VMSIG_ACQUIRED_INIT;
    struct vmsig_client_error why = VMSIG_CLIENT_ERROR_INIT;
    struct vmsig_event e = VMSIG_EVENT_INIT;
    struct vmsig_client* nobody = c;
    uint64_t vm, first;
    CHECK(c);
    vm = settle(c);
    first = vmsig_client_origin(c);
    CHECK(vmsig_client_acquire(c, vm, VMSIG_LEASE_INPUT, NULL, &lease) == VMSIG_OK);
    vmsig_client_close(c);
    next = join(socket, "c");
    CHECK(next);
    CHECK(vmsig_client_origin(next) != first);
    /* Nothing is known before it has been told. */
    CHECK(vmsig_client_endpoint_name(next, vm, NULL, 0) == 0);
    vm = settle(next);
    CHECK(vm);
    CHECK(vmsig_client_release(next, vm, VMSIG_LEASE_INPUT, lease.serial) ==
          VMSIG_REFUSED_NOT_HOLDER);
    CHECK(vmsig_client_acquire(next, vm, VMSIG_LEASE_INPUT, NULL, NULL) == VMSIG_OK);
    CHECK(vmsig_client_next_event(next, 0, &e) != VMSIG_REFUSED_GONE);
    vmsig_client_close(next);
    vmsig_client_close(NULL);
    CHECK(vmsig_client_connect("/nonexistent/socket", NULL, &nobody, &why) == VMSIG_ERROR_SYSTEM);
    CHECK(nobody == NULL && why.error == ENOENT && strcmp(why.operation, "connect") == 0);
    return 0;
}
