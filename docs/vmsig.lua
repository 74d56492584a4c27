-- The vmsig protocol for Wireshark. Made from the table in include/vmsig/transport/ by
-- vmsig-wire; do not edit. See protocol.md.
local vmsig = Proto("vmsig", "vmsig")
local words = {}
words.verb = {[0] = "none", [1] = "input", [2] = "start", [3] = "pause", [4] = "resume", [5] = "reset", [6] = "power_button", [7] = "power_off", [8] = "snapshot_save", [9] = "snapshot_restore", [10] = "status", [11] = "mem_write", [12] = "mem_read", }
words.lane = {[0] = "safety", [1] = "high", [2] = "normal", [3] = "bulk", }
words.write_mode = {[0] = "atomic", [1] = "paused", [2] = "best_effort", }
words.lease_class = {[0] = "input", [1] = "power", [2] = "memwrite", }
words.refusal = {[0] = "none", [1] = "invalid", [2] = "denied", [3] = "not_holder", [4] = "held", [5] = "busy", [6] = "stale_epoch", [7] = "not_ready", [8] = "unsupported", [9] = "gone", [10] = "exhausted", [11] = "audit_unavailable", }
words.outcome = {[0] = "none", [1] = "done", [2] = "failed", [3] = "expired", [4] = "cancelled", [5] = "stale_epoch", [6] = "lease_lost", [7] = "revoked", [8] = "adapter_fault", [9] = "endpoint_gone", [10] = "issuer_gone", }
words.failure = {[0] = "none", [1] = "unsupported", [2] = "not_translated", [3] = "outside_ram", [4] = "misaligned", [5] = "mismatch", [6] = "unavailable", [7] = "refused_by_vm", [8] = "io", }
words.lease_end = {[0] = "none", [1] = "released", [2] = "preempted", [3] = "expired", [4] = "owner_gone", [5] = "revoked", [6] = "endpoint_gone", [7] = "forced", [8] = "epoch", [9] = "adapter_gone", [10] = "cancelled", [11] = "exhausted", }
words.transition = {[0] = "none", [1] = "started", [2] = "paused", [3] = "resumed", [4] = "crashed", [5] = "reset", [6] = "restored", [7] = "migrated_in", [8] = "powered_off", [9] = "memory_replaced", }
words.cause = {[0] = "unknown", [1] = "guest", [2] = "host", [3] = "watchdog", }
words.vm_state = {[0] = "unknown", [1] = "running", [2] = "paused", [3] = "powered_off", [4] = "crashed", }
words.paging_mode = {[0] = "none", [1] = "x86_64_4_level", [2] = "x86_64_5_level", [3] = "aarch64_4k", }
words.export_level = {[0] = "refused", [1] = "weak", [2] = "guarded", [3] = "sealed", }
words.cancel_result = {[0] = "cancelled", [1] = "too_late", [2] = "gone", }
words.acquire_status = {[0] = "granted", [1] = "waiting", [2] = "refused", }
words.farewell = {[0] = "none", [1] = "version", [2] = "denied", [3] = "full", [4] = "late", [5] = "protocol", [6] = "detached", [7] = "silent", [8] = "by_request", }
words.decision = {[0] = "none", [1] = "attached", [2] = "attach_refused", [3] = "detached", [4] = "grant_changed", [5] = "lease_granted", [6] = "lease_waiting", [7] = "lease_refused", [8] = "lease_wait_ended", [9] = "lease_ended", [10] = "lease_forced", [11] = "command_admitted", [12] = "command_refused", [13] = "command_ended", [14] = "memctx_exported", [15] = "memctx_refused", [16] = "memctx_invalidated", [17] = "epoch_raised", [18] = "neutral", [19] = "endpoint_added", [20] = "endpoint_removed", [21] = "adapter_attached", [22] = "adapter_refused", [23] = "adapter_detached", [24] = "adapter_quarantined", [25] = "lost", }
local fields = vmsig.fields
fields.frame_hello_0 = ProtoField.uint64("vmsig.hello.magic", "magic", base.DEC)
fields.frame_hello_8 = ProtoField.uint32("vmsig.hello.byte_order", "byte_order", base.DEC)
fields.frame_hello_12 = ProtoField.uint16("vmsig.hello.oldest", "oldest", base.DEC)
fields.frame_hello_14 = ProtoField.uint16("vmsig.hello.newest", "newest", base.DEC)
fields.frame_hello_16 = ProtoField.uint64("vmsig.hello.features", "features", base.DEC)
fields.frame_hello_24 = ProtoField.stringz("vmsig.hello.name", "name")
fields.frame_acknowledge_0 = ProtoField.uint64("vmsig.acknowledge.events", "events", base.DEC)
fields.frame_acknowledge_8 = ProtoField.uint64("vmsig.acknowledge.memctxs", "memctxs", base.DEC)
fields.frame_pong_0 = ProtoField.uint64("vmsig.pong.token", "token", base.DEC)
fields.frame_submit_0 = ProtoField.uint32("vmsig.submit.request", "request", base.DEC)
fields.frame_submit_4 = ProtoField.uint8("vmsig.submit.verb", "verb", base.DEC, words.verb)
fields.frame_submit_5 = ProtoField.uint8("vmsig.submit.lane", "lane", base.DEC, words.lane)
fields.frame_submit_6 = ProtoField.uint8("vmsig.submit.mode", "mode", base.DEC, words.write_mode)
fields.frame_submit_7 = ProtoField.uint8("vmsig.submit.options", "options", base.DEC)
fields.frame_submit_8 = ProtoField.uint32("vmsig.submit.region", "region", base.DEC)
fields.frame_submit_12 = ProtoField.uint32("vmsig.submit.length", "length", base.DEC)
fields.frame_submit_16 = ProtoField.uint64("vmsig.submit.endpoint", "endpoint", base.DEC)
fields.frame_submit_24 = ProtoField.uint64("vmsig.submit.serial", "serial", base.DEC)
fields.frame_submit_32 = ProtoField.uint64("vmsig.submit.epoch", "epoch", base.DEC)
fields.frame_submit_40 = ProtoField.uint64("vmsig.submit.after", "after", base.DEC)
fields.frame_submit_48 = ProtoField.int64("vmsig.submit.deadline", "deadline", base.DEC)
fields.frame_submit_56 = ProtoField.int64("vmsig.submit.not_before", "not_before", base.DEC)
fields.frame_submit_64 = ProtoField.int64("vmsig.submit.hold", "hold", base.DEC)
fields.frame_submit_72 = ProtoField.uint64("vmsig.submit.address", "address", base.DEC)
fields.frame_submit_80 = ProtoField.uint64("vmsig.submit.root", "root", base.DEC)
fields.frame_submit_88 = ProtoField.uint64("vmsig.submit.value", "value", base.DEC)
fields.frame_submit_96 = ProtoField.uint64("vmsig.submit.expected", "expected", base.DEC)
fields.frame_cancel_0 = ProtoField.uint32("vmsig.cancel.request", "request", base.DEC)
fields.frame_cancel_4 = ProtoField.bytes("vmsig.cancel.reserved", "reserved")
fields.frame_cancel_8 = ProtoField.uint64("vmsig.cancel.correlation", "correlation", base.DEC)
fields.frame_acquire_0 = ProtoField.uint32("vmsig.acquire.request", "request", base.DEC)
fields.frame_acquire_4 = ProtoField.uint8("vmsig.acquire.class", "class", base.DEC, words.lease_class)
fields.frame_acquire_5 = ProtoField.uint8("vmsig.acquire.wait", "wait", base.DEC)
fields.frame_acquire_6 = ProtoField.bytes("vmsig.acquire.reserved", "reserved")
fields.frame_acquire_8 = ProtoField.uint64("vmsig.acquire.endpoint", "endpoint", base.DEC)
fields.frame_acquire_16 = ProtoField.int64("vmsig.acquire.wait_for", "wait_for", base.DEC)
fields.frame_acquire_24 = ProtoField.int64("vmsig.acquire.time_to_live", "time_to_live", base.DEC)
fields.frame_acquire_32 = ProtoField.stringz("vmsig.acquire.reason", "reason")
fields.frame_release_0 = ProtoField.uint32("vmsig.release.request", "request", base.DEC)
fields.frame_release_4 = ProtoField.uint8("vmsig.release.class", "class", base.DEC, words.lease_class)
fields.frame_release_5 = ProtoField.bytes("vmsig.release.reserved", "reserved")
fields.frame_release_8 = ProtoField.uint64("vmsig.release.endpoint", "endpoint", base.DEC)
fields.frame_release_16 = ProtoField.uint64("vmsig.release.serial", "serial", base.DEC)
fields.frame_release_24 = ProtoField.int64("vmsig.release.time_to_live", "time_to_live", base.DEC)
fields.frame_renew_0 = ProtoField.uint32("vmsig.renew.request", "request", base.DEC)
fields.frame_renew_4 = ProtoField.uint8("vmsig.renew.class", "class", base.DEC, words.lease_class)
fields.frame_renew_5 = ProtoField.bytes("vmsig.renew.reserved", "reserved")
fields.frame_renew_8 = ProtoField.uint64("vmsig.renew.endpoint", "endpoint", base.DEC)
fields.frame_renew_16 = ProtoField.uint64("vmsig.renew.serial", "serial", base.DEC)
fields.frame_renew_24 = ProtoField.int64("vmsig.renew.time_to_live", "time_to_live", base.DEC)
fields.frame_withdraw_0 = ProtoField.uint32("vmsig.withdraw.request", "request", base.DEC)
fields.frame_withdraw_4 = ProtoField.bytes("vmsig.withdraw.reserved", "reserved")
fields.frame_withdraw_8 = ProtoField.uint64("vmsig.withdraw.wait", "wait", base.DEC)
fields.frame_status_0 = ProtoField.uint32("vmsig.status.request", "request", base.DEC)
fields.frame_status_4 = ProtoField.uint8("vmsig.status.class", "class", base.DEC, words.lease_class)
fields.frame_status_5 = ProtoField.bytes("vmsig.status.reserved", "reserved")
fields.frame_status_8 = ProtoField.uint64("vmsig.status.endpoint", "endpoint", base.DEC)
fields.frame_status_16 = ProtoField.uint64("vmsig.status.serial", "serial", base.DEC)
fields.frame_status_24 = ProtoField.int64("vmsig.status.time_to_live", "time_to_live", base.DEC)
fields.frame_force_release_0 = ProtoField.uint32("vmsig.force_release.request", "request", base.DEC)
fields.frame_force_release_4 = ProtoField.uint8("vmsig.force_release.class", "class", base.DEC, words.lease_class)
fields.frame_force_release_5 = ProtoField.bytes("vmsig.force_release.reserved", "reserved")
fields.frame_force_release_8 = ProtoField.uint64("vmsig.force_release.endpoint", "endpoint", base.DEC)
fields.frame_force_release_16 = ProtoField.uint64("vmsig.force_release.serial", "serial", base.DEC)
fields.frame_force_release_24 = ProtoField.int64("vmsig.force_release.time_to_live", "time_to_live", base.DEC)
fields.frame_read_audit_0 = ProtoField.uint32("vmsig.read_audit.request", "request", base.DEC)
fields.frame_read_audit_4 = ProtoField.uint32("vmsig.read_audit.number", "number", base.DEC)
fields.frame_read_audit_8 = ProtoField.uint64("vmsig.read_audit.endpoint", "endpoint", base.DEC)
fields.frame_statistics_0 = ProtoField.uint32("vmsig.statistics.request", "request", base.DEC)
fields.frame_statistics_4 = ProtoField.uint32("vmsig.statistics.number", "number", base.DEC)
fields.frame_statistics_8 = ProtoField.uint64("vmsig.statistics.endpoint", "endpoint", base.DEC)
fields.frame_subscribe_0 = ProtoField.uint32("vmsig.subscribe.request", "request", base.DEC)
fields.frame_subscribe_4 = ProtoField.uint8("vmsig.subscribe.every", "every", base.DEC)
fields.frame_subscribe_5 = ProtoField.bytes("vmsig.subscribe.reserved", "reserved")
fields.frame_subscribe_8 = ProtoField.uint64("vmsig.subscribe.sources", "sources", base.DEC)
fields.frame_may_0 = ProtoField.uint32("vmsig.may.request", "request", base.DEC)
fields.frame_may_4 = ProtoField.uint32("vmsig.may.number", "number", base.DEC)
fields.frame_may_8 = ProtoField.uint64("vmsig.may.endpoint", "endpoint", base.DEC)
fields.frame_take_memctx_0 = ProtoField.uint32("vmsig.take_memctx.request", "request", base.DEC)
fields.frame_take_memctx_4 = ProtoField.uint32("vmsig.take_memctx.number", "number", base.DEC)
fields.frame_take_memctx_8 = ProtoField.uint64("vmsig.take_memctx.endpoint", "endpoint", base.DEC)
fields.frame_refresh_0 = ProtoField.uint32("vmsig.refresh.request", "request", base.DEC)
fields.frame_refresh_4 = ProtoField.uint32("vmsig.refresh.number", "number", base.DEC)
fields.frame_refresh_8 = ProtoField.uint64("vmsig.refresh.endpoint", "endpoint", base.DEC)
fields.frame_find_0 = ProtoField.uint32("vmsig.find.request", "request", base.DEC)
fields.frame_find_4 = ProtoField.bytes("vmsig.find.reserved", "reserved")
fields.frame_find_8 = ProtoField.stringz("vmsig.find.name", "name")
fields.frame_welcome_0 = ProtoField.uint16("vmsig.welcome.version", "version", base.DEC)
fields.frame_welcome_2 = ProtoField.bytes("vmsig.welcome.reserved", "reserved")
fields.frame_welcome_4 = ProtoField.uint32("vmsig.welcome.window", "window", base.DEC)
fields.frame_welcome_8 = ProtoField.uint64("vmsig.welcome.features", "features", base.DEC)
fields.frame_welcome_16 = ProtoField.uint64("vmsig.welcome.origin", "origin", base.DEC)
fields.frame_rejected_0 = ProtoField.uint8("vmsig.rejected.why", "why", base.DEC, words.farewell)
fields.frame_rejected_1 = ProtoField.bytes("vmsig.rejected.reserved", "reserved")
fields.frame_rejected_4 = ProtoField.uint16("vmsig.rejected.oldest", "oldest", base.DEC)
fields.frame_rejected_6 = ProtoField.uint16("vmsig.rejected.newest", "newest", base.DEC)
fields.frame_endpoint_named_0 = ProtoField.uint64("vmsig.endpoint_named.endpoint", "endpoint", base.DEC)
fields.frame_endpoint_named_8 = ProtoField.stringz("vmsig.endpoint_named.name", "name")
fields.frame_kind_named_0 = ProtoField.uint16("vmsig.kind_named.kind", "kind", base.DEC)
fields.frame_kind_named_2 = ProtoField.bytes("vmsig.kind_named.reserved", "reserved")
fields.frame_kind_named_8 = ProtoField.stringz("vmsig.kind_named.name", "name")
fields.frame_event_0 = ProtoField.uint16("vmsig.event.kind", "kind", base.DEC)
fields.frame_event_2 = ProtoField.uint8("vmsig.event.source", "source", base.DEC)
fields.frame_event_3 = ProtoField.uint8("vmsig.event.lane", "lane", base.DEC, words.lane)
fields.frame_event_4 = ProtoField.uint32("vmsig.event.payload_size", "payload_size", base.DEC)
fields.frame_event_8 = ProtoField.uint64("vmsig.event.endpoint", "endpoint", base.DEC)
fields.frame_event_16 = ProtoField.uint64("vmsig.event.epoch", "epoch", base.DEC)
fields.frame_event_24 = ProtoField.uint64("vmsig.event.sequence", "sequence", base.DEC)
fields.frame_event_32 = ProtoField.uint64("vmsig.event.origin", "origin", base.DEC)
fields.frame_event_40 = ProtoField.uint64("vmsig.event.correlation", "correlation", base.DEC)
fields.frame_event_48 = ProtoField.int64("vmsig.event.timestamp", "timestamp", base.DEC)
fields.frame_event_56 = ProtoField.int64("vmsig.event.deadline", "deadline", base.DEC)
fields.frame_ping_0 = ProtoField.uint64("vmsig.ping.token", "token", base.DEC)
fields.frame_goodbye_0 = ProtoField.uint8("vmsig.goodbye.why", "why", base.DEC, words.farewell)
fields.frame_goodbye_1 = ProtoField.bytes("vmsig.goodbye.reserved", "reserved")
fields.frame_answer_0 = ProtoField.uint32("vmsig.answer.request", "request", base.DEC)
fields.frame_answer_4 = ProtoField.uint8("vmsig.answer.why", "why", base.DEC, words.refusal)
fields.frame_answer_5 = ProtoField.bytes("vmsig.answer.reserved", "reserved")
fields.frame_submitted_0 = ProtoField.uint32("vmsig.submitted.request", "request", base.DEC)
fields.frame_submitted_4 = ProtoField.uint8("vmsig.submitted.why", "why", base.DEC, words.refusal)
fields.frame_submitted_5 = ProtoField.bytes("vmsig.submitted.reserved", "reserved")
fields.frame_submitted_8 = ProtoField.uint64("vmsig.submitted.correlation", "correlation", base.DEC)
fields.frame_cancelled_0 = ProtoField.uint32("vmsig.cancelled.request", "request", base.DEC)
fields.frame_cancelled_4 = ProtoField.uint8("vmsig.cancelled.result", "result", base.DEC, words.cancel_result)
fields.frame_cancelled_5 = ProtoField.bytes("vmsig.cancelled.reserved", "reserved")
fields.frame_acquired_0 = ProtoField.uint32("vmsig.acquired.request", "request", base.DEC)
fields.frame_acquired_4 = ProtoField.uint8("vmsig.acquired.what", "what", base.DEC, words.acquire_status)
fields.frame_acquired_5 = ProtoField.uint8("vmsig.acquired.why", "why", base.DEC, words.refusal)
fields.frame_acquired_6 = ProtoField.bytes("vmsig.acquired.reserved", "reserved")
fields.frame_acquired_8 = ProtoField.uint64("vmsig.acquired.serial", "serial", base.DEC)
fields.frame_acquired_16 = ProtoField.uint64("vmsig.acquired.wait", "wait", base.DEC)
fields.frame_acquired_24 = ProtoField.uint64("vmsig.acquired.holder", "holder", base.DEC)
fields.frame_acquired_32 = ProtoField.int64("vmsig.acquired.since", "since", base.DEC)
fields.frame_lease_state_0 = ProtoField.uint32("vmsig.lease_state.request", "request", base.DEC)
fields.frame_lease_state_4 = ProtoField.uint8("vmsig.lease_state.why", "why", base.DEC, words.refusal)
fields.frame_lease_state_5 = ProtoField.uint8("vmsig.lease_state.waiters", "waiters", base.DEC)
fields.frame_lease_state_6 = ProtoField.bytes("vmsig.lease_state.reserved", "reserved")
fields.frame_lease_state_8 = ProtoField.uint32("vmsig.lease_state.rank", "rank", base.DEC)
fields.frame_lease_state_12 = ProtoField.bytes("vmsig.lease_state.reserved", "reserved")
fields.frame_lease_state_16 = ProtoField.uint64("vmsig.lease_state.holder", "holder", base.DEC)
fields.frame_lease_state_24 = ProtoField.uint64("vmsig.lease_state.serial", "serial", base.DEC)
fields.frame_lease_state_32 = ProtoField.int64("vmsig.lease_state.since", "since", base.DEC)
fields.frame_lease_state_40 = ProtoField.int64("vmsig.lease_state.expires", "expires", base.DEC)
fields.frame_lease_state_48 = ProtoField.stringz("vmsig.lease_state.reason", "reason")
fields.frame_audit_entry_0 = ProtoField.uint32("vmsig.audit_entry.request", "request", base.DEC)
fields.frame_audit_entry_4 = ProtoField.uint32("vmsig.audit_entry.detail", "detail", base.DEC)
fields.frame_audit_entry_8 = ProtoField.uint8("vmsig.audit_entry.what", "what", base.DEC, words.decision)
fields.frame_audit_entry_9 = ProtoField.uint8("vmsig.audit_entry.verdict", "verdict", base.DEC)
fields.frame_audit_entry_10 = ProtoField.uint8("vmsig.audit_entry.subject", "subject", base.DEC)
fields.frame_audit_entry_11 = ProtoField.uint8("vmsig.audit_entry.flags", "flags", base.DEC)
fields.frame_audit_entry_12 = ProtoField.bytes("vmsig.audit_entry.reserved", "reserved")
fields.frame_audit_entry_16 = ProtoField.uint64("vmsig.audit_entry.number", "number", base.DEC)
fields.frame_audit_entry_24 = ProtoField.int64("vmsig.audit_entry.time", "time", base.DEC)
fields.frame_audit_entry_32 = ProtoField.uint64("vmsig.audit_entry.origin", "origin", base.DEC)
fields.frame_audit_entry_40 = ProtoField.uint64("vmsig.audit_entry.endpoint", "endpoint", base.DEC)
fields.frame_audit_entry_48 = ProtoField.uint64("vmsig.audit_entry.epoch", "epoch", base.DEC)
fields.frame_audit_entry_56 = ProtoField.uint64("vmsig.audit_entry.serial", "serial", base.DEC)
fields.frame_audit_entry_64 = ProtoField.uint64("vmsig.audit_entry.correlation", "correlation", base.DEC)
fields.frame_audit_read_0 = ProtoField.uint32("vmsig.audit_read.request", "request", base.DEC)
fields.frame_audit_read_4 = ProtoField.uint8("vmsig.audit_read.why", "why", base.DEC, words.refusal)
fields.frame_audit_read_5 = ProtoField.bytes("vmsig.audit_read.reserved", "reserved")
fields.frame_audit_read_8 = ProtoField.uint32("vmsig.audit_read.count", "count", base.DEC)
fields.frame_audit_read_12 = ProtoField.bytes("vmsig.audit_read.reserved", "reserved")
fields.frame_statistics_read_0 = ProtoField.uint32("vmsig.statistics_read.request", "request", base.DEC)
fields.frame_statistics_read_4 = ProtoField.uint8("vmsig.statistics_read.why", "why", base.DEC, words.refusal)
fields.frame_statistics_read_5 = ProtoField.bytes("vmsig.statistics_read.reserved", "reserved")
fields.frame_statistics_read_8 = ProtoField.uint64("vmsig.statistics_read.epoch", "epoch", base.DEC)
fields.frame_statistics_read_16 = ProtoField.uint64("vmsig.statistics_read.events", "events", base.DEC)
fields.frame_statistics_read_24 = ProtoField.uint64("vmsig.statistics_read.commands", "commands", base.DEC)
fields.frame_statistics_read_32 = ProtoField.uint64("vmsig.statistics_read.lost_events", "lost_events", base.DEC)
fields.frame_statistics_read_40 = ProtoField.uint64("vmsig.statistics_read.dropped_publications", "dropped_publications", base.DEC)
fields.frame_memctx_0 = ProtoField.uint32("vmsig.memctx.request", "request", base.DEC)
fields.frame_memctx_4 = ProtoField.uint8("vmsig.memctx.why", "why", base.DEC, words.refusal)
fields.frame_memctx_5 = ProtoField.uint8("vmsig.memctx.paging", "paging", base.DEC, words.paging_mode)
fields.frame_memctx_6 = ProtoField.uint8("vmsig.memctx.level", "level", base.DEC, words.export_level)
fields.frame_memctx_7 = ProtoField.uint8("vmsig.memctx.fds_included", "fds_included", base.DEC)
fields.frame_memctx_8 = ProtoField.uint64("vmsig.memctx.endpoint", "endpoint", base.DEC)
fields.frame_memctx_16 = ProtoField.uint64("vmsig.memctx.epoch", "epoch", base.DEC)
fields.frame_memctx_24 = ProtoField.uint64("vmsig.memctx.version", "version", base.DEC)
fields.frame_memctx_32 = ProtoField.uint16("vmsig.memctx.region_count", "region_count", base.DEC)
fields.frame_memctx_34 = ProtoField.uint16("vmsig.memctx.root_count", "root_count", base.DEC)
fields.frame_memctx_36 = ProtoField.uint16("vmsig.memctx.fd_count", "fd_count", base.DEC)
fields.frame_memctx_38 = ProtoField.bytes("vmsig.memctx.reserved", "reserved")
fields.frame_memctx_40 = ProtoField.uint32("vmsig.memctx.page_size", "page_size", base.DEC)
fields.frame_memctx_44 = ProtoField.bytes("vmsig.memctx.reserved", "reserved")
fields.frame_found_0 = ProtoField.uint32("vmsig.found.request", "request", base.DEC)
fields.frame_found_4 = ProtoField.uint8("vmsig.found.why", "why", base.DEC, words.refusal)
fields.frame_found_5 = ProtoField.bytes("vmsig.found.reserved", "reserved")
fields.frame_found_8 = ProtoField.uint64("vmsig.found.endpoint", "endpoint", base.DEC)
fields.payload_receipt_0 = ProtoField.uint8("vmsig.receipt.outcome", "outcome", base.DEC, words.outcome)
fields.payload_receipt_1 = ProtoField.uint8("vmsig.receipt.failure", "failure", base.DEC, words.failure)
fields.payload_receipt_2 = ProtoField.uint8("vmsig.receipt.verb", "verb", base.DEC, words.verb)
fields.payload_receipt_3 = ProtoField.uint8("vmsig.receipt.mode", "mode", base.DEC, words.write_mode)
fields.payload_receipt_4 = ProtoField.uint8("vmsig.receipt.begun", "begun", base.DEC)
fields.payload_receipt_5 = ProtoField.uint8("vmsig.receipt.state", "state", base.DEC, words.vm_state)
fields.payload_receipt_6 = ProtoField.int32("vmsig.receipt.error", "error", base.DEC)
fields.payload_receipt_10 = ProtoField.uint32("vmsig.receipt.bytes", "bytes", base.DEC)
fields.payload_receipt_14 = ProtoField.uint64("vmsig.receipt.value", "value", base.DEC)
fields.payload_gap_0 = ProtoField.uint8("vmsig.gap.lane", "lane", base.DEC, words.lane)
fields.payload_gap_1 = ProtoField.uint64("vmsig.gap.count", "count", base.DEC)
fields.payload_grant_changed_0 = ProtoField.uint32("vmsig.grant_changed.rights", "rights", base.DEC)
fields.payload_lifecycle_0 = ProtoField.uint8("vmsig.lifecycle.what", "what", base.DEC, words.transition)
fields.payload_lifecycle_1 = ProtoField.uint8("vmsig.lifecycle.cause", "cause", base.DEC, words.cause)
fields.payload_lifecycle_2 = ProtoField.uint8("vmsig.lifecycle.state", "state", base.DEC, words.vm_state)
fields.payload_lifecycle_3 = ProtoField.uint8("vmsig.lifecycle.replayed", "replayed", base.DEC)
fields.payload_epoch_changed_0 = ProtoField.uint8("vmsig.epoch_changed.what", "what", base.DEC, words.transition)
fields.payload_epoch_changed_1 = ProtoField.uint8("vmsig.epoch_changed.cause", "cause", base.DEC, words.cause)
fields.payload_epoch_changed_2 = ProtoField.uint32("vmsig.epoch_changed.count", "count", base.DEC)
fields.payload_memctx_published_0 = ProtoField.uint64("vmsig.memctx_published.version", "version", base.DEC)
fields.payload_memctx_invalidated_0 = ProtoField.uint64("vmsig.memctx_invalidated.last", "last", base.DEC)
fields.payload_memctx_unavailable_0 = ProtoField.int32("vmsig.memctx_unavailable.error", "error", base.DEC)
fields.payload_memory_written_0 = ProtoField.uint64("vmsig.memory_written.address", "address", base.DEC)
fields.payload_memory_written_8 = ProtoField.uint64("vmsig.memory_written.root", "root", base.DEC)
fields.payload_memory_written_16 = ProtoField.uint32("vmsig.memory_written.length", "length", base.DEC)
fields.payload_memory_written_20 = ProtoField.uint8("vmsig.memory_written.mode", "mode", base.DEC, words.write_mode)
fields.payload_lease_granted_0 = ProtoField.uint64("vmsig.lease_granted.serial", "serial", base.DEC)
fields.payload_lease_granted_8 = ProtoField.uint8("vmsig.lease_granted.class", "class", base.DEC, words.lease_class)
fields.payload_lease_granted_9 = ProtoField.uint64("vmsig.lease_granted.wait", "wait", base.DEC)
fields.payload_lease_lost_0 = ProtoField.uint64("vmsig.lease_lost.serial", "serial", base.DEC)
fields.payload_lease_lost_8 = ProtoField.uint8("vmsig.lease_lost.class", "class", base.DEC, words.lease_class)
fields.payload_lease_lost_9 = ProtoField.uint8("vmsig.lease_lost.why", "why", base.DEC, words.lease_end)
fields.payload_lease_asked_0 = ProtoField.uint64("vmsig.lease_asked.serial", "serial", base.DEC)
fields.payload_lease_asked_8 = ProtoField.uint8("vmsig.lease_asked.class", "class", base.DEC, words.lease_class)
fields.payload_lease_asked_9 = ProtoField.uint32("vmsig.lease_asked.challenger_rank", "challenger_rank", base.DEC)
fields.payload_lease_wait_ended_0 = ProtoField.uint64("vmsig.lease_wait_ended.wait", "wait", base.DEC)
fields.payload_lease_wait_ended_8 = ProtoField.uint8("vmsig.lease_wait_ended.class", "class", base.DEC, words.lease_class)
fields.payload_lease_wait_ended_9 = ProtoField.uint8("vmsig.lease_wait_ended.why", "why", base.DEC, words.lease_end)
fields.payload_lease_changed_0 = ProtoField.uint64("vmsig.lease_changed.serial", "serial", base.DEC)
fields.payload_lease_changed_8 = ProtoField.uint8("vmsig.lease_changed.class", "class", base.DEC, words.lease_class)
fields.payload_lease_changed_9 = ProtoField.uint8("vmsig.lease_changed.why", "why", base.DEC, words.lease_end)
fields.payload_lease_changed_10 = ProtoField.uint8("vmsig.lease_changed.replayed", "replayed", base.DEC)
fields.payload_lease_changed_11 = ProtoField.uint32("vmsig.lease_changed.count", "count", base.DEC)
fields.payload_lease_changed_15 = ProtoField.uint64("vmsig.lease_changed.holder", "holder", base.DEC)
fields.payload_lease_changed_23 = ProtoField.int64("vmsig.lease_changed.since", "since", base.DEC)
fields.payload_leds_changed_0 = ProtoField.uint32("vmsig.leds_changed.lit", "lit", base.DEC)
fields.payload_console_output_0 = ProtoField.uint8("vmsig.console_output.size", "size", base.DEC)
fields.payload_console_output_1 = ProtoField.stringz("vmsig.console_output.text", "text")
fields.payload_adapter_attached_0 = ProtoField.uint64("vmsig.adapter_attached.adapter", "adapter", base.DEC)
fields.payload_adapter_attached_8 = ProtoField.uint32("vmsig.adapter_attached.roles", "roles", base.DEC)
fields.payload_adapter_attached_12 = ProtoField.uint8("vmsig.adapter_attached.fault", "fault", base.DEC)
fields.payload_adapter_detached_0 = ProtoField.uint64("vmsig.adapter_detached.adapter", "adapter", base.DEC)
fields.payload_adapter_detached_8 = ProtoField.uint32("vmsig.adapter_detached.roles", "roles", base.DEC)
fields.payload_adapter_detached_12 = ProtoField.uint8("vmsig.adapter_detached.fault", "fault", base.DEC)
local frames, payloads = {}, {}
frames[1] = {name = "hello", bytes = 88, {{fields.frame_hello_0, 0, 8}, {fields.frame_hello_8, 8, 4}, {fields.frame_hello_12, 12, 2}, {fields.frame_hello_14, 14, 2}, {fields.frame_hello_16, 16, 8}, {fields.frame_hello_24, 24, 64}, }}
frames[2] = {name = "acknowledge", bytes = 16, {{fields.frame_acknowledge_0, 0, 8}, {fields.frame_acknowledge_8, 8, 8}, }}
frames[3] = {name = "bye", bytes = 0, {}}
frames[4] = {name = "pong", bytes = 8, {{fields.frame_pong_0, 0, 8}, }}
frames[16] = {name = "submit", bytes = 104, {{fields.frame_submit_0, 0, 4}, {fields.frame_submit_4, 4, 1}, {fields.frame_submit_5, 5, 1}, {fields.frame_submit_6, 6, 1}, {fields.frame_submit_7, 7, 1}, {fields.frame_submit_8, 8, 4}, {fields.frame_submit_12, 12, 4}, {fields.frame_submit_16, 16, 8}, {fields.frame_submit_24, 24, 8}, {fields.frame_submit_32, 32, 8}, {fields.frame_submit_40, 40, 8}, {fields.frame_submit_48, 48, 8}, {fields.frame_submit_56, 56, 8}, {fields.frame_submit_64, 64, 8}, {fields.frame_submit_72, 72, 8}, {fields.frame_submit_80, 80, 8}, {fields.frame_submit_88, 88, 8}, {fields.frame_submit_96, 96, 8}, }}
frames[17] = {name = "cancel", bytes = 16, {{fields.frame_cancel_0, 0, 4}, {fields.frame_cancel_4, 4, 4}, {fields.frame_cancel_8, 8, 8}, }}
frames[18] = {name = "acquire", bytes = 80, {{fields.frame_acquire_0, 0, 4}, {fields.frame_acquire_4, 4, 1}, {fields.frame_acquire_5, 5, 1}, {fields.frame_acquire_6, 6, 2}, {fields.frame_acquire_8, 8, 8}, {fields.frame_acquire_16, 16, 8}, {fields.frame_acquire_24, 24, 8}, {fields.frame_acquire_32, 32, 48}, }}
frames[19] = {name = "release", bytes = 32, {{fields.frame_release_0, 0, 4}, {fields.frame_release_4, 4, 1}, {fields.frame_release_5, 5, 3}, {fields.frame_release_8, 8, 8}, {fields.frame_release_16, 16, 8}, {fields.frame_release_24, 24, 8}, }}
frames[20] = {name = "renew", bytes = 32, {{fields.frame_renew_0, 0, 4}, {fields.frame_renew_4, 4, 1}, {fields.frame_renew_5, 5, 3}, {fields.frame_renew_8, 8, 8}, {fields.frame_renew_16, 16, 8}, {fields.frame_renew_24, 24, 8}, }}
frames[21] = {name = "withdraw", bytes = 16, {{fields.frame_withdraw_0, 0, 4}, {fields.frame_withdraw_4, 4, 4}, {fields.frame_withdraw_8, 8, 8}, }}
frames[22] = {name = "status", bytes = 32, {{fields.frame_status_0, 0, 4}, {fields.frame_status_4, 4, 1}, {fields.frame_status_5, 5, 3}, {fields.frame_status_8, 8, 8}, {fields.frame_status_16, 16, 8}, {fields.frame_status_24, 24, 8}, }}
frames[23] = {name = "force_release", bytes = 32, {{fields.frame_force_release_0, 0, 4}, {fields.frame_force_release_4, 4, 1}, {fields.frame_force_release_5, 5, 3}, {fields.frame_force_release_8, 8, 8}, {fields.frame_force_release_16, 16, 8}, {fields.frame_force_release_24, 24, 8}, }}
frames[24] = {name = "read_audit", bytes = 16, {{fields.frame_read_audit_0, 0, 4}, {fields.frame_read_audit_4, 4, 4}, {fields.frame_read_audit_8, 8, 8}, }}
frames[25] = {name = "statistics", bytes = 16, {{fields.frame_statistics_0, 0, 4}, {fields.frame_statistics_4, 4, 4}, {fields.frame_statistics_8, 8, 8}, }}
frames[26] = {name = "subscribe", bytes = 16, {{fields.frame_subscribe_0, 0, 4}, {fields.frame_subscribe_4, 4, 1}, {fields.frame_subscribe_5, 5, 3}, {fields.frame_subscribe_8, 8, 8}, }}
frames[27] = {name = "may", bytes = 16, {{fields.frame_may_0, 0, 4}, {fields.frame_may_4, 4, 4}, {fields.frame_may_8, 8, 8}, }}
frames[28] = {name = "take_memctx", bytes = 16, {{fields.frame_take_memctx_0, 0, 4}, {fields.frame_take_memctx_4, 4, 4}, {fields.frame_take_memctx_8, 8, 8}, }}
frames[29] = {name = "refresh", bytes = 16, {{fields.frame_refresh_0, 0, 4}, {fields.frame_refresh_4, 4, 4}, {fields.frame_refresh_8, 8, 8}, }}
frames[30] = {name = "find", bytes = 72, {{fields.frame_find_0, 0, 4}, {fields.frame_find_4, 4, 4}, {fields.frame_find_8, 8, 64}, }}
frames[64] = {name = "welcome", bytes = 24, {{fields.frame_welcome_0, 0, 2}, {fields.frame_welcome_2, 2, 2}, {fields.frame_welcome_4, 4, 4}, {fields.frame_welcome_8, 8, 8}, {fields.frame_welcome_16, 16, 8}, }}
frames[65] = {name = "rejected", bytes = 8, {{fields.frame_rejected_0, 0, 1}, {fields.frame_rejected_1, 1, 3}, {fields.frame_rejected_4, 4, 2}, {fields.frame_rejected_6, 6, 2}, }}
frames[66] = {name = "endpoint_named", bytes = 72, {{fields.frame_endpoint_named_0, 0, 8}, {fields.frame_endpoint_named_8, 8, 64}, }}
frames[67] = {name = "kind_named", bytes = 72, {{fields.frame_kind_named_0, 0, 2}, {fields.frame_kind_named_2, 2, 6}, {fields.frame_kind_named_8, 8, 64}, }}
frames[68] = {name = "event", bytes = 64, {{fields.frame_event_0, 0, 2}, {fields.frame_event_2, 2, 1}, {fields.frame_event_3, 3, 1}, {fields.frame_event_4, 4, 4}, {fields.frame_event_8, 8, 8}, {fields.frame_event_16, 16, 8}, {fields.frame_event_24, 24, 8}, {fields.frame_event_32, 32, 8}, {fields.frame_event_40, 40, 8}, {fields.frame_event_48, 48, 8}, {fields.frame_event_56, 56, 8}, }}
frames[69] = {name = "ping", bytes = 8, {{fields.frame_ping_0, 0, 8}, }}
frames[70] = {name = "goodbye", bytes = 8, {{fields.frame_goodbye_0, 0, 1}, {fields.frame_goodbye_1, 1, 7}, }}
frames[80] = {name = "answer", bytes = 8, {{fields.frame_answer_0, 0, 4}, {fields.frame_answer_4, 4, 1}, {fields.frame_answer_5, 5, 3}, }}
frames[81] = {name = "submitted", bytes = 16, {{fields.frame_submitted_0, 0, 4}, {fields.frame_submitted_4, 4, 1}, {fields.frame_submitted_5, 5, 3}, {fields.frame_submitted_8, 8, 8}, }}
frames[82] = {name = "cancelled", bytes = 8, {{fields.frame_cancelled_0, 0, 4}, {fields.frame_cancelled_4, 4, 1}, {fields.frame_cancelled_5, 5, 3}, }}
frames[83] = {name = "acquired", bytes = 40, {{fields.frame_acquired_0, 0, 4}, {fields.frame_acquired_4, 4, 1}, {fields.frame_acquired_5, 5, 1}, {fields.frame_acquired_6, 6, 2}, {fields.frame_acquired_8, 8, 8}, {fields.frame_acquired_16, 16, 8}, {fields.frame_acquired_24, 24, 8}, {fields.frame_acquired_32, 32, 8}, }}
frames[84] = {name = "lease_state", bytes = 96, {{fields.frame_lease_state_0, 0, 4}, {fields.frame_lease_state_4, 4, 1}, {fields.frame_lease_state_5, 5, 1}, {fields.frame_lease_state_6, 6, 2}, {fields.frame_lease_state_8, 8, 4}, {fields.frame_lease_state_12, 12, 4}, {fields.frame_lease_state_16, 16, 8}, {fields.frame_lease_state_24, 24, 8}, {fields.frame_lease_state_32, 32, 8}, {fields.frame_lease_state_40, 40, 8}, {fields.frame_lease_state_48, 48, 48}, }}
frames[85] = {name = "audit_entry", bytes = 72, {{fields.frame_audit_entry_0, 0, 4}, {fields.frame_audit_entry_4, 4, 4}, {fields.frame_audit_entry_8, 8, 1}, {fields.frame_audit_entry_9, 9, 1}, {fields.frame_audit_entry_10, 10, 1}, {fields.frame_audit_entry_11, 11, 1}, {fields.frame_audit_entry_12, 12, 4}, {fields.frame_audit_entry_16, 16, 8}, {fields.frame_audit_entry_24, 24, 8}, {fields.frame_audit_entry_32, 32, 8}, {fields.frame_audit_entry_40, 40, 8}, {fields.frame_audit_entry_48, 48, 8}, {fields.frame_audit_entry_56, 56, 8}, {fields.frame_audit_entry_64, 64, 8}, }}
frames[86] = {name = "audit_read", bytes = 16, {{fields.frame_audit_read_0, 0, 4}, {fields.frame_audit_read_4, 4, 1}, {fields.frame_audit_read_5, 5, 3}, {fields.frame_audit_read_8, 8, 4}, {fields.frame_audit_read_12, 12, 4}, }}
frames[87] = {name = "statistics_read", bytes = 48, {{fields.frame_statistics_read_0, 0, 4}, {fields.frame_statistics_read_4, 4, 1}, {fields.frame_statistics_read_5, 5, 3}, {fields.frame_statistics_read_8, 8, 8}, {fields.frame_statistics_read_16, 16, 8}, {fields.frame_statistics_read_24, 24, 8}, {fields.frame_statistics_read_32, 32, 8}, {fields.frame_statistics_read_40, 40, 8}, }}
frames[88] = {name = "memctx", bytes = 48, {{fields.frame_memctx_0, 0, 4}, {fields.frame_memctx_4, 4, 1}, {fields.frame_memctx_5, 5, 1}, {fields.frame_memctx_6, 6, 1}, {fields.frame_memctx_7, 7, 1}, {fields.frame_memctx_8, 8, 8}, {fields.frame_memctx_16, 16, 8}, {fields.frame_memctx_24, 24, 8}, {fields.frame_memctx_32, 32, 2}, {fields.frame_memctx_34, 34, 2}, {fields.frame_memctx_36, 36, 2}, {fields.frame_memctx_38, 38, 2}, {fields.frame_memctx_40, 40, 4}, {fields.frame_memctx_44, 44, 4}, }}
frames[89] = {name = "found", bytes = 16, {{fields.frame_found_0, 0, 4}, {fields.frame_found_4, 4, 1}, {fields.frame_found_5, 5, 3}, {fields.frame_found_8, 8, 8}, }}
payloads[1] = {name = "receipt", bytes = 22, {{fields.payload_receipt_0, 0, 1}, {fields.payload_receipt_1, 1, 1}, {fields.payload_receipt_2, 2, 1}, {fields.payload_receipt_3, 3, 1}, {fields.payload_receipt_4, 4, 1}, {fields.payload_receipt_5, 5, 1}, {fields.payload_receipt_6, 6, 4}, {fields.payload_receipt_10, 10, 4}, {fields.payload_receipt_14, 14, 8}, }}
payloads[4] = {name = "gap", bytes = 9, {{fields.payload_gap_0, 0, 1}, {fields.payload_gap_1, 1, 8}, }}
payloads[5] = {name = "grant_changed", bytes = 4, {{fields.payload_grant_changed_0, 0, 4}, }}
payloads[7] = {name = "lifecycle", bytes = 4, {{fields.payload_lifecycle_0, 0, 1}, {fields.payload_lifecycle_1, 1, 1}, {fields.payload_lifecycle_2, 2, 1}, {fields.payload_lifecycle_3, 3, 1}, }}
payloads[8] = {name = "epoch_changed", bytes = 6, {{fields.payload_epoch_changed_0, 0, 1}, {fields.payload_epoch_changed_1, 1, 1}, {fields.payload_epoch_changed_2, 2, 4}, }}
payloads[9] = {name = "memctx_published", bytes = 8, {{fields.payload_memctx_published_0, 0, 8}, }}
payloads[10] = {name = "memctx_invalidated", bytes = 8, {{fields.payload_memctx_invalidated_0, 0, 8}, }}
payloads[11] = {name = "memctx_unavailable", bytes = 4, {{fields.payload_memctx_unavailable_0, 0, 4}, }}
payloads[12] = {name = "memory_written", bytes = 21, {{fields.payload_memory_written_0, 0, 8}, {fields.payload_memory_written_8, 8, 8}, {fields.payload_memory_written_16, 16, 4}, {fields.payload_memory_written_20, 20, 1}, }}
payloads[13] = {name = "lease_granted", bytes = 17, {{fields.payload_lease_granted_0, 0, 8}, {fields.payload_lease_granted_8, 8, 1}, {fields.payload_lease_granted_9, 9, 8}, }}
payloads[14] = {name = "lease_lost", bytes = 10, {{fields.payload_lease_lost_0, 0, 8}, {fields.payload_lease_lost_8, 8, 1}, {fields.payload_lease_lost_9, 9, 1}, }}
payloads[15] = {name = "lease_asked", bytes = 13, {{fields.payload_lease_asked_0, 0, 8}, {fields.payload_lease_asked_8, 8, 1}, {fields.payload_lease_asked_9, 9, 4}, }}
payloads[16] = {name = "lease_wait_ended", bytes = 10, {{fields.payload_lease_wait_ended_0, 0, 8}, {fields.payload_lease_wait_ended_8, 8, 1}, {fields.payload_lease_wait_ended_9, 9, 1}, }}
payloads[17] = {name = "lease_changed", bytes = 31, {{fields.payload_lease_changed_0, 0, 8}, {fields.payload_lease_changed_8, 8, 1}, {fields.payload_lease_changed_9, 9, 1}, {fields.payload_lease_changed_10, 10, 1}, {fields.payload_lease_changed_11, 11, 4}, {fields.payload_lease_changed_15, 15, 8}, {fields.payload_lease_changed_23, 23, 8}, }}
payloads[18] = {name = "leds_changed", bytes = 4, {{fields.payload_leds_changed_0, 0, 4}, }}
payloads[19] = {name = "console_output", bytes = 48, {{fields.payload_console_output_0, 0, 1}, {fields.payload_console_output_1, 1, 47}, }}
payloads[20] = {name = "adapter_attached", bytes = 13, {{fields.payload_adapter_attached_0, 0, 8}, {fields.payload_adapter_attached_8, 8, 4}, {fields.payload_adapter_attached_12, 12, 1}, }}
payloads[21] = {name = "adapter_detached", bytes = 13, {{fields.payload_adapter_detached_0, 0, 8}, {fields.payload_adapter_detached_8, 8, 4}, {fields.payload_adapter_detached_12, 12, 1}, }}

local function put_fields(tree, buffer, layout)
    for _, field in ipairs(layout[1]) do
        if buffer:len() >= field[2] + field[3] then
            tree:add_le(field[1], buffer(field[2], field[3]))
        end
    end
end

function vmsig.dissector(buffer, pinfo, tree)
    pinfo.cols.protocol = "vmsig"
    local at, names = 0, {}
    while buffer:len() - at >= 8 do
        local length, number = buffer(at, 4):le_uint(), buffer(at + 4, 2):le_uint()
        if length < 8 or length > buffer:len() - at then break end
        local frame = frames[number]
        local name = frame and frame.name or ("frame " .. number)
        local branch = tree:add(vmsig, buffer(at, length), name)
        names[#names + 1] = name
        if frame and length > 8 then
            local body = buffer(at + 8, length - 8)
            put_fields(branch, body, frame)
            if frame.name == "event" and body:len() > frame.bytes then
                local payload = payloads[body(0, 2):le_uint()]
                local bytes = body(frame.bytes)
                if payload then
                    put_fields(branch:add(vmsig, bytes, payload.name), bytes, payload)
                end
            end
        end
        at = at + length
    end
    pinfo.cols.info = table.concat(names, ", ")
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, vmsig)
