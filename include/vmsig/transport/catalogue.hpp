// catalogue: every frame by name, for what is made from the table: documentation, dissector,
// corpus. No program that speaks the protocol needs it.
#pragma once

#include <vmsig/transport/frame.hpp>
#include <vmsig/transport/replies.hpp>
#include <vmsig/transport/requests.hpp>
#include <vmsig/transport/stream.hpp>

namespace vmsig::wire {

/// Calls f.operator()<Frame>(name) for each type that a control sends.
template <class F>
void for_each_request(F&& f) {
    f.template operator()<hello>("hello");
    f.template operator()<acknowledge>("acknowledge");
    f.template operator()<bye>("bye");
    f.template operator()<pong>("pong");
    f.template operator()<submit>("submit");
    f.template operator()<cancel>("cancel");
    f.template operator()<acquire>("acquire");
    f.template operator()<release>("release");
    f.template operator()<renew>("renew");
    f.template operator()<withdraw>("withdraw");
    f.template operator()<status>("status");
    f.template operator()<force_release>("force_release");
    f.template operator()<read_audit>("read_audit");
    f.template operator()<statistics>("statistics");
    f.template operator()<subscribe>("subscribe");
    f.template operator()<may>("may");
    f.template operator()<take_memctx>("take_memctx");
    f.template operator()<refresh>("refresh");
    f.template operator()<find>("find");
}

/// And that the server sends.
template <class F>
void for_each_reply(F&& f) {
    f.template operator()<welcome>("welcome");
    f.template operator()<rejected>("rejected");
    f.template operator()<endpoint_named>("endpoint_named");
    f.template operator()<kind_named>("kind_named");
    f.template operator()<event_frame>("event");
    f.template operator()<ping>("ping");
    f.template operator()<goodbye>("goodbye");
    f.template operator()<answer>("answer");
    f.template operator()<submitted>("submitted");
    f.template operator()<cancelled>("cancelled");
    f.template operator()<acquired>("acquired");
    f.template operator()<lease_state>("lease_state");
    f.template operator()<audit_entry>("audit_entry");
    f.template operator()<audit_read>("audit_read");
    f.template operator()<statistics_read>("statistics_read");
    f.template operator()<memctx>("memctx");
    f.template operator()<found>("found");
}

} // namespace vmsig::wire
