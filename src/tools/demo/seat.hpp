// seat: a participant where it acts: its verbs, and its way to wait. `Bus` is a `control_handle` in
// the host's process and a `client&` in another one; both have the same verbs, so that who plays a
// part need not know which it is.
#pragma once

#include <chrono>
#include <cstddef>

#include <vmsig/base/function_ref.hpp>
#include <vmsig/control/build.hpp>

#include "guest_window.hpp"
#include "narrator.hpp"
#include "participant.hpp"

namespace demo {

using vmsig::kind;
using vmsig::lease_class;
using vmsig::outcome;
using vmsig::refusal;
using vmsig::right;

/// How long anybody in the demo waits for anything.
inline constexpr std::chrono::seconds longest_wait{10};

/// Waiting, while what there is to hear is heard.
class patience {
public:
    /// False: not within `longest_wait`; not at all once the story has failed.
    virtual bool until(vmsig::function_ref<bool()> held) = 0;

protected:
    ~patience() = default;
};

template <class Bus>
class seat : public participant {
public:
    seat(std::string_view name, narrator& out, patience& waits)
        : participant{name}
        , out_{out}
        , waits_{waits} {}
    seat(std::string_view name, narrator& out, patience& waits, Bus b)
        : participant{name}
        , bus{b}
        , out_{out}
        , waits_{waits} {}

    void say(std::string_view what) { out_.say(name(), what); }
    bool check(bool held, std::string_view what) { return out_.check(held, name(), what); }
    bool until(vmsig::function_ref<bool()> held) { return waits_.until(held); }

    /// Whether the command was accepted and then done.
    bool done(const vmsig::submit_result& sent) {
        return sent && until([&] { return receipt_of(sent.id).has_value(); }) &&
               ended(sent.id, outcome::done);
    }
    bool heartbeat_moves(const guest_window& guest) {
        const auto first = guest.word(offsetof(vmsig_guest_state, heartbeat));
        return first && until([&] {
                   const auto now = guest.word(offsetof(vmsig_guest_state, heartbeat));
                   return now && *now > *first;
               });
    }

    Bus bus;

private:
    narrator& out_;
    patience& waits_;
};

} // namespace demo
