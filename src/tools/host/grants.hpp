// grants: who may attach over the socket, and as what: the rules of a grants file. Everything that
// no rule says is denied.
//
//     [[grant]]
//     users = ["alice", 1005]           # by name or number; "*" is everybody
//     groups = ["operators"]            # the peer's own group or one of its supplementary ones
//     rank = 10
//     on = [
//       { endpoints = ["build-*"], rights = ["observe", "input"] },
//       { endpoints = ["*"], rights = ["observe"] },
//     ]
//
// The first rule that names a peer is the peer's: rules do not add up, so what one of them allows
// is never seen through the sources or driven with the rank of another. An empty `on` turns away
// whoever it names. A peer whose groups are not known (more than 256) gets no rule that stands
// behind one which names groups. Pure: text in, rules or findings out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <vmsig/base/expected.hpp>
#include <vmsig/grant/grant.hpp>
#include <vmsig/transport/authenticator.hpp>

#include "findings.hpp"

namespace host {

/// What names in a grants file stand for.
class name_book {
public:
    virtual ~name_book() = default;
    virtual std::optional<uid_t> user(const std::string& name) const = 0;
    virtual std::optional<gid_t> group(const std::string& name) const = 0;
    /// The bus's own sources and those that the host has named.
    virtual const std::vector<std::pair<std::string, vmsig::source>>& sources() const = 0;
};

/// Whether a name is what a pattern says, in which `*` stands for any number of characters.
bool matches(std::string_view pattern, std::string_view name);

/// Rights on the endpoints whose name matches a pattern.
struct permission {
    std::vector<std::string> endpoints; ///< patterns
    vmsig::rights rights;
};

struct rule {
    place where;
    bool everybody = false;
    std::vector<uid_t> users;
    std::vector<gid_t> groups;
    std::vector<permission> on;
    vmsig::grant ceiling; ///< rank, lane, sources and quotas; no rights

    bool names(const vmsig::peer_identity& who) const;
};

/// An endpoint that is there.
struct named_endpoint {
    vmsig::endpoint_id id;
    std::string_view name;
};

class grants {
public:
    /// The rule of a peer, or null. Valid as long as this.
    const rule* rule_for(const vmsig::peer_identity& who) const;
    /// What a rule gives on the endpoints that are there; "*" holds for those to come too.
    static std::optional<vmsig::grant> grant_by(const rule& r,
                                                const std::vector<named_endpoint>& endpoints);

    std::vector<rule> rules;
};

vmsig::expected<grants, findings> parse_grants(std::string_view text, const name_book& names);

} // namespace host
