// vmsigctl stats: what has happened at a machine, in numbers.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "trouble.hpp"
#include "verbs.hpp"

using namespace vmsig;

namespace ctl {

int stats(context& c) {
    const machine& m = c.endpoint();
    const auto s = c.bus().client().statistics(m.id);
    c.bus().check();
    if (!s) throw refused(s.error(), fmt::format("{}: its statistics", m.name), m);
    if (c.out.json) {
        c.out.object({{"endpoint", m.name},
                      {"epoch", s->epoch.value},
                      {"events", s->events},
                      {"commands", s->commands},
                      {"lost_events", s->lost_events},
                      {"dropped_publications", s->dropped_publications}});
        return success;
    }
    const auto row = [&c](std::string_view key, std::uint64_t n) {
        c.out.line(fmt::format("{:<21} {}", key, n));
    };
    row("epoch", s->epoch.value);
    row("events", s->events);
    row("commands", s->commands);
    row("lost events", s->lost_events);
    row("dropped publications", s->dropped_publications);
    return success;
}

} // namespace ctl
