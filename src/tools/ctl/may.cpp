// vmsigctl may: what one may do, without doing it.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "rights.hpp"
#include "trouble.hpp"
#include "verbs.hpp"
#include "words.hpp"

namespace ctl {

namespace {

int one(context& c, const machine& m, const std::string& verb) {
    const bool may = may_do(c.bus(), m, verb_of(verb));
    if (c.out.json)
        c.out.object({{"endpoint", m.name}, {"verb", verb}, {"may", may}});
    else
        c.out.line(may ? "yes" : "no");
    return may ? success : denied;
}

} // namespace

int may(context& c) {
    const auto verb = c.given.find("VERB");
    if (verb) (void)verb_of(*verb); // before anybody is asked
    const machine& m = c.endpoint();
    if (verb) return one(c, m, *verb);
    table t{{"VERB", "MAY"}};
    for (const verb_right& r : rights_at(c.bus(), m)) {
        if (c.out.json)
            c.out.object({{"endpoint", m.name}, {"verb", r.verb}, {"may", r.may}});
        else
            t.row({r.verb, r.may ? "yes" : c.out.paint("no", colour::dim)});
    }
    if (!c.out.json) t.print(c.out);
    return success;
}

} // namespace ctl
