// vmsigctl lease acquire: holds a lease until a signal, for a time, or while a command runs.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <vmsig/audit/names.hpp>

#include "lease_watch.hpp"
#include "trouble.hpp"
#include "values.hpp"
#include "verbs.hpp"
#include "words.hpp"

using namespace vmsig;

namespace ctl {

int lease_acquire(context& c) {
    lease_wish wish = wish_of(c.given, lease_class_of(c.given["CLASS"]));
    const auto length = c.given.find("--for"), ttl = c.given.find("--ttl");
    if (ttl) wish.time_to_live = duration_of(*ttl);
    if (ttl && wish.time_to_live < milliseconds(100))
        throw misuse("--ttl: at least 100ms, for it has to be renewed");
    const duration at_most = length ? duration_of(*length) : duration{};
    const machine& m = c.endpoint();
    lease_watch watch;
    watch.at_most = at_most;
    watch.time_to_live = wish.time_to_live;
    watch.argv = c.given.all("COMMAND");
    const lease_hold hold{c.bus(), m, wish};
    if (watch.argv.empty()) { // else the output is the command's
        if (c.out.json)
            c.out.object({{"endpoint", m.name},
                          {"class", name_of(wish.lease_class)},
                          {"serial", hold.lease().serial.value}});
        else
            c.out.line(fmt::format("{}: {} lease, serial {}", m.name, name_of(wish.lease_class),
                                   hold.lease().serial.value));
        c.out.finish();
    }
    if (length && !at_most) return success; // for no time at all
    return watch.run(c.bus(), m, hold);
}

} // namespace ctl
