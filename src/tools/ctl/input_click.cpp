// vmsigctl input click: clicks a button of the pointer.
#include <linux/input-event-codes.h>

#include <algorithm>

#include <fmt/format.h>

#include "command.hpp"
#include "trouble.hpp"
#include "typist.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace ctl {

int input_click(context& c) {
    const std::string button = c.given.find("BUTTON").value_or("left");
    const auto names = fixed_words(words::button);
    const auto found = std::find(names.begin(), names.end(), button);
    if (found == names.end())
        throw misuse(fmt::format("there is no button `{}`", button),
                     fmt::format("one of {}", fmt::join(names, ", ")));
    const std::uint64_t times = number_of(c.given.find("--times").value_or("1"));
    const auto code = static_cast<std::uint16_t>(BTN_LEFT + (found - names.begin()));
    typist hands{c};
    for (std::uint64_t n = 0; n < times; ++n)
        hands.press({&code, 1}, fmt::format("click {} of {}", n + 1, times));
    hands.report("made", "clicks", times);
    return success;
}

} // namespace ctl
