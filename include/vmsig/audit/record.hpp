// audit_record: one decision as a fixed-size binary value: who, what, where, why. It has no room
// for text, memory contents or key codes.
//
//     audit_record::of(decision::command_refused).with(verb::reset).with(refusal::denied)
#pragma once

#include <cstdint>
#include <type_traits>

#include <vmsig/audit/decision.hpp>
#include <vmsig/base/counter.hpp>
#include <vmsig/base/ids.hpp>
#include <vmsig/base/time.hpp>
#include <vmsig/event/command.hpp>
#include <vmsig/event/lease.hpp>
#include <vmsig/event/outcome.hpp>
#include <vmsig/event/payloads.hpp>
#include <vmsig/event/right.hpp>

namespace vmsig {

/// Bits of `audit_record::flags`.
enum audit_flag : std::uint8_t {
    audit_begun = 1,        ///< the command had been taken out of its fence
    audit_by_host = 2,      ///< the host decided, not the control
    audit_weak_allowed = 4, ///< an export that only the host's explicit permission let through
};

struct audit_record {
    std::uint64_t number = 0; ///< without holes; given by the auditor
    instant time;             ///< of the turn
    origin_id origin;         ///< whom it concerns and who is charged; 0: no control
    endpoint_id endpoint;
    epoch_number epoch;
    serial_number serial;
    correlation_id correlation;
    decision what = decision::none;
    std::uint8_t verdict = 0; ///< of the enum that `traits_of(what)` names
    std::uint8_t subject = 0; ///< likewise
    std::uint8_t flags = 0;
    std::uint32_t detail = 0; ///< what `traits_of(what)` names; of a longer number the low bits

    static constexpr audit_record of(decision d) {
        audit_record r;
        r.what = d;
        return r;
    }
    constexpr audit_record& with(refusal r) { return decided(static_cast<std::uint8_t>(r)); }
    constexpr audit_record& with(outcome o) { return decided(static_cast<std::uint8_t>(o)); }
    constexpr audit_record& with(lease_end e) { return decided(static_cast<std::uint8_t>(e)); }
    constexpr audit_record& with(verb v) { return about(static_cast<std::uint8_t>(v)); }
    constexpr audit_record& with(lease_class c) { return about(static_cast<std::uint8_t>(c)); }
    constexpr audit_record& with(right r) { return about(static_cast<std::uint8_t>(r)); }
    constexpr audit_record& with(transition t) { return about(static_cast<std::uint8_t>(t)); }

    friend constexpr bool operator==(const audit_record&, const audit_record&) = default;

private:
    constexpr audit_record& decided(std::uint8_t v) { return verdict = v, *this; }
    constexpr audit_record& about(std::uint8_t s) { return subject = s, *this; }
};
static_assert(sizeof(audit_record) == 64 && std::is_trivially_copyable_v<audit_record> &&
              std::is_standard_layout_v<audit_record>);

} // namespace vmsig
