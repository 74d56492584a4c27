// requests: the frames that travel from a control to the server, field by field. With replies.hpp
// and stream.hpp the one source of the wire format. `request` is a number of the control's own,
// which the answer repeats; handles of endpoints are the connection's own, as `endpoint_named` gave
// them.
#pragma once

#include <vmsig/transport/layouts.hpp>

namespace vmsig::wire {

// Field lists read like a table: one line a field.
// clang-format off

struct hello {
    static constexpr frame_type type = frame_type::hello;
    std::uint64_t magic = wire::magic;
    std::uint32_t byte_order = wire::byte_order;
    std::uint16_t oldest = oldest_version, newest = newest_version;
    std::uint64_t features = 0;
    text<name_bytes> name{};
    template <class V> static constexpr void fields(V&& v) {
        v("magic", &hello::magic, "0d 0a 00 76 6d 73 69 67");
        v("byte_order", &hello::byte_order, "01 02 03 04");
        v("oldest", &hello::oldest, "version that the control understands");
        v("newest", &hello::newest, "version that the control understands");
        v("features", &hello::features, "bits; none is defined yet");
        v("name", &hello::name, "what it calls itself; gives no right");
    }
};
struct acknowledge {
    static constexpr frame_type type = frame_type::acknowledge;
    std::uint64_t events = 0, memctxs = 0;
    template <class V> static constexpr void fields(V&& v) {
        v("events", &acknowledge::events, "event frames taken since the welcome");
        v("memctxs", &acknowledge::memctxs, "memctx frames with descriptors taken");
    }
};
struct bye {
    static constexpr frame_type type = frame_type::bye;
    template <class V> static constexpr void fields(V&&) {}
};
struct pong {
    static constexpr frame_type type = frame_type::pong;
    std::uint64_t token = 0;
    template <class V> static constexpr void fields(V&& v) {
        v("token", &pong::token, "of the ping");
    }
};

/// Bits of `submit::options`.
inline constexpr std::uint8_t deadline_relative = 1, not_before_relative = 2, fenced_by_epoch = 4,
                              compares = 8, all_submit_options = 15;

struct submit {
    static constexpr frame_type type = frame_type::submit;
    static constexpr const char* tail =
        "input: changes {type u16, code u16, value i32}; longer writes: the bytes, then, if it "
        "compares, the expected ones";
    std::uint32_t request = 0;
    vmsig::verb verb = verb::none;
    vmsig::lane lane = lane::normal;
    write_mode mode = write_mode::atomic;
    std::uint8_t options = 0;
    std::uint32_t region = 0, length = 0;
    endpoint_id endpoint;
    serial_number serial;
    epoch_number epoch;
    correlation_id after;
    instant deadline, not_before;
    duration hold;
    std::uint64_t address = 0, root = 0, value = 0, expected = 0;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &submit::request, "");
        v("verb", &submit::verb, "verb");
        v("lane", &submit::lane, "lane; the grant may lower it");
        v("mode", &submit::mode, "write_mode, of mem_write");
        v("options", &submit::options, "1 deadline counts from receipt, 2 so does not_before, "
                                       "4 power verb fenced by epoch, 8 compares");
        v("region", &submit::region, "what absolute coordinates refer to");
        v("length", &submit::length, "bytes to read or write");
        v("endpoint", &submit::endpoint, "handle");
        v("serial", &submit::serial, "of the lease that it acts under");
        v("epoch", &submit::epoch, "what the control acts upon");
        v("after", &submit::after, "begins when that command has completed; 0: none");
        v("deadline", &submit::deadline, "ns; never begun after it; 0: none");
        v("not_before", &submit::not_before, "ns; never begun before it; 0: none");
        v("hold", &submit::hold, "ns until what was pressed is released; 0: none");
        v("address", &submit::address, "of memory: physical, or virtual under root");
        v("root", &submit::root, "0: physical");
        v("value", &submit::value, "up to 8 bytes to write");
        v("expected", &submit::expected, "up to 8 bytes, when it compares");
    }
};
struct cancel {
    static constexpr frame_type type = frame_type::cancel;
    std::uint32_t request = 0;
    reserved<4> zero;
    correlation_id correlation;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &cancel::request, "");
        v("reserved", &cancel::zero, "0");
        v("correlation", &cancel::correlation, "the command");
    }
};
struct acquire {
    static constexpr frame_type type = frame_type::acquire;
    std::uint32_t request = 0;
    vmsig::lease_class lease_class = lease_class::input;
    bool wait = false;
    reserved<2> zero;
    endpoint_id endpoint;
    duration wait_for, time_to_live;
    text<reason_bytes> reason{};
    template <class V> static constexpr void fields(V&& v) {
        v("request", &acquire::request, "");
        v("class", &acquire::lease_class, "lease_class");
        v("wait", &acquire::wait, "1: queue up while somebody else may keep it");
        v("reserved", &acquire::zero, "0");
        v("endpoint", &acquire::endpoint, "handle");
        v("wait_for", &acquire::wait_for, "ns; 0: until withdrawn");
        v("time_to_live", &acquire::time_to_live, "ns; 0: it does not expire");
        v("reason", &acquire::reason, "shown to observers");
    }
};
/// release, force_release, status and renew speak of a lease.
template <frame_type Type>
struct about_lease {
    static constexpr frame_type type = Type;
    std::uint32_t request = 0;
    vmsig::lease_class lease_class = lease_class::input;
    reserved<3> zero;
    endpoint_id endpoint;
    serial_number serial;
    duration time_to_live;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &about_lease::request, "");
        v("class", &about_lease::lease_class, "lease_class");
        v("reserved", &about_lease::zero, "0");
        v("endpoint", &about_lease::endpoint, "handle");
        v("serial", &about_lease::serial, "of one's own lease; release and renew");
        v("time_to_live", &about_lease::time_to_live, "ns; renew");
    }
};
using release = about_lease<frame_type::release>;
using renew = about_lease<frame_type::renew>;
using status = about_lease<frame_type::status>;
using force_release = about_lease<frame_type::force_release>;

