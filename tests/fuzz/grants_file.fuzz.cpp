// Rows 36 and 59: whatever a grants file says, it is refused as a whole, each finding with a place
// inside the text, or its rules are what the parser promises: somebody is named, nobody twice,
// numbers in their ranges, no right that was not written. Then everybody gets what a plain reading
// of the rules gives, and a core that is told so allows that and no more.
//
// An input that begins with 0xff is one in which the bytes from 0x80 on stand for words of such
// files; any other is the text itself.
#include "harness.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <string>
#include <string_view>

#include <host/grants.hpp>

#include <vmsig/core/core.hpp>
#include <vmsig/reactor/manual_reactor.hpp>

namespace {

using namespace vmsig;
using fuzz::require;

constexpr std::string_view words[] = {
    "[[grant]]\n", "users = [",
    "groups = [",  "on = [",
    "rank = ",     "lane = ",
    "sources = [", "pending = ",
    "pinned = ",   "waiters = ",
    "timers = ",   "payloads = ",
    "{ ",          " }",
    "endpoints",   "rights",
    " = [",        "]",
    "]\n",         "\n",
    ", ",          "\"alice\"",
    "\"bob\"",     "\"*\"",
    "\"ops\"",     "1000",
    "1001",        "200",
    "-1",          "4294967294",
    "4294967295",  "256",
    "257",         "192",
    "8",           "0",
    "\"build-*\"", "\"*-7\"",
    "\"build-7\"", "\"db-1\"",
    "\"**\"",      "\"a*\"",
    "\"observe\"", "\"memctx\"",
    "\"memread\"", "\"memwrite\"",
    "\"input\"",   "\"power\"",
    "\"admin\"",   "\"safety\"",
    "\"high\"",    "\"normal\"",
    "\"bulk\"",    "\"lifecycle\"",
    "\"tick\"",    "\"console\"",
    "true",        "1.5",
    "1979-05-27",  "# ",
    "\"\"\"",      "\"\\u001b\"",
    "a.b.c = ",    "[grant.on]\n",
    "\xc3\xa9",    "\r\n",
    "'",           "\"mallory\"",
    "[[",          "{ endpoints = ",
    ", rights = ", "] }",
    "grant = [",   "\"\"",
    "0x",          "9223372036854775807",
};

struct names : host::name_book {
    std::optional<uid_t> user(const std::string& name) const override {
        if (name == "alice") return 1000;
        if (name == "bob") return 1001;
        return {};
    }
    std::optional<gid_t> group(const std::string& name) const override {
        return name == "ops" ? std::optional<gid_t>{200} : std::nullopt;
    }
    const std::vector<std::pair<std::string, source>>& sources() const override { return known; }

    std::vector<std::pair<std::string, source>> known{
        {"lifecycle", source::lifecycle}, {"console", source::console}, {"tick", source{16}}};
};
const names book;

std::string text_of(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || data[0] != 0xff) return {reinterpret_cast<const char*>(data), size};
    std::string text;
    for (std::size_t i = 1; i < size; ++i) {
        if (data[i] < 0x80)
            text += static_cast<char>(data[i]);
        else
            text += words[(data[i] - 0x80u) % std::size(words)];
    }
    return text;
}

/// Where a text ends, and how long its lines are.
class measured {
public:
    explicit measured(std::string_view text) {
        for (const char c : text) {
            if (c == '\n')
                lines_.push_back(0);
            else
                ++lines_.back();
        }
    }
    /// Or where its end is, which is behind the last newline.
    bool has(host::place p) const {
        return p.line >= 1 && p.line <= lines_.size() && p.column >= 1 &&
               p.column <= lines_[p.line - 1] + 2;
    }

private:
    std::vector<std::size_t> lines_{0};
};

void check_refusal(const host::findings& found, const measured& text) {
    require(!found.empty(), "a file is refused for nothing");
    host::place last;
    for (const host::finding& f : found.sorted()) {
        require(text.has(f.where), "a finding is outside the text");
        require(f.where >= last, "findings are not in the order of the text");
        require(!f.what.empty() && f.what.size() < 500, "a finding says nothing, or too much");
        for (const char c : f.what)
            require(static_cast<unsigned char>(c) >= ' ' && c != '\x7f',
                    "a finding shapes a line or a terminal");
        last = f.where;
    }
}

