// control_port: a control as the rules of control_conformance.hpp drive it, wherever it lives. All
// that is asked of it is a value, and all that comes back is one stream of values, in which the
// answers stand among the events in the order in which they came. Hence the same rules run on a
// control in the loop's thread, in another thread, and behind a socket; what carries it implements
// three functions.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/control/answers.hpp>
#include <vmsig/event/command.hpp>
#include <vmsig/event/event.hpp>
#include <vmsig/event/payloads.hpp>
#include <vmsig/grant/grant.hpp>
#include <vmsig/grant/subscription.hpp>

namespace vmsig::testing {

/// One call of `control_handle`, named as there. Only the fields of that call count.
struct control_request {
    enum class call : std::uint8_t {
        submit,    ///< what, bulk            -> why, id
        cancel,    ///< id                    -> cancelled
        acquire,   ///< at, lease_class, options (`reason` is static) -> acquired
        release,   ///< held                  -> why
        renew,     ///< held, time            -> why
        withdraw,  ///< wait                  -> why
        status,    ///< at, lease_class       -> why, view
        subscribe, ///< wanted                -> why
        may,       ///< verb, at              -> why
        memctx,    ///< at                    -> why, locator, fds
        refresh,   ///< at                    -> why
        find,      ///< name                  -> why, found
        detach,    ///< answered by `farewell` alone
    };

    call asks = call::may;
    command what;
    std::vector<std::byte> bulk;
    correlation_id id;
    endpoint_id at;
    vmsig::lease_class lease_class = lease_class::input;
    lease_options options;
    lease held;
    wait_id wait;
    duration time;
    subscription wanted;
    vmsig::verb verb = verb::none;
    std::string name;
};

/// What comes to a control: an event, the answer to a request, or the end.
struct control_message {
    enum class type : std::uint8_t { event, answer, farewell };

    type is = type::event;
    vmsig::event event;
    std::vector<std::byte> bytes; ///< of the event's pooled payload: a copy

    std::uint64_t number = 0; ///< of the request that this answers
    refusal why = refusal::none;
    correlation_id id;
    cancel_result cancelled = cancel_result::gone;
    acquire_result acquired;
    lease_view view;
    endpoint_id found;
    memctx_locator locator;
    std::vector<unique_fd> fds;
};

/// One control that is attached. Destroyed: it leaves.
class control_port {
public:
    virtual ~control_port() = default;
    /// Begins a request; numbers rise. After the farewell too, which is then answered `gone`.
    virtual void send(std::uint64_t number, const control_request& r) = 0;
    /// The next of what came, oldest first. False: nothing is there now.
    virtual bool receive(control_message& into) = 0;
    /// As the host knows it, for `set_grant` and `detach`.
    virtual origin_id origin() const = 0;
};

/// What brings controls to a core.
template <class C, class Core>
concept control_carrier = requires(C& c, Core& bus, const grant& g, const subscription& s,
                                   duration d) {
    { c.attach(bus, g, s) } -> std::same_as<std::unique_ptr<control_port>>;
    /// One turn of the loop, and of whatever is on the way. False: nothing is left to do.
    { c.turn(bus) } -> std::same_as<bool>;
    /// So much time passes, without a turn.
    { c.pass(bus, d) } -> std::same_as<void>;
};

} // namespace vmsig::testing
