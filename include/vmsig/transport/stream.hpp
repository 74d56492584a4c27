// stream: the frames that travel from the server to a control unasked, field by field: who is let
// in, names, events. With requests.hpp and replies.hpp the one source of the wire format.
#pragma once

#include <vmsig/transport/layouts.hpp>

namespace vmsig::wire {

// Field lists read like a table: one line a field.
// clang-format off

struct welcome {
    static constexpr frame_type type = frame_type::welcome;
    std::uint16_t version = 0;
    reserved<2> zero;
    std::uint32_t window = event_window;
    std::uint64_t features = 0;
    origin_id origin;
    template <class V> static constexpr void fields(V&& v) {
        v("version", &welcome::version, "that both speak from now on");
        v("reserved", &welcome::zero, "0");
        v("window", &welcome::window, "event frames that may be unacknowledged");
        v("features", &welcome::features, "bits that both know; none is defined yet");
        v("origin", &welcome::origin, "who the control is, in events");
    }
};
struct rejected {
    static constexpr frame_type type = frame_type::rejected;
    farewell why = farewell::none;
    reserved<3> zero;
    std::uint16_t oldest = oldest_version, newest = newest_version;
    template <class V> static constexpr void fields(V&& v) {
        v("why", &rejected::why, "farewell");
        v("reserved", &rejected::zero, "0");
        v("oldest", &rejected::oldest, "version that the server understands");
        v("newest", &rejected::newest, "version that the server understands");
    }
};
struct endpoint_named {
    static constexpr frame_type type = frame_type::endpoint_named;
    endpoint_id endpoint;
    text<name_bytes> name{};
    template <class V> static constexpr void fields(V&& v) {
        v("endpoint", &endpoint_named::endpoint, "handle, valid until its endpoint_removed");
        v("name", &endpoint_named::name, "");
    }
};
struct kind_named {
    static constexpr frame_type type = frame_type::kind_named;
    vmsig::kind kind = kind::none;
    reserved<6> zero;
    text<name_bytes> name{};
    template <class V> static constexpr void fields(V&& v) {
        v("kind", &kind_named::kind, "number of a kind of the host's own");
        v("reserved", &kind_named::zero, "0");
        v("name", &kind_named::name, "");
    }
};
struct event_frame {
    static constexpr frame_type type = frame_type::event;
    static constexpr const char* tail =
        "the payload of its kind, then payload_size bytes beside it; of a kind of the host's own "
        "the payload is bytes";
    vmsig::kind kind = kind::none;
    vmsig::source source = source::lifecycle;
    vmsig::lane lane = lane::normal;
    std::uint32_t payload_size = 0;
    endpoint_id endpoint;
    epoch_number epoch;
    std::uint64_t sequence = 0;
    origin_id origin;
    correlation_id correlation;
    instant timestamp, deadline;
    template <class V> static constexpr void fields(V&& v) {
        v("kind", &event_frame::kind, "kind");
        v("source", &event_frame::source, "source");
        v("lane", &event_frame::lane, "lane");
        v("payload_size", &event_frame::payload_size, "bytes beside the payload");
        v("endpoint", &event_frame::endpoint, "handle");
        v("epoch", &event_frame::epoch, "of the endpoint, at emission");
        v("sequence", &event_frame::sequence, "per endpoint, without holes; 0: receipt or replay");
        v("origin", &event_frame::origin, "whose command caused it; 0: nobody's");
        v("correlation", &event_frame::correlation, "of that command");
        v("timestamp", &event_frame::timestamp, "CLOCK_MONOTONIC of the server, ns");
        v("deadline", &event_frame::deadline, "by which an answer is due; 0: none");
    }
};
struct ping {
    static constexpr frame_type type = frame_type::ping;
    std::uint64_t token = 0;
    template <class V> static constexpr void fields(V&& v) {
        v("token", &ping::token, "to be sent back");
    }
};
struct goodbye {
    static constexpr frame_type type = frame_type::goodbye;
    farewell why = farewell::none;
    reserved<7> zero;
    template <class V> static constexpr void fields(V&& v) {
        v("why", &goodbye::why, "farewell");
        v("reserved", &goodbye::zero, "0");
    }
};

// clang-format on

} // namespace vmsig::wire
