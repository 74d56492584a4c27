/* The ABI of libvmsig-client.so.1 on 64-bit machines, byte by byte: what is here never moves. A
 * struct that grows at its end gets a second line for its new size; the first size stays the least
 * that is taken. */
#include <vmsig/client.h>

#define SIZE(s, n) _Static_assert(sizeof(struct s) == (n), #s)
#define AT(s, f, n) _Static_assert(offsetof(struct s, f) == (n), #s "." #f)

#if UINTPTR_MAX == UINT64_MAX
SIZE(vmsig_client_options, 24);
AT(vmsig_client_options, name, 8);
AT(vmsig_client_options, answer_ns, 16);
SIZE(vmsig_client_error, 64);
AT(vmsig_client_error, farewell, 4);
AT(vmsig_client_error, error, 8);
AT(vmsig_client_error, operation, 12);
SIZE(vmsig_input_change, 8);
SIZE(vmsig_command, 144);
AT(vmsig_command, region, 20);
AT(vmsig_command, endpoint, 24);
AT(vmsig_command, after, 48);
AT(vmsig_command, hold_ns, 72);
AT(vmsig_command, address, 80);
AT(vmsig_command, expected, 104);
AT(vmsig_command, length, 112);
AT(vmsig_command, changes, 120);
AT(vmsig_command, bulk, 128);
AT(vmsig_command, bulk_bytes, 136);
SIZE(vmsig_acquire_options, 32);
AT(vmsig_acquire_options, reason, 24);
SIZE(vmsig_acquired, 40);
AT(vmsig_acquired, since_ns, 32);
SIZE(vmsig_lease_status, 96);
AT(vmsig_lease_status, holder, 16);
AT(vmsig_lease_status, reason, 48);
SIZE(vmsig_statistics, 48);
SIZE(vmsig_audit_record, 176);
AT(vmsig_audit_record, correlation, 56);
AT(vmsig_audit_record, decision, 68);
AT(vmsig_audit_record, decision_name, 80);
SIZE(vmsig_subscription, 32);
AT(vmsig_subscription, endpoints, 16);
SIZE(vmsig_ram_region, 32);
SIZE(vmsig_address_space_root, 40);
SIZE(vmsig_memctx, 3144);
AT(vmsig_memctx, fds, 8);
AT(vmsig_memctx, endpoint, 24);
AT(vmsig_memctx, paging, 48);
AT(vmsig_memctx, regions, 72);
AT(vmsig_memctx, roots, 584);
SIZE(vmsig_event, 136);
AT(vmsig_event, kind, 4);
AT(vmsig_event, lane, 7);
AT(vmsig_event, endpoint, 8);
AT(vmsig_event, correlation, 40);
AT(vmsig_event, payload, 64);
AT(vmsig_event, inline_bytes, 80);
AT(vmsig_event, as, 88);
SIZE(vmsig_receipt, 40);
AT(vmsig_receipt, value, 32);
SIZE(vmsig_lifecycle, 20);
SIZE(vmsig_memctx_notice, 24);
SIZE(vmsig_memory_written, 24);
SIZE(vmsig_lease_notice, 48);
AT(vmsig_lease_notice, wait, 16);
AT(vmsig_lease_notice, rank, 44);
SIZE(vmsig_gap, 16);
SIZE(vmsig_console, 48);
SIZE(vmsig_adapter_notice, 16);
#endif

/* Every initialiser is a constant, and complete. */
const struct vmsig_client_options options = VMSIG_CLIENT_OPTIONS_INIT;
const struct vmsig_client_error error = VMSIG_CLIENT_ERROR_INIT;
const struct vmsig_command command = VMSIG_COMMAND_INIT;
const struct vmsig_acquire_options acquire = VMSIG_ACQUIRE_OPTIONS_INIT;
const struct vmsig_acquired acquired = VMSIG_ACQUIRED_INIT;
const struct vmsig_lease_status status = VMSIG_LEASE_STATUS_INIT;
const struct vmsig_statistics statistics = VMSIG_STATISTICS_INIT;
const struct vmsig_subscription subscription = VMSIG_SUBSCRIPTION_INIT;
const struct vmsig_memctx memctx = VMSIG_MEMCTX_INIT;
const struct vmsig_event event = VMSIG_EVENT_INIT;
