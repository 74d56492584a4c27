// parse_grants: a grants file, read strictly.
#include <algorithm>
#include <array>
#include <limits>
#include <map>

#include <vmsig/core/limits.hpp>
#include <vmsig/transport/names.hpp>

#include "grants.hpp"
#include "table_reader.hpp"

namespace host {
namespace {

using vmsig::default_limits;
using vmsig::lane;
using vmsig::right;

/// The host itself is above everybody when it stops.
constexpr std::int64_t highest_rank = std::numeric_limits<std::uint32_t>::max() - 1;
constexpr std::int64_t highest_id = std::numeric_limits<std::uint32_t>::max() - 1;
constexpr std::int64_t most_waits = vmsig::default_limits::endpoints * vmsig::lease_class_count;

class grants_parser {
public:
    grants_parser(const name_book& names, findings& found)
        : names_{names}
        , found_{found} {}

    grants parse(const table& file) {
        table_reader top{file, {1, 1}, "a grants file", found_};
        top.tables("grant", "a grant", need::optional,
                   [this](const value& v, table_reader& t) { add_rule(v, t); });
        top.done();
        return std::move(out_);
    }

private:
    void add_rule(const value& v, table_reader& t) {
        rule r;
        r.where = v.where;
        if (everybody_at_.line != 0)
            t.add(v.where, "never used: the grant in line " + std::to_string(everybody_at_.line) +
                               " is for everybody");
        for (const value& u : t.values("users")) add_user(u, t, r);
        for (const value& g : t.values("groups")) add_group(g, t, r);
        if (!r.everybody && r.users.empty() && r.groups.empty() && !bad_name_)
            t.add(v.where, "a grant: names nobody, expected \"users\" or \"groups\"");
        bad_name_ = false;
        if (r.everybody) everybody_at_ = v.where;
        read_ceiling(t, r);
        patterns_.clear();
        t.tables("on", "\"on\"", need::required,
                 [this, &r](const value&, table_reader& p) { add_permission(p, r); });
        out_.rules.push_back(std::move(r));
    }

    void add_user(const value& v, table_reader& t, rule& r) {
        const auto* name = v.as<std::string>();
        if (name && *name == "*") {
            if (std::exchange(r.everybody, true)) t.add(v.where, "users: \"*\" twice");
            return;
        }
        const auto lookup = [this](const std::string& n) { return names_.user(n); };
        add_id(v, t, "users", "user", lookup, users_, r.users);
    }
    void add_group(const value& v, table_reader& t, rule& r) {
        const auto lookup = [this](const std::string& n) { return names_.group(n); };
        add_id(v, t, "groups", "group", lookup, groups_, r.groups);
    }
    /// By number or by name; only the first rule that names it would be used.
    template <class Lookup>
    void add_id(const value& v, table_reader& t, std::string_view key, std::string_view noun,
                Lookup&& lookup, std::map<std::uint32_t, place>& known,
                std::vector<std::uint32_t>& to) {
        std::optional<std::uint32_t> id;
        bad_name_ = true;
        if (const auto* n = v.as<std::int64_t>()) {
            if (*n < 0 || *n > highest_id)
                return t.wrong(v, key, "a number from 0 to " + std::to_string(highest_id));
            id = static_cast<std::uint32_t>(*n);
        } else if (const auto* name = v.as<std::string>()) {
            id = lookup(*name);
            if (!id)
                return t.add(v.where, std::string{key} + ": no " + std::string{noun} +
                                          " is called " + quoted(*name));
        } else {
            return t.wrong(v, key, "a name or a number");
        }
        const auto [at, fresh] = known.emplace(*id, v.where);
        if (!fresh)
            return t.add(v.where, std::string{key} + ": the " + std::string{noun} + " " +
                                      std::to_string(*id) + " is named in line " +
                                      std::to_string(at->second.line) +
                                      " already, and the first grant is the one that counts");
        bad_name_ = false;
        to.push_back(*id);
    }

