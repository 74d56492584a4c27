// layouts: what the bus's own values look like on the wire, field by field: event payloads, the
// memctx locator, audit records. The endpoint of a lease is not here: it is the event's own.
#pragma once

#include <vmsig/audit/record.hpp>
#include <vmsig/control/answers.hpp>
#include <vmsig/event/command.hpp>
#include <vmsig/event/payloads.hpp>
#include <vmsig/memctx/locator.hpp>
#include <vmsig/transport/codec.hpp>
#include <vmsig/transport/wire.hpp>

namespace vmsig::wire {

// Enums that travel, by their last enumerator.
template <>
inline constexpr kind last_of<kind> = static_cast<kind>(max_kinds - 1);
template <>
inline constexpr source last_of<source> = static_cast<source>(max_sources - 1);
template <>
inline constexpr lane last_of<lane> = lane::bulk;
template <>
inline constexpr verb last_of<verb> = verb::mem_read;
template <>
inline constexpr write_mode last_of<write_mode> = write_mode::best_effort;
template <>
inline constexpr lease_class last_of<lease_class> = lease_class::memwrite;
template <>
inline constexpr lease_end last_of<lease_end> = lease_end::exhausted;
template <>
inline constexpr refusal last_of<refusal> = refusal::audit_unavailable;
template <>
inline constexpr outcome last_of<outcome> = outcome::issuer_gone;
template <>
inline constexpr failure last_of<failure> = failure::io;
template <>
inline constexpr transition last_of<transition> = transition::memory_replaced;
template <>
inline constexpr cause last_of<cause> = cause::watchdog;
template <>
inline constexpr vm_state last_of<vm_state> = vm_state::crashed;
template <>
inline constexpr paging_mode last_of<paging_mode> = paging_mode::aarch64_4k;
template <>
inline constexpr export_level last_of<export_level> = export_level::sealed;
template <>
inline constexpr decision last_of<decision> = decision::lost;
template <>
inline constexpr cancel_result last_of<cancel_result> = cancel_result::gone;
template <>
inline constexpr acquire_result::status last_of<acquire_result::status> =
    acquire_result::status::refused;
template <>
inline constexpr farewell last_of<farewell> = farewell::by_request;

template <>
struct layout<lifecycle> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("what", &lifecycle::what, "transition");
        v("cause", &lifecycle::cause, "cause");
        v("state", &lifecycle::state, "vm_state, after it");
        v("replayed", &lifecycle::replayed, "1: retained state, not news");
    }
};
template <>
struct layout<epoch_changed> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("what", &epoch_changed::what, "transition");
        v("cause", &epoch_changed::cause, "cause");
        v("count", &epoch_changed::count, "epochs that this notice stands for");
    }
};
template <>
struct layout<memctx_published> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("version", &memctx_published::version, "rises within the epoch");
    }
};
template <>
struct layout<memctx_invalidated> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("last", &memctx_invalidated::last, "no memctx of this epoch or before is valid");
    }
};
template <>
struct layout<memctx_unavailable> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("error", &memctx_unavailable::error, "errno, or 0");
    }
};
template <>
struct layout<memory_written> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("address", &memory_written::address, "as in the command");
        v("root", &memory_written::root, "0: the address is physical");
        v("length", &memory_written::length, "bytes");
        v("mode", &memory_written::mode, "write_mode");
    }
};
template <>
struct layout<receipt> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("outcome", &receipt::outcome, "outcome");
        v("failure", &receipt::failure, "failure, of outcome failed");
        v("verb", &receipt::verb, "verb");
        v("mode", &receipt::mode, "write_mode");
        v("begun", &receipt::begun, "1: the adapter had taken it");
        v("state", &receipt::state, "vm_state, of status and power verbs");
        v("error", &receipt::error, "errno, with failure io");
        v("bytes", &receipt::bytes, "read or written");
        v("value", &receipt::value, "of a mismatch: what was there");
    }
};
template <>
struct layout<lease_granted> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("serial", &lease_granted::serial, "the fencing number");
        v("class", &lease_granted::lease_class, "lease_class");
        v("wait", &lease_granted::wait, "the wait that this ends, or 0");
    }
};
template <>
struct layout<lease_lost> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("serial", &lease_lost::serial, "of the lease that ended");
        v("class", &lease_lost::lease_class, "lease_class");
        v("why", &lease_lost::why, "lease_end");
    }
};
template <>
struct layout<lease_asked> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("serial", &lease_asked::serial, "of the lease that is asked for");
        v("class", &lease_asked::lease_class, "lease_class");
        v("challenger_rank", &lease_asked::challenger_rank, "rank of who asks");
    }
};
template <>
struct layout<lease_wait_ended> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("wait", &lease_wait_ended::wait, "the wait");
        v("class", &lease_wait_ended::lease_class, "lease_class");
        v("why", &lease_wait_ended::why, "lease_end");
    }
};
template <>
struct layout<lease_changed> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("serial", &lease_changed::serial, "of the lease that is held now, or was");
        v("class", &lease_changed::lease_class, "lease_class");
        v("why", &lease_changed::why, "lease_end of the former lease");
        v("replayed", &lease_changed::replayed, "1: retained state, not news");
        v("count", &lease_changed::count, "changes that this notice stands for");
        v("holder", &lease_changed::holder, "origin, or 0: free");
        v("since", &lease_changed::since, "CLOCK_MONOTONIC, ns");
    }
};
template <>
struct layout<grant_changed> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("rights", &grant_changed::rights, "bits of right, on the event's endpoint");
    }
};
template <>
struct layout<gap> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("lane", &gap::lane, "lane");
        v("count", &gap::count, "events lost");
    }
};
template <>
struct layout<leds_changed> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("lit", &leds_changed::lit, "bits of LED_*, linux/input-event-codes.h");
    }
};
/// What a guest prints may fill it to its last byte.
template <>
inline constexpr bool is_text<decltype(console_output::text)> = false;
template <>
struct layout<console_output> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("size", &console_output::size, "bytes of text");
        v("text", &console_output::text, "bytes of any kind; here no NUL need end them");
    }
};
template <class Change>
struct adapter_change_layout {
    template <class V>
    static constexpr void fields(V&& v) {
        v("adapter", &Change::adapter, "its id");
        v("roles", &Change::roles, "bits of role");
        v("fault", &Change::fault, "1: quarantined");
    }
};
template <>
struct layout<adapter_attached> : adapter_change_layout<adapter_attached> {};
template <>
struct layout<adapter_detached> : adapter_change_layout<adapter_detached> {};

