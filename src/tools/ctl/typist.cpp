#include "typist.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "trouble.hpp"
#include "values.hpp"

using namespace vmsig;

namespace ctl {

namespace {

/// What is held down has its receipt once it is up again: for that, somebody must still wait.
duration hold_of(const context& c) {
    const auto said = c.given.find("--hold");
    if (!said) return milliseconds(20);
    const duration d = duration_of(*said);
    if (!d) throw misuse("--hold=0: a key that is not held down is not pressed");
    if (d >= c.timeout)
        throw misuse(fmt::format("--hold={}: {} is not shorter than --timeout, {}", *said,
                                 text_of(d), text_of(c.timeout)),
                     "a time without a unit is in seconds: write 20ms; or a longer --timeout");
    return d;
}

} // namespace

typist::typist(context& c)
    : c_{c}
    , hold_{hold_of(c)}
    , wish_{wish_of(c.given, lease_class::input)}
    , machine_{c.endpoint()}
    , lease_{c.bus(), machine_, wish_} {}

void typist::press(std::span<const std::uint16_t> codes, const std::string& what) {
    if (codes.size() > inline_changes)
        throw misuse(fmt::format("{}: more than {} keys at the same time", what, inline_changes));
    command_builder frame{verb::input, machine_.id, lease_.lease().serial};
    for (const std::uint16_t code : codes)
        frame.value.frame[frame.value.changes++] = input_change::key(code, true);
    c_.bus().carry_out(frame.hold(hold_), what);
}

void typist::change(std::span<const input_change> changes, std::uint32_t region,
                    const std::string& what) {
    command_builder frame{verb::input, machine_.id, lease_.lease().serial};
    for (const input_change& each : changes) frame.value.frame[frame.value.changes++] = each;
    c_.bus().carry_out(frame.in_region(region), what);
}

void typist::report(const std::string& did, std::string_view unit, std::size_t count) {
    if (c_.out.json)
        c_.out.object({{"endpoint", machine_.name}, {"did", did}, {std::string{unit}, count}});
    else
        c_.out.line(fmt::format("{}: {} {}", machine_.name, counted(count, unit), did));
}

} // namespace ctl