    void read_ceiling(table_reader& t, rule& r) {
        if (const auto rank = t.number("rank", 0, highest_rank))
            r.ceiling.rank(static_cast<std::uint32_t>(*rank));
        if (const auto word = t.text("lane")) {
            const auto known = std::find(vmsig::detail::lane_names.begin(),
                                         vmsig::detail::lane_names.end(), *word);
            if (known == vmsig::detail::lane_names.end())
                t.add(t.place_of("lane"), "lane: no lane is called " + quoted(*word) +
                                              ", expected " +
                                              one_of({vmsig::detail::lane_names.begin(),
                                                      vmsig::detail::lane_names.end()}));
            else
                r.ceiling.highest_lane(
                    static_cast<lane>(known - vmsig::detail::lane_names.begin()));
        }
        read_sources(t, r);
        using quota = vmsig::grant& (vmsig::grant::*)(std::uint32_t);
        const auto limit = [&](std::string_view key, std::int64_t most, quota set) {
            if (const auto n = t.number(key, 0, most))
                (r.ceiling.*set)(static_cast<std::uint32_t>(*n));
        };
        limit("pending", default_limits::commands_per_control, &vmsig::grant::pending);
        limit("pinned", default_limits::pins_per_control, &vmsig::grant::pinned);
        limit("waiters", most_waits, &vmsig::grant::waiters);
        limit("timers", default_limits::commands_per_control, &vmsig::grant::timers);
        limit("payloads", default_limits::payloads_per_control, &vmsig::grant::payloads);
    }

    void read_sources(table_reader& t, rule& r) {
        const list& given = t.values("sources");
        if (!t.has("sources")) return; // all
        vmsig::sources allowed;
        for (const value& v : given) {
            const auto* word = v.as<std::string>();
            if (!word) {
                t.wrong(v, "sources", "the name of a source");
                continue;
            }
            const auto& known = names_.sources();
            const auto at = std::find_if(known.begin(), known.end(),
                                         [word](const auto& s) { return s.first == *word; });
            if (at == known.end()) {
                std::vector<std::string_view> words;
                words.reserve(known.size());
                for (const auto& s : known) words.push_back(s.first);
                t.add(v.where, "sources: no source is called " + quoted(*word) + ", expected " +
                                   one_of(words));
            } else if (allowed.has(at->second)) {
                t.add(v.where, "sources: " + quoted(*word) + " twice");
            } else {
                allowed = allowed | at->second;
            }
        }
        r.ceiling.sources(allowed);
    }

    void add_permission(table_reader& t, rule& r) {
        permission p;
        const list& endpoints = t.values("endpoints", need::required);
        for (const value& v : endpoints) add_pattern(v, t, p);
        const list& rights = t.values("rights", need::required);
        for (const value& v : rights) add_right(v, t, p);
        for (const std::string_view key : {"endpoints", "rights"})
            if (t.has(key) && (key == "rights" ? rights : endpoints).empty())
                t.add(t.place_of(key), std::string{key} + ": the list is empty");
        r.on.push_back(std::move(p));
    }
    void add_pattern(const value& v, table_reader& t, permission& p) {
        const auto* pattern = v.as<std::string>();
        if (!pattern || pattern->empty() || pattern->size() > default_limits::endpoint_name_bytes)
            return t.wrong(v, "endpoints",
                           "a name of 1 to " + std::to_string(default_limits::endpoint_name_bytes) +
                               " bytes, in which * stands for anything");
        const auto [at, fresh] = patterns_.emplace(*pattern, v.where);
        if (!fresh)
            return t.add(v.where, "endpoints: " + quoted(*pattern) + " is in line " +
                                      std::to_string(at->second.line) + " of this grant already");
        p.endpoints.push_back(*pattern);
    }
    static void add_right(const value& v, table_reader& t, permission& p) {
        const auto* word = v.as<std::string>();
        if (!word) return t.wrong(v, "rights", "the name of a right");
        const auto& names = vmsig::detail::right_names;
        const auto known = std::find(names.begin(), names.end(), *word);
        if (known == names.end())
            return t.add(v.where, "rights: no right is called " + quoted(*word) + ", expected " +
                                      one_of({names.begin(), names.end()}));
        const auto r = static_cast<right>(known - names.begin());
        if (p.rights.has(r)) return t.add(v.where, "rights: " + quoted(*word) + " twice");
        p.rights = p.rights | r;
    }

    const name_book& names_;
    findings& found_;
    grants out_;
    place everybody_at_;
    bool bad_name_ = false; ///< the rule meant somebody, who is not known
    std::map<std::uint32_t, place> users_, groups_;
    std::map<std::string, place> patterns_; ///< of one rule
};

} // namespace

vmsig::expected<grants, findings> parse_grants(std::string_view text, const name_book& names) {
    findings found;
    grants out;
    if (const auto file = parse_document(text, found))
        out = grants_parser{names, found}.parse(*file);
    if (!found.empty()) return vmsig::unexpected<findings>{std::move(found)};
    return out;
}

} // namespace host