template <>
struct layout<input_change> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("type", &input_change::type, "EV_KEY, EV_REL, EV_ABS");
        v("code", &input_change::code, "KEY_*, BTN_*, REL_*, ABS_*");
        v("value", &input_change::value, "1 down, 0 up; by how much; where to");
    }
};
template <>
struct layout<ram_region> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("start", &ram_region::start, "guest physical address");
        v("length", &ram_region::length, "bytes");
        v("offset", &ram_region::offset, "in the descriptor");
        v("fd_index", &ram_region::fd_index, "which descriptor");
        v("reserved", &ram_region::reserved, "0");
    }
};
template <>
struct layout<address_space_root> {
    template <class V>
    static constexpr void fields(V&& v) {
        v("root", &address_space_root::root, "CR3, or TTBR0");
        v("second_root", &address_space_root::second_root, "TTBR1, or 0");
        v("control", &address_space_root::control, "TCR_EL1, or 0");
        v("taken", &address_space_root::taken, "CLOCK_MONOTONIC, ns");
        v("vcpu", &address_space_root::vcpu, "its number");
        v("reserved", &address_space_root::reserved, "0");
    }
};

/// Every payload of the bus's own kinds, in the order of the kinds.
template <class... P>
struct payload_list {
    template <class F>
    static constexpr bool any(F&& f) {
        return (f.template operator()<P>() || ...);
    }
};
using core_payloads =
    payload_list<receipt, gap, grant_changed, lifecycle, epoch_changed, memctx_published,
                 memctx_invalidated, memctx_unavailable, memory_written, lease_granted, lease_lost,
                 lease_asked, lease_wait_ended, lease_changed, leds_changed, console_output,
                 adapter_attached, adapter_detached>;

} // namespace vmsig::wire
