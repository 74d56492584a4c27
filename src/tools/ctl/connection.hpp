// connection: a client of the bus that a URI names, and what it has been told of each machine.
//
//     unix:///run/vmsig/bus.sock     a host's socket
//     stub:///default                a bus of this process's own, with two machines that do not
//     exist
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <vmsig/client/client.hpp>

namespace ctl {

inline constexpr std::string_view default_uri = "unix:///run/vmsig/bus.sock";

class stub_bus;

/// The URI of a socket without its scheme; other URIs as they are.
std::string_view path_of_socket(std::string_view uri);

/// What one was told of a machine.
struct machine {
    vmsig::endpoint_id id;
    std::string name;
    bool ready = false; ///< its replay has ended
    bool removed = false;
    vmsig::vm_state state = vmsig::vm_state::unknown;
    vmsig::epoch_number epoch;
    vmsig::version_number memory; ///< 0: it shows none, or not to us
    std::uint32_t leds = 0;
    bool leds_known = false;
    std::array<vmsig::origin_id, vmsig::lease_class_count> holders{};
    std::array<vmsig::instant, vmsig::lease_class_count> since{};
};

class connection {
public:
    /// Throws `trouble`. `limit`: how long anything may take.
    connection(std::string uri, vmsig::duration limit);
    ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    vmsig::client& client() { return *client_; }
    vmsig::duration limit() const { return limit_; }
    const std::string& uri() const { return uri_; }

    /// Throws `denied` when there is none that one may see.
    const machine& machine_of(std::string_view name);
    /// All that one may see, by name.
    std::vector<const machine*> machines();

    /// Also while the event by which a machine goes is the last one.
    std::string name_of(vmsig::endpoint_id id) const;
    /// The next event; null at `until`. Throws when the connection is lost.
    const vmsig::event* next(vmsig::instant until);
    /// Waits for what `p` says is it. Throws at the limit, `what` was being waited for.
    template <class P>
    const vmsig::event& await(const std::string& what, P&& p) {
        const vmsig::instant until = now() + limit_;
        while (const vmsig::event* e = next(until))
            if (p(*e)) return *e;
        throw_late(what);
    }
    /// Submits and waits for the receipt; throws if it is refused, and says on which machine. The
    /// payload is in `client`.
    vmsig::receipt receipt_of(const vmsig::command& c, const std::string& thing,
                              std::span<const std::byte> bulk = {});
    /// The same; throws unless it is `done`.
    vmsig::receipt carry_out(const vmsig::command& c, const std::string& thing,
                             std::span<const std::byte> bulk = {});

    /// Throws what a lost connection means, if it is lost.
    void check();
    static vmsig::instant now();

private:
    [[noreturn]] void throw_late(const std::string& what) const;
    void learn(const vmsig::event& e);
    machine* known(vmsig::endpoint_id id);

    std::string uri_;
    vmsig::duration limit_;
    std::unique_ptr<stub_bus> stub_;
    std::unique_ptr<vmsig::client> client_;
    std::map<std::uint64_t, machine> machines_;
};

} // namespace ctl
