// service, settings: reading and judging the two files.
#include <algorithm>

#include <fmt/format.h>

#include "service.hpp"
#include "table_reader.hpp"
#include "ticker.hpp"
#include "trusted_file.hpp"

namespace host {
namespace {

/// As the core will name it: the first source of the host's own.
system_names known_names() {
    return system_names{
        {{std::string{ticker::name}, static_cast<vmsig::source>(vmsig::first_host_source)}}};
}

/// A file, parsed; or what is wrong with it.
template <class Parse>
auto read_with(const std::string& path, Parse&& parse)
    -> vmsig::expected<typename decltype(parse(std::string_view{}))::value_type, complaints> {
    const auto text = read_trusted(path);
    if (!text) return vmsig::unexpected<complaints>{complaints{text.error()}};
    auto parsed = parse(std::string_view{*text});
    if (!parsed) return vmsig::unexpected<complaints>{parsed.error().lines(path)};
    return std::move(*parsed);
}

} // namespace

vmsig::expected<settings, complaints> read_settings(const std::string& config_path) {
    settings out;
    auto config = read_with(config_path, parse_config);
    if (!config) return vmsig::unexpected<complaints>{config.error()};
    out.config = std::move(*config);
    if (out.config.grants.front() != '/')
        out.config.grants = folder_of(config_path) + "/" + out.config.grants;
    auto grants = read_with(
        out.config.grants, [](std::string_view text) { return parse_grants(text, known_names()); });
    if (!grants) return vmsig::unexpected<complaints>{grants.error()};
    out.grants = std::move(*grants);
    return out;
}

complaints notes_on(const settings& s) {
    complaints notes;
    for (const rule& r : s.grants.rules) {
        for (const permission& p : r.on) {
            for (const std::string& pattern : p.endpoints) {
                const auto fits = [&pattern](const machine_config& m) {
                    return matches(pattern, m.name);
                };
                if (std::none_of(s.config.machines.begin(), s.config.machines.end(), fits))
                    notes.push_back(fmt::format("{}:{}: {} fits no machine that is configured",
                                                s.config.grants, r.where.line, quoted(pattern)));
            }
        }
    }
    if (s.grants.rules.empty())
        notes.push_back(s.config.grants + ": grants nothing, so nobody can attach");
    return notes;
}

} // namespace host
