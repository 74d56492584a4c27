// vmsigctl lease status: who holds a lease, and why.
#include <fmt/format.h>

#include <vmsig/audit/names.hpp>

#include "lease_text.hpp"
#include "verbs.hpp"
#include "words.hpp"

using namespace vmsig;

namespace ctl {

int lease_status(context& c) {
    std::vector<lease_class> classes{lease_class::input, lease_class::power, lease_class::memwrite};
    if (const auto one = c.given.find("CLASS")) classes = {lease_class_of(*one)};
    const machine& m = c.endpoint();
    for (const lease_class each : classes) {
        const lease_view v = view_of(c.bus(), m, each);
        if (c.out.json) {
            nlohmann::ordered_json j{{"endpoint", m.name}, {"class", name_of(each)}};
            j.update(object_of_lease(v));
            c.out.object(j);
        } else {
            c.out.line(fmt::format("{:<9} {}", name_of(each),
                                   escaped(text_of_lease(v, c.bus().client().origin()))));
        }
    }
    return 0;
}

} // namespace ctl
