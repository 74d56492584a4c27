// vmsigctl input key: presses keys, one after the other or together.
#include "keys.hpp"
#include "trouble.hpp"
#include "typist.hpp"
#include "verbs.hpp"

namespace ctl {

int input_key(context& c) {
    std::vector<std::vector<std::uint16_t>> chords;
    for (const std::string& each : c.given.all("KEY")) chords.push_back(chord_of(each));
    typist hands{c};
    for (std::size_t n = 0; n < chords.size(); ++n)
        hands.press(chords[n],
                    "key " + std::to_string(n + 1) + " of " + std::to_string(chords.size()));
    hands.report("pressed", "keys", chords.size());
    return success;
}

} // namespace ctl
