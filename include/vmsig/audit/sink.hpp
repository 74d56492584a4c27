// audit_sink: where records go. Room is charged per share, one for each control and one for the
// host, so that whoever exhausts its own is refused alone.
//
// A sink never waits, allocates, throws or calls back into the bus. Fail-closed means: `reserve`
// says false when the share has no room, and what was reserved is never lost.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <vmsig/audit/record.hpp>
#include <vmsig/event/command.hpp>

namespace vmsig {

inline constexpr unsigned audit_control_shares = 64;
/// Pays for what no control caused.
inline constexpr unsigned audit_host_share = audit_control_shares;
inline constexpr unsigned audit_share_count = audit_control_shares + 1;

constexpr unsigned audit_share_of(origin_id o) {
    return o && o.slot() < audit_control_shares ? o.slot() : audit_host_share;
}

/// Where the room of a record comes from.
enum class audit_room : std::uint8_t {
    reserved, ///< set aside earlier by `reserve`, and used up by this
    free,     ///< whatever the share has left
};

/// `reserve` is all or nothing. `write` charges the share of the record's origin; false: no room,
/// the record is lost and nothing has changed.
template <class S>
concept audit_sink = requires(S& s, unsigned share, unsigned records, const audit_record& r) {
    { s.reserve(share, records) }
    noexcept->std::same_as<bool>;
    { s.refund(share, records) }
    noexcept->std::same_as<void>;
    { s.write(r, audit_room::free) }
    noexcept->std::same_as<bool>;
};

/// Optional: is told of the end of each turn in which, or since which, something was written, to
/// send what it gathers. True: something still waits, so it is told of the end of the next one too.
template <class S>
concept gathering_sink = audit_sink<S> && requires(S& s) {
    { s.end_turn() }
    noexcept->std::same_as<bool>;
};

/// Optional, and how a host asks for what records leave out: memory contents and key codes. It gets
/// the command that was admitted with its bulk bytes, and that of a read with the bytes that it
/// read, behind the record with the same correlation id. No sink of the library does this.
template <class S>
concept content_sink = audit_sink<S> &&
    requires(S& s, correlation_id id, const command& c, std::span<const std::byte> bytes) {
    { s.contents(id, c, bytes) }
    noexcept->std::same_as<void>;
};

/// Forgets everything. Always room.
struct null_sink {
    constexpr bool reserve(unsigned, unsigned) noexcept { return true; }
    constexpr void refund(unsigned, unsigned) noexcept {}
    constexpr bool write(const audit_record&, audit_room) noexcept { return true; }
};

/// Hands each record to `f(const audit_record&)`. Always room; a record that `f` throws on is lost.
template <std::invocable<const audit_record&> F>
class callback_sink {
public:
    constexpr explicit callback_sink(F f)
        : f_(static_cast<F&&>(f)) {}
    constexpr bool reserve(unsigned, unsigned) noexcept { return true; }
    constexpr void refund(unsigned, unsigned) noexcept {}
    constexpr bool write(const audit_record& r, audit_room) noexcept {
        try {
            f_(r);
            return true;
        } catch (...) {
            return false;
        }
    }

private:
    [[no_unique_address]] F f_;
};

} // namespace vmsig
