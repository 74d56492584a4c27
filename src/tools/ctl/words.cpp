#include "words.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>
#include <vmsig/transport/names.hpp>

#include "command.hpp"
#include "keys.hpp"
#include "trouble.hpp"

using namespace vmsig;

namespace ctl {

namespace {

constexpr std::array<std::string_view, 9> power_verbs{
    "start",     "pause",         "resume",           "reset", "power-button",
    "power-off", "snapshot-save", "snapshot-restore", "status"};
constexpr std::array<std::string_view, 12> every_verb{
    "input",        "start",     "pause",         "resume",           "reset",
    "power-button", "power-off", "snapshot-save", "snapshot-restore", "status",
    "mem-write",    "mem-read"};
constexpr std::array<std::string_view, 3> modes{"atomic", "paused", "best-effort"};
constexpr std::array<std::string_view, 7> sources_by_number{
    "lifecycle", "memory", "lease", "command", "input", "console", "screen"};

template <std::size_t N>
std::size_t index_in(const std::array<std::string_view, N>& names, std::string_view name,
                     const char* what) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
        throw misuse(fmt::format("there is no {} `{}`", what, name),
                     fmt::format("one of {}", fmt::join(names, ", ")));
    return static_cast<std::size_t>(found - names.begin());
}

std::vector<std::string_view> kind_names() {
    std::vector<std::string_view> out;
    for (const kind_traits& t : core_kinds)
        if (!t.name.empty()) out.push_back(t.name);
    return out;
}

} // namespace

lease_class lease_class_of(std::string_view name) {
    return static_cast<lease_class>(index_in(vmsig::detail::lease_class_names, name, "class"));
}
verb power_verb_of(std::string_view name) {
    const std::size_t n = index_in(power_verbs, name, "verb");
    return static_cast<verb>(static_cast<std::size_t>(verb::start) + n);
}
verb verb_of(std::string_view name) {
    return static_cast<verb>(static_cast<std::size_t>(verb::input) +
                             index_in(every_verb, name, "verb"));
}
write_mode write_mode_of(std::string_view name) {
    return static_cast<write_mode>(index_in(modes, name, "mode"));
}
source source_of(std::string_view name) {
    const auto found = std::find(sources_by_number.begin(), sources_by_number.end(), name);
    if (found != sources_by_number.end())
        return static_cast<source>(found - sources_by_number.begin());
    unsigned n = 0;
    for (const char c : name)
        n = c >= '0' && c <= '9' ? n * 10 + static_cast<unsigned>(c - '0') : 99;
    if (!name.empty() && n < max_sources) return static_cast<source>(n);
    throw misuse(
        fmt::format("there is no source `{}`", name),
        fmt::format("one of {}, or the number of one of the host's own, from {} on; --kind "
                    "chooses by the kind's name",
                    fmt::join(sources_by_number, ", "), first_host_source));
}
std::string_view name_of_source(source s) {
    const auto n = static_cast<std::size_t>(s);
    return n < sources_by_number.size() ? sources_by_number[n] : std::string_view{};
}

std::vector<std::string_view> fixed_words(words w) {
    const auto of = [](const auto& names) {
        return std::vector<std::string_view>(names.begin(), names.end());
    };
    switch (w) {
    case words::lease_class: return of(vmsig::detail::lease_class_names);
    case words::power_verb: return of(power_verbs);
    case words::verb: return of(every_verb);
    case words::write_mode: return of(modes);
    case words::source: return of(sources_by_number);
    case words::kind: return kind_names();
    case words::key: return key_names();
    case words::button: return {"left", "right", "middle"};
    case words::memory_way: return {"bus", "memctx"};
    case words::secret: return {"bytes", "keys"};
    case words::shell: return {"bash", "zsh"};
    case words::colour: return {"auto", "always", "never"};
    case words::any:
    case words::endpoint:
    case words::file: break;
    }
    return {};
}

} // namespace ctl
