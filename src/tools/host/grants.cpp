// grants: what the rules say of a peer.
#include "grants.hpp"

#include <algorithm>

namespace host {

bool matches(std::string_view pattern, std::string_view name) {
    // Where the last `*` stands, and how much of the name it has taken: the one place to go back
    // to.
    std::size_t star = std::string_view::npos, taken = 0, p = 0, n = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            taken = n;
        } else if (p < pattern.size() && pattern[p] == name[n]) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++taken;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool rule::names(const vmsig::peer_identity& who) const {
    return everybody || std::find(users.begin(), users.end(), who.uid) != users.end() ||
           std::any_of(groups.begin(), groups.end(), [&who](gid_t g) { return who.in_group(g); });
}

const rule* grants::rule_for(const vmsig::peer_identity& who) const {
    // A peer that the kernel did not name is nobody, and not even one of everybody.
    if (who.uid == static_cast<uid_t>(-1)) return nullptr;
    for (const rule& r : rules) {
        if (r.names(who)) return &r;
        // Perhaps it is in one of them: rather none than a rule behind its own.
        if (who.groups_unknown && !r.groups.empty()) return nullptr;
    }
    return nullptr;
}

std::optional<vmsig::grant> grants::grant_by(const rule& r,
                                             const std::vector<named_endpoint>& endpoints) {
    if (r.on.empty()) return {};
    vmsig::grant g = r.ceiling;
    for (const permission& p : r.on) {
        for (const std::string& pattern : p.endpoints) {
            if (pattern == "*") {
                g.on_every().allow(p.rights);
                continue;
            }
            for (const named_endpoint& e : endpoints)
                if (matches(pattern, e.name)) g.on(e.id).allow(p.rights);
        }
    }
    return g;
}

} // namespace host
