// replies: the frames in which the server answers a request, field by field. Each begins with the
// number of the request. With requests.hpp and stream.hpp the one source of the wire format.
#pragma once

#include <vmsig/transport/layouts.hpp>

namespace vmsig::wire {

// Field lists read like a table: one line a field.
// clang-format off

/// To release, renew, withdraw, force_release, subscribe, may and refresh.
struct answer {
    static constexpr frame_type type = frame_type::answer;
    std::uint32_t request = 0;
    refusal why = refusal::none;
    reserved<3> zero;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &answer::request, "");
        v("why", &answer::why, "refusal; none: done");
        v("reserved", &answer::zero, "0");
    }
};
struct submitted {
    static constexpr frame_type type = frame_type::submitted;
    std::uint32_t request = 0;
    refusal why = refusal::none;
    reserved<3> zero;
    correlation_id correlation;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &submitted::request, "");
        v("why", &submitted::why, "refusal; none: accepted, and one receipt follows");
        v("reserved", &submitted::zero, "0");
        v("correlation", &submitted::correlation, "names the command in its receipt");
    }
};
struct cancelled {
    static constexpr frame_type type = frame_type::cancelled;
    std::uint32_t request = 0;
    cancel_result result = cancel_result::gone;
    reserved<3> zero;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &cancelled::request, "");
        v("result", &cancelled::result, "cancel_result");
        v("reserved", &cancelled::zero, "0");
    }
};
struct acquired {
    static constexpr frame_type type = frame_type::acquired;
    std::uint32_t request = 0;
    acquire_result::status what = acquire_result::status::refused;
    refusal why = refusal::none;
    reserved<2> zero;
    serial_number serial;
    wait_id wait;
    origin_id holder;
    instant since;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &acquired::request, "");
        v("what", &acquired::what, "granted, waiting, refused");
        v("why", &acquired::why, "refusal");
        v("reserved", &acquired::zero, "0");
        v("serial", &acquired::serial, "of the lease, when granted");
        v("wait", &acquired::wait, "when waiting");
        v("holder", &acquired::holder, "when held, to those who may observe");
        v("since", &acquired::since, "the holder's, ns");
    }
};
struct lease_state {
    static constexpr frame_type type = frame_type::lease_state;
    std::uint32_t request = 0;
    refusal why = refusal::none;
    std::uint8_t waiters = 0;
    reserved<2> zero;
    std::uint32_t rank = 0;
    reserved<4> zero2;
    origin_id holder;
    serial_number serial;
    instant since, expires;
    text<reason_bytes> reason{};
    template <class V> static constexpr void fields(V&& v) {
        v("request", &lease_state::request, "");
        v("why", &lease_state::why, "refusal; none: the rest is valid");
        v("waiters", &lease_state::waiters, "how many");
        v("reserved", &lease_state::zero, "0");
        v("rank", &lease_state::rank, "the holder's");
        v("reserved", &lease_state::zero2, "0");
        v("holder", &lease_state::holder, "origin, or 0: free");
        v("serial", &lease_state::serial, "of the lease");
        v("since", &lease_state::since, "ns");
        v("expires", &lease_state::expires, "ns; the largest number: never");
        v("reason", &lease_state::reason, "as its holder gave it");
    }
};
struct audit_entry {
    static constexpr frame_type type = frame_type::audit_entry;
    std::uint32_t request = 0, detail = 0;
    decision what = decision::none;
    std::uint8_t verdict = 0, subject = 0, flags = 0;
    reserved<4> zero;
    std::uint64_t number = 0;
    instant time;
    origin_id origin;
    endpoint_id endpoint;
    epoch_number epoch;
    serial_number serial;
    correlation_id correlation;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &audit_entry::request, "");
        v("detail", &audit_entry::detail, "what the decision names");
        v("what", &audit_entry::what, "decision");
        v("verdict", &audit_entry::verdict, "of the enum that the decision names");
        v("subject", &audit_entry::subject, "of the enum that the decision names");
        v("flags", &audit_entry::flags, "1 begun, 2 by the host, 4 weak export allowed");
        v("reserved", &audit_entry::zero, "0");
        v("number", &audit_entry::number, "of the record, without holes in the log");
        v("time", &audit_entry::time, "ns");
        v("origin", &audit_entry::origin, "whom it concerns; 0: no control");
        v("endpoint", &audit_entry::endpoint, "handle");
        v("epoch", &audit_entry::epoch, "");
        v("serial", &audit_entry::serial, "");
        v("correlation", &audit_entry::correlation, "");
    }
};
struct audit_read {
    static constexpr frame_type type = frame_type::audit_read;
    std::uint32_t request = 0;
    refusal why = refusal::none;
    reserved<3> zero;
    std::uint32_t count = 0;
    reserved<4> zero2;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &audit_read::request, "");
        v("why", &audit_read::why, "refusal");
        v("reserved", &audit_read::zero, "0");
        v("count", &audit_read::count, "audit_entry frames that came before this one");
        v("reserved", &audit_read::zero2, "0");
    }
};
struct statistics_read {
    static constexpr frame_type type = frame_type::statistics_read;
    std::uint32_t request = 0;
    refusal why = refusal::none;
    reserved<3> zero;
    epoch_number epoch;
    std::uint64_t events = 0, commands = 0, lost_events = 0, dropped_publications = 0;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &statistics_read::request, "");
        v("why", &statistics_read::why, "refusal; none: the rest is valid");
        v("reserved", &statistics_read::zero, "0");
        v("epoch", &statistics_read::epoch, "");
        v("events", &statistics_read::events, "emitted by the endpoint's adapters");
        v("commands", &statistics_read::commands, "accepted");
        v("lost_events", &statistics_read::lost_events, "");
        v("dropped_publications", &statistics_read::dropped_publications, "of a memctx");
    }
};
/// With it travel its descriptors, if they are included.
struct memctx {
    static constexpr frame_type type = frame_type::memctx;
    static constexpr const char* tail =
        "regions {start u64, length u64, offset u64, fd_index u32, 0 u32}, then roots {root u64, "
        "second_root u64, control u64, taken i64, vcpu u32, 0 u32}";
    std::uint32_t request = 0;
    refusal why = refusal::none;
    paging_mode paging = paging_mode::none;
    export_level level = export_level::refused;
    bool fds_included = false;
    endpoint_id endpoint;
    epoch_number epoch;
    version_number version;
    std::uint16_t region_count = 0, root_count = 0, fd_count = 0;
    reserved<2> zero;
    std::uint32_t page_size = 0;
    reserved<4> zero2;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &memctx::request, "");
        v("why", &memctx::why, "refusal; none: the rest is valid");
        v("paging", &memctx::paging, "paging_mode");
        v("level", &memctx::level, "export_level");
        v("fds_included", &memctx::fds_included, "1: fd_count descriptors come with it");
        v("endpoint", &memctx::endpoint, "handle");
        v("epoch", &memctx::epoch, "");
        v("version", &memctx::version, "");
        v("region_count", &memctx::region_count, "in the tail");
        v("root_count", &memctx::root_count, "in the tail");
        v("fd_count", &memctx::fd_count, "descriptors that the regions speak of");
        v("reserved", &memctx::zero, "0");
        v("page_size", &memctx::page_size, "bytes, of the smallest page");
        v("reserved", &memctx::zero2, "0");
    }
};
struct found {
    static constexpr frame_type type = frame_type::found;
    std::uint32_t request = 0;
    refusal why = refusal::none;
    reserved<3> zero;
    endpoint_id endpoint;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &found::request, "");
        v("why", &found::why, "refusal");
        v("reserved", &found::zero, "0");
        v("endpoint", &found::endpoint, "handle");
    }
};

// clang-format on

} // namespace vmsig::wire
