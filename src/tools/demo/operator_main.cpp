// The operator's own process. It becomes another user first, waits for its cues, and plays its part
// on a seat whose verbs go over the socket; between cues it hears what the bus tells it. It ends
// when the host hangs up, or is no more.
#include <grp.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>

#include <vmsig/client/client.hpp>
#include <vmsig/transport/names.hpp>

#include "operator_part.hpp"
#include "operator_process.hpp"

namespace demo {
namespace {

constexpr uid_t nobody = 65534;

/// Root becomes nobody. Why it did not, if so.
std::string become_another_user() {
    if (::geteuid() != 0) return "only root can become another";
    if (::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0) return {};
    return fmt::format("may not become another: {}", std::strerror(errno));
}

std::string_view reason(const vmsig::client_error& e) {
    return e.why == vmsig::wire::farewell::none ? std::strerror(e.cause.code)
                                                : vmsig::wire::name_of(e.why);
}

/// All goes to the host.
class reporter final : public narrator {
public:
    explicit reporter(stage_link& host)
        : host_{host} {}
    void say(std::string_view, std::string_view what) override {
        host_.send(word::tag::said, what);
    }
    bool check(bool held, std::string_view, std::string_view what) override {
        failed_ = failed_ || !held;
        host_.send(held ? word::tag::held : word::tag::failed, what);
        return held;
    }
    bool failed() const override { return failed_; }

private:
    stage_link& host_;
    bool failed_ = false;
};

/// The operator once it has come to the bus.
class attached_operator final : public patience {
public:
    attached_operator(vmsig::client& bus, narrator& out)
        : seat_{"operator", out, *this, bus}
        , out_{out} {}

    void play(cue c) {
        part_.play(c);
        if (seat_.bus.connected()) return;
        out_.check(false, seat_.name(),
                   fmt::format("the connection is lost: {}", reason(seat_.bus.lost())));
    }
    /// What the bus has told it, and what it tells within this time.
    void hear(vmsig::duration at_most) {
        while (const vmsig::event* e = seat_.bus.next_event(at_most)) {
            seat_.hear(*e, seat_.bus.payload());
            at_most = {};
        }
    }
    bool until(vmsig::function_ref<bool()> held) override {
        const auto deadline = std::chrono::steady_clock::now() + longest_wait;
        while (!held()) {
            const bool late = std::chrono::steady_clock::now() > deadline;
            if (late || out_.failed() || !seat_.bus.connected()) return false;
            hear(vmsig::milliseconds(5));
        }
        return true;
    }

private:
    seat<vmsig::client&> seat_;
    operator_part<vmsig::client&> part_{seat_};
    narrator& out_;
};

/// From cue to cue.
class performance {
public:
    performance(stage_link& host, std::string socket)
        : host_{host}
        , out_{host}
        , socket_{std::move(socket)} {}

    /// True when everything held.
    bool run() {
        while (!host_.gone()) {
            pollfd p[2] = {{host_.fd(), POLLIN, 0}, {bus_ ? bus_->fd() : -1, POLLIN, 0}};
            (void)::poll(p, 2, -1);
            if (operator_) operator_->hear({});
            while (const auto said = host_.receive()) {
                if (said->what != word::tag::cue || said->text.size() != 1) continue;
                play(static_cast<cue>(said->text[0]));
                host_.send(word::tag::played);
            }
        }
        return !out_.failed();
    }

private:
    void play(cue c) {
        if (c == cue::attach && !connect()) return;
        if (operator_) operator_->play(c);
    }
    bool connect() {
        auto connected = vmsig::client::connect(socket_, {"operator"});
        if (!connected) {
            out_.check(false, "operator",
                       fmt::format("attaches at {}: {}", socket_, reason(connected.error())));
            return false;
        }
        bus_ = std::move(*connected);
        operator_.emplace(*bus_, out_);
        return true;
    }

    stage_link& host_;
    reporter out_;
    std::string socket_;
    std::unique_ptr<vmsig::client> bus_;
    std::optional<attached_operator> operator_;
};

} // namespace

int run_operator(const std::string& socket) {
    stage_link host{vmsig::unique_fd{operators_end}};
    const std::string why_not = become_another_user();
    host.send(word::tag::identity, fmt::format("{} {}", ::geteuid(), why_not));
    if (host.gone()) {
        std::fputs("vmsig-demo: --operator is how the demo starts itself\n", stderr);
        return 2;
    }
    try {
        return performance{host, socket}.run() ? 0 : 1;
    } catch (const std::exception& e) {
        host.send(word::tag::failed, e.what());
        return 1;
    }
}

} // namespace demo