struct withdraw {
    static constexpr frame_type type = frame_type::withdraw;
    std::uint32_t request = 0;
    reserved<4> zero;
    wait_id wait;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &withdraw::request, "");
        v("reserved", &withdraw::zero, "0");
        v("wait", &withdraw::wait, "as answered");
    }
};
/// read_audit, statistics, may, take_memctx and refresh speak of an endpoint.
template <frame_type Type>
struct about_endpoint {
    static constexpr frame_type type = Type;
    std::uint32_t request = 0, number = 0;
    endpoint_id endpoint;
    template <class V> static constexpr void fields(V&& v) {
        v("request", &about_endpoint::request, "");
        v("number", &about_endpoint::number,
          "read_audit: records to look back; may: verb; take_memctx: 1 when the descriptors of the "
          "last one were lost on their way; else 0");
        v("endpoint", &about_endpoint::endpoint, "handle");
    }
};
using read_audit = about_endpoint<frame_type::read_audit>;
using statistics = about_endpoint<frame_type::statistics>;
using may = about_endpoint<frame_type::may>;
using take_memctx = about_endpoint<frame_type::take_memctx>;
using refresh = about_endpoint<frame_type::refresh>;

struct subscribe {
    static constexpr frame_type type = frame_type::subscribe;
    static constexpr const char* tail = "handles of the endpoints, 8 bytes each, unless it is all";
    std::uint32_t request = 0;
    bool every = true;
    reserved<3> zero;
    vmsig::sources sources = vmsig::sources::all();
    template <class V> static constexpr void fields(V&& v) {
        v("request", &subscribe::request, "");
        v("every", &subscribe::every, "1: all endpoints, those to come too");
        v("reserved", &subscribe::zero, "0");
        v("sources", &subscribe::sources, "bits of source");
    }
};
struct find {
    static constexpr frame_type type = frame_type::find;
    std::uint32_t request = 0;
    reserved<4> zero;
    text<name_bytes> name{};
    template <class V> static constexpr void fields(V&& v) {
        v("request", &find::request, "");
        v("reserved", &find::zero, "0");
        v("name", &find::name, "of an endpoint");
    }
};

// clang-format on

} // namespace vmsig::wire
