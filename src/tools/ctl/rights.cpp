#include "rights.hpp"

#include "command.hpp"
#include "trouble.hpp"
#include "words.hpp"

using namespace vmsig;

namespace ctl {

bool may_do(connection& bus, const machine& m, verb v) {
    const refusal r = bus.client().may(v, m.id);
    bus.check();
    if (r != refusal::none && r != refusal::denied) throw refused(r, m.name, m);
    return r == refusal::none;
}

std::vector<verb_right> rights_at(connection& bus, const machine& m) {
    std::vector<verb_right> out;
    for (const std::string_view name : fixed_words(words::verb))
        out.push_back({std::string{name}, may_do(bus, m, verb_of(name))});
    return out;
}

} // namespace ctl
