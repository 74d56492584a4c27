// vmsigctl input type: types text on a US keyboard.
#include <linux/input-event-codes.h>

#include <fmt/format.h>

#include "keys.hpp"
#include "trouble.hpp"
#include "typist.hpp"
#include "verbs.hpp"

namespace ctl {

int input_type(context& c) {
    const std::string text = c.given["TEXT"];
    std::vector<stroke> strokes;
    for (std::size_t n = 0; n < text.size(); ++n) {
        strokes.push_back(stroke_of(text[n]));
        if (strokes.back().key == 0) // which one it is, is nobody's business
            throw misuse(fmt::format("byte {} of the text is not on a US keyboard", n + 1),
                         "letters, digits, ASCII punctuation, space, tab and newline are");
    }
    typist hands{c};
    for (std::size_t n = 0; n < strokes.size(); ++n) {
        const std::uint16_t codes[] = {KEY_LEFTSHIFT, strokes[n].key};
        hands.press(strokes[n].shift ? std::span{codes} : std::span{codes}.subspan(1),
                    fmt::format("character {} of {}", n + 1, strokes.size()));
    }
    hands.report("typed", "characters", strokes.size());
    return success;
}

} // namespace ctl