/// Every other way to read a pattern: all of what each `*` might stand for.
bool fits(std::string_view pattern, std::string_view name) {
    std::vector<bool> reached(name.size() + 1);
    reached[0] = true;
    for (const char p : pattern) {
        std::vector<bool> next(name.size() + 1);
        for (std::size_t n = 0; n <= name.size(); ++n) {
            if (p == '*') next[n] = reached[n] || (n > 0 && next[n - 1]);
            if (p != '*' && n > 0) next[n] = reached[n - 1] && name[n - 1] == p;
        }
        reached = std::move(next);
    }
    return reached.back();
}

void check_ceiling(const grant& c) {
    constexpr std::array<std::uint32_t, resource_count> most{256, 8, 192, 256, 8};
    for (unsigned n = 0; n < resource_count; ++n)
        require(c.quotas_value().most[n] <= most[n], "a quota is beyond its limit");
    require(c.rank_value() < std::numeric_limits<std::uint32_t>::max(), "the host's own rank");
    require(c.highest_lane_value() <= lane::bulk, "a lane that is none");
    const sources known = sources{source::lifecycle} | source::console | sources{source{16}};
    require(c.sources_value() == sources::all() || known.contains(c.sources_value()),
            "a source that nobody has named");
    require(!c.rights_on(endpoint_id::make(1, 1)).any(), "a rule has rights before it is applied");
}

void check_permissions(const host::rule& r) {
    std::set<std::string> patterns;
    for (const host::permission& p : r.on) {
        require(!p.endpoints.empty(), "a permission on no machine");
        require(p.rights.any() && p.rights.bits < bit(right_count), "a permission for nothing");
        for (const std::string& pattern : p.endpoints) {
            require(!pattern.empty() && pattern.size() <= 63, "a pattern has a length of its own");
            require(patterns.insert(pattern).second, "a pattern is twice in a grant");
        }
    }
}

void check_rules(const host::grants& g, const measured& text) {
    std::set<uid_t> users;
    std::set<gid_t> groups;
    host::place last;
    bool everybody = false;
    for (const host::rule& r : g.rules) {
        require(!everybody, "a rule behind one for everybody");
        everybody = r.everybody;
        require(text.has(r.where) && r.where > last, "rules are in the order of the text");
        last = r.where;
        require(r.everybody || !r.users.empty() || !r.groups.empty(), "a rule names nobody");
        for (const uid_t u : r.users)
            require(u != static_cast<uid_t>(-1) && users.insert(u).second, "a user twice, or -1");
        for (const gid_t n : r.groups)
            require(n != static_cast<gid_t>(-1) && groups.insert(n).second, "a group twice, or -1");
        check_ceiling(r.ceiling);
        check_permissions(r);
    }
}

bool same(const grant& a, const grant& b) { return a.covers(b) && b.covers(a); }
bool same(const host::permission& a, const host::permission& b) {
    return a.endpoints == b.endpoints && a.rights == b.rights;
}
/// `lines`: how much further down `b` is.
bool same(const host::grants& a, const host::grants& b, std::uint32_t lines = 0) {
    return std::equal(
        a.rules.begin(), a.rules.end(), b.rules.begin(), b.rules.end(),
        [lines](const host::rule& x, const host::rule& y) {
            return x.where.line + lines == y.where.line && x.where.column == y.where.column &&
                   x.everybody == y.everybody && x.users == y.users && x.groups == y.groups &&
                   same(x.ceiling, y.ceiling) &&
                   std::equal(x.on.begin(), x.on.end(), y.on.begin(), y.on.end(),
                              [](const auto& p, const auto& q) { return same(p, q); });
        });
}
bool same(const host::findings& a, const host::findings& b) { return a.lines("") == b.lines(""); }

/// A bus with machines, to which peers come and go.
struct bus_with_machines {
    struct traits : default_traits {
        using reactor = manual_reactor;
    };
    struct visitor {
        void on_event(const event&, control_handle) {}
    };

