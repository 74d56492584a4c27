// vmsigctl input move: moves the pointer.
#include <linux/input-event-codes.h>

#include "trouble.hpp"
#include "typist.hpp"
#include "values.hpp"
#include "verbs.hpp"

using namespace vmsig;

namespace ctl {

int input_move(context& c) {
    const auto by = c.given.find("--by"), to = c.given.find("--to");
    if (by.has_value() == to.has_value()) throw misuse("--by X,Y or --to X,Y says where");
    const auto [x, y] = pair_of(by ? *by : *to);
    const std::uint64_t region = number_of(c.given.find("--region").value_or("0"));
    const input_change frame[] = {by ? input_change::rel(REL_X, x) : input_change::abs(ABS_X, x),
                                  by ? input_change::rel(REL_Y, y) : input_change::abs(ABS_Y, y)};
    typist hands{c};
    hands.change(frame, static_cast<std::uint32_t>(region), "to move the pointer");
    hands.report("made", "moves", 1);
    return success;
}

} // namespace ctl
