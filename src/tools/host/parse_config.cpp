// parse_config: a configuration file, read strictly.
#include <algorithm>
#include <limits>
#include <map>

#include <vmsig/core/limits.hpp>

#include "config.hpp"
#include "table_reader.hpp"

namespace host {
namespace {

using vmsig::default_limits;

constexpr std::int64_t a_day_ms = 24 * 60 * 60 * 1000;

class config_parser {
public:
    explicit config_parser(findings& found)
        : found_{found} {}

    config parse(const table& file) {
        table_reader top{file, {1, 1}, "a configuration", found_};
        if (auto path = top.text("grants", need::required)) {
            if (path->empty())
                top.add(top.place_of("grants"), "grants: expected a path, found \"\"");
            out_.grants = std::move(*path);
        }
        if (auto path = top.text("audit")) out_.audit = std::move(*path);
        top.inside("socket", [this](table_reader& t) { read_socket(t); });
        top.inside("peers", [this](table_reader& t) { read_peers(t); });
        top.tables("machine", "a machine", need::optional,
                   [this](const value& v, table_reader& t) { add_machine(v, t); });
        top.done();
        return std::move(out_);
    }

private:
    void read_socket(table_reader& t) {
        if (auto path = t.text("path", need::required)) {
            if (path->empty() || path->front() != '/')
                t.add(t.place_of("path"),
                      "path: expected one that begins with /, found " + quoted(*path));
            out_.socket.path = std::move(*path);
        }
        if (const auto mode = t.number("mode", 0, 0777, "; octal is written 0o660"))
            out_.socket.mode = static_cast<mode_t>(*mode);
        if (auto group = t.text("group")) out_.socket.group = std::move(*group);
    }
    void read_peers(table_reader& t) {
        const auto count = [&t](std::string_view key, std::uint16_t most, std::uint16_t& to) {
            if (const auto n = t.number(key, 1, most)) to = static_cast<std::uint16_t>(*n);
        };
        count("most", most_peers, out_.server.peers);
        count("unauthenticated", most_unauthenticated, out_.server.unauthenticated);
        count("per_user", most_peers, out_.server.peers_per_user);
        if (const auto ms = t.number("greeting_ms", 1, a_day_ms))
            out_.server.greeting = vmsig::milliseconds(*ms);
        if (const auto ms = t.number("crowded_greeting_ms", 1, a_day_ms))
            out_.server.crowded_greeting = vmsig::milliseconds(*ms);
        if (const auto ms = t.number("keepalive_ms", 0, a_day_ms))
            out_.server.keepalive = vmsig::milliseconds(*ms);
    }
    void add_machine(const value& v, table_reader& t) {
        machine_config m;
        m.where = v.where;
        if (auto name = t.text("name", need::required)) {
            check_name(*name, t);
            m.name = std::move(*name);
        }
        if (const auto word = t.text("backend")) {
            if (*word == "kvm")
                m.backend = backend::kvm;
            else if (*word == "stub")
                m.backend = backend::stub;
            else if (*word != "auto")
                t.add(t.place_of("backend"), "backend: no backend is called " + quoted(*word) +
                                                 ", expected " + one_of({"auto", "kvm", "stub"}));
        }
        if (const auto on = t.flag("start")) m.start = *on;
        if (const auto ms = t.number("tick_ms", 1, a_day_ms)) m.tick = vmsig::milliseconds(*ms);
        if (out_.machines.size() == default_limits::endpoints)
            t.add(v.where,
                  "a machine too many: at most " + std::to_string(default_limits::endpoints));
        out_.machines.push_back(std::move(m));
    }
    void check_name(const std::string& name, table_reader& t) {
        const bool fits = !name.empty() && name.size() <= default_limits::endpoint_name_bytes &&
                          std::all_of(name.begin(), name.end(),
                                      [](char c) { return c > ' ' && c < '\x7f' && c != '*'; });
        const place where = t.place_of("name");
        if (!fits)
            return t.add(where, "name: expected 1 to " +
                                    std::to_string(default_limits::endpoint_name_bytes) +
                                    " printable characters without blanks and *, found " +
                                    quoted(name));
        const auto [at, fresh] = names_.emplace(name, where);
        if (!fresh)
            t.add(where, "name: " + quoted(name) + " is the machine of line " +
                             std::to_string(at->second.line) + " already");
    }

    findings& found_;
    config out_;
    std::map<std::string, place> names_;
};

} // namespace

vmsig::expected<config, findings> parse_config(std::string_view text) {
    findings found;
    config out;
    if (const auto file = parse_document(text, found)) out = config_parser{found}.parse(*file);
    if (!found.empty()) return vmsig::unexpected<findings>{std::move(found)};
    return out;
}

} // namespace host