    bus_with_machines() {
        for (const char* name : {"build-7", "build-8", "db-1", "a"})
            machines.push_back({bus.add_endpoint(name), name});
    }
    /// Attached with that grant it may do what its rights say, and then nothing.
    void apply(const grant& g) {
        constexpr std::pair<verb, right> verbs[] = {{verb::input, right::input},
                                                    {verb::power_off, right::power},
                                                    {verb::mem_write, right::memwrite},
                                                    {verb::mem_read, right::memread},
                                                    {verb::status, right::observe}};
        visitor v;
        const control_handle handle = bus.attach(v, g);
        require(bus.set_grant(handle.origin(), g), "a control is gone when its grant is repeated");
        for (unsigned turns = 0; bus.dispatch() && turns < 100; ++turns) {}
        for (const host::named_endpoint& e : machines) {
            const rights mine = g.rights_on(e.id);
            require(handle.find(e.name).has_value() == mine.any(), "59: a machine is seen");
            for (const auto& [verb, right] : verbs)
                require((handle.may(verb, e.id) == refusal::none) == mine.has(right),
                        "59: a right is not what the file says");
        }
        handle.detach();
        bus.dispatch();
    }

    core<traits> bus;
    std::vector<host::named_endpoint> machines;
};

peer_identity peer(uid_t uid, gid_t gid, std::initializer_list<gid_t> more = {}) {
    peer_identity p;
    p.uid = uid;
    p.gid = gid;
    for (const gid_t g : more) p.groups[p.group_count++] = g;
    return p;
}

/// What a plain reading of the rules gives a peer on a machine; nothing: it is turned away.
std::optional<rights> expected_rights(const host::grants& g, const peer_identity& who,
                                      std::string_view machine) {
    const auto named = [](const auto& list, std::uint32_t id) {
        return std::count(list.begin(), list.end(), id) != 0;
    };
    for (const host::rule& r : g.rules) {
        bool is = r.everybody || named(r.users, who.uid) || named(r.groups, who.gid);
        for (std::size_t n = 0; n < who.group_count; ++n) is |= named(r.groups, who.groups[n]);
        if (!is) continue;
        if (r.on.empty()) return {};
        rights all;
        for (const host::permission& p : r.on)
            for (const std::string& pattern : p.endpoints)
                if (fits(pattern, machine)) all = all | p.rights;
        return all;
    }
    return {};
}

void check_decisions(const host::grants& g, bus_with_machines& at) {
    const endpoint_id later = endpoint_id::make(60, 1);
    for (const peer_identity& who :
         {peer(1000, 100), peer(1001, 200), peer(0, 0), peer(7, 7, {8, 200}), peer(200, 1000)}) {
        const host::rule* r = g.rule_for(who);
        const auto given = r ? host::grants::grant_by(*r, at.machines) : std::nullopt;
        for (const host::named_endpoint& e : at.machines) {
            const auto wanted = expected_rights(g, who, e.name);
            require(given.has_value() == wanted.has_value(), "somebody is let in, or turned away");
            if (given) require(given->rights_on(e.id) == *wanted, "59: rights that nobody wrote");
        }
        if (!given) continue;
        grant without = r->ceiling;
        require(given->covers(without) && given->rank_value() == without.rank_value() &&
                    given->sources_value() == without.sources_value() &&
                    given->highest_lane_value() == without.highest_lane_value() &&
                    given->quotas_value() == without.quotas_value(),
                "what a rule says beside rights is not what is given");
        rights of_all;
        for (const host::permission& p : r->on)
            if (std::count(p.endpoints.begin(), p.endpoints.end(), "*") != 0)
                of_all = of_all | p.rights;
        require(given->rights_on(later) == of_all, "a machine that comes later");
        at.apply(*given);
    }
    require(!g.rule_for(peer(static_cast<uid_t>(-1), 200)), "whom the kernel does not name");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static bus_with_machines machines;
    const std::string text = text_of(data, size);
    const measured size_of_text{text};
    const auto parsed = host::parse_grants(text, book);
    const auto again = host::parse_grants(text, book);
    require(parsed.has_value() == again.has_value(), "two readings differ");
    if (!parsed) {
        check_refusal(parsed.error(), size_of_text);
        require(same(parsed.error(), again.error()), "two readings differ");
        return 0;
    }
    require(same(*parsed, *again), "two readings differ");
    check_rules(*parsed, size_of_text);
    check_decisions(*parsed, machines);
    require(!host::parse_grants(text + "\nx-y = 1\n", book),
            "a key that nobody knows is read over");
    if (text.starts_with("\xef\xbb\xbf")) return 0; // which is one at the beginning only
    const auto lower = host::parse_grants("\n# one more line\n" + text, book);
    require(lower && same(*parsed, *lower, 2), "an empty line changes what a file says");
    return 0;
}
