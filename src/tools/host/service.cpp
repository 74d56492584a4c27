// service: making a host, running it, ending it.
#include "service.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include <grp.h>
#include <poll.h>

#include "caretaker.hpp"
#include "log.hpp"
#include "service_manager.hpp"

namespace host {
namespace {

using std::chrono::steady_clock;

/// How long a stop may take: what a machine does not do by then, it does not do.
constexpr std::chrono::seconds patience{5};

/// The call that fails when another host has the path.
constexpr std::string_view taken_lock = "lock";

vmsig::unique_fd audit_file(const config& c) {
    auto fd = open_audit(c.audit);
    if (!fd) throw std::runtime_error{fd.error()};
    return std::move(*fd);
}

/// Turns until `held()`, or for as long as there is patience.
template <class Held>
bool turn_until(core& b, Held&& held) {
    const auto until = steady_clock::now() + patience;
    while (!held()) {
        if (steady_clock::now() > until) return false;
        ::pollfd readable{b.fd(), POLLIN, 0};
        ::poll(&readable, 1, 100);
        b.dispatch();
    }
    return true;
}

} // namespace

service::service(std::string config_path, settings s)
    : config_path_{std::move(config_path)}
    , config_{std::move(s.config)}
    , bus_{vmsig::rank_arbitration{}, audit_file(config_)}
    , doorkeeper_{bus_}
    , fleet_{bus_} {
    vmsig::unique_fd signals = signal_descriptor();
    const int descriptor = signals.get();
    // What a signal asks for is done between turns: there no callback is under way.
    const auto watched =
        bus_.watch(signals, vmsig::interest::read, [this, descriptor](vmsig::interests) {
            read_signals(descriptor, wishes_);
            bus_.stop();
        });
    if (!watched) throw std::runtime_error{"the signals can not be watched"};
    vmsig::unique_fd socket = open_socket();
    // Not before: where another host serves, the file is its own.
    if (!bus_.audit().sink().begin_run(bus_.audit().number() + 1))
        log("{}: this run is not named there: {}", config_.audit, std::strerror(errno));
    doorkeeper_.enforce(std::move(s.grants));
    fleet_.become(config_.machines);
    door_calls::listens = &doorkeeper_;
    door_.emplace(bus_, doorkeeper_, std::move(socket), config_.server);
    say_ready();
}

/// Everybody is told goodbye, which ends their leases; what they held down goes up.
service::~service() {
    door_.reset();
    door_calls::listens = nullptr;
    for (unsigned turns = 0; bus_.dispatch() && turns < 1000; ++turns) {}
    bus_.audit().sink().flush();
    if (const auto lost = bus_.audit().sink().lost()) log("the audit file lacks {} records", lost);
    log("stopped");
}

vmsig::unique_fd service::open_socket() {
    auto handed_down = handed_down_socket();
    if (!handed_down) throw std::runtime_error{handed_down.error()};
    if (*handed_down) {
        log("serving the socket that was handed down");
        return std::move(*handed_down);
    }
    const socket_config& s = config_.socket;
    if (s.path.empty())
        throw std::runtime_error{"no socket was handed down, and none is configured"};
    auto made = vmsig::listening_socket::at(s.path, s.mode);
    // The bus says so of a lock that is taken; of the path itself, that something else is there.
    if (!made && made.error().code == EADDRINUSE && made.error().operation == taken_lock)
        throw std::runtime_error{s.path + ": another vmsig-host serves it"};
    if (!made)
        throw std::runtime_error{fmt::format("{}: {}: {}", s.path, made.error().operation,
                                             std::strerror(made.error().code))};
    place_.emplace(std::move(*made));
    if (!s.group.empty()) {
        const auto gid = system_names{}.group(s.group);
        if (!gid) throw std::runtime_error{"no group is called " + s.group};
        if (::lchown(s.path.c_str(), static_cast<uid_t>(-1), *gid) != 0)
            throw std::runtime_error{s.path + ": " + std::strerror(errno)};
    }
    log("serving {}", s.path);
    return place_->take();
}

void service::say_ready() const {
    notify(fmt::format("READY=1\nSTATUS={} of {} machines, {} grants", fleet_.size(),
                       config_.machines.size(), doorkeeper_.in_force().rules.size()));
}

void service::run() {
    for (;;) {
        bus_.run();
        const wishes asked = std::exchange(wishes_, {});
        if (asked.stop) break;
        bus_.restart();
        if (asked.reload) reload();
    }
    log("stopping");
    notify("STOPPING=1");
    power_off();
}

/// Bad files change nothing. What a grant no longer says has ended when this returns.
void service::reload() {
    notify_reloading();
    auto fresh = read_settings(config_path_);
    if (!fresh) {
        for (const std::string& line : fresh.error()) log("{}", line);
        log("not reloaded: machines and grants stay as they were");
    } else {
        for (const std::string& line : notes_on(*fresh)) log("note: {}", line);
        auto lines = open_audit(fresh->config.audit);
        if (lines)
            bus_.audit().sink().replace(std::move(*lines));
        else
            log("{}: the audit goes on as it was", lines.error());
        config_.machines = std::move(fresh->config.machines);
        doorkeeper_.enforce(std::move(fresh->grants));
        door_->reauthenticate(); // before anything that takes time
        if (fleet_.become(config_.machines)) door_->reauthenticate();
        log("reloaded: {} machines, {} grants", fleet_.size(), doorkeeper_.in_force().rules.size());
    }
    say_ready();
}

void service::power_off() {
    caretaker last{fleet_.size()};
    const auto handle = bus_.attach(last, caretaker::authority());
    const bool all = turn_until(bus_, [&] { return last.done() || wishes_.stop; });
    if (!all) log("not every machine went off in time");
    handle.detach();
}

} // namespace host
