#include "parser.hpp"

#include <map>
#include <memory>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "trouble.hpp"

namespace ctl {

namespace {

constexpr std::size_t line_width = 64; ///< of a list of words in the help

/// Without how often CLI11 expects a place: once or more is what the names say.
class help_format : public CLI::Formatter {
    std::string make_option_usage(const CLI::Option* o) const override {
        const std::string name =
            make_option_name(o, true) + (o->get_expected_max() > 1 ? "..." : "");
        return o->get_required() ? name : "[" + name + "]";
    }
};

/// With the words that may stand there, where the text before them does not say them already.
std::string help_of(const parameter& p) {
    std::string help{p.help};
    const bool lists = p.what == words::power_verb || p.what == words::verb ||
                       p.what == words::source || p.what == words::kind;
    if (!lists) return help;
    help += ':';
    std::size_t width = line_width;
    for (const std::string_view word : fixed_words(p.what)) {
        width += word.size() + 1;
        if (width > line_width)
            width = word.size(), help += '\n';
        else
            help += ' ';
        help += word;
    }
    return help;
}

/// What a parameter got, until it is known which verb was meant.
struct slot {
    const parameter* of;
    std::vector<std::string> values;
    CLI::Option* option = nullptr;
};
using slots = std::vector<std::unique_ptr<slot>>;

void add(CLI::App& app, const parameter& p, slots& into) {
    slot& s = *into.emplace_back(std::make_unique<slot>(slot{&p, {}, nullptr}));
    const std::string name{p.name}, help = help_of(p);
    if (p.is_flag()) {
        s.option = app.add_flag(name, help);
        return;
    }
    s.option = app.add_option(name, s.values, help);
    s.option->type_name(p.is_option() ? std::string{p.value} : std::string{});
    if (p.is_option()) {
        s.option->expected(1)->allow_extra_args(false);
        if (p.how == repeat::many) s.option->take_all();
        return;
    }
    const auto at_least = [&s](int least) { s.option->expected(least, 4096); };
    switch (p.how) {
    case repeat::once: s.option->required()->expected(1)->allow_extra_args(false); break;
    case repeat::optional: s.option->expected(1)->allow_extra_args(false); break;
    case repeat::many: at_least(1); break; // or none at all: it is not required
    case repeat::at_least_one: s.option->required(), at_least(1); break;
    }
}

/// The app of a path, made where it is missing.
CLI::App& app_of(CLI::App& root, std::string_view path) {
    CLI::App* at = &root;
    std::istringstream words{std::string{path}};
    for (std::string word; words >> word;) {
        const auto named = [&word](CLI::App* a) { return a->get_name() == word; };
        const auto there = at->get_subcommands(named);
        if (there.empty()) at->add_subcommand(word)->fallthrough();
        at = at->get_subcommands(named).front();
    }
    return *at;
}

const std::map<std::string_view, std::string_view> nouns = {
    {"mem", "Guest memory, read or written by the bus"},
    {"lease", "Who drives a machine"},
    {"input", "Keys and the pointer"},
};

/// In a sentence, when a word stands where a command should; else "".
std::string unknown_command(const CLI::App& app) {
    const CLI::App* at = &app;
    std::string path;
    while (!at->get_subcommands().empty()) {
        at = at->get_subcommands().front();
        path += at->get_name() + " ";
    }
    if (at->get_require_subcommand_min() == 0) return {};
    for (const std::string& word : app.remaining(true))
        if (word.substr(0, 1) != "-") return fmt::format("there is no command `{}{}`", path, word);
    return {};
}

void take(const slots& from, arguments& into) {
    for (const auto& s : from)
        if (s->option->count() != 0) into.set(s->of->name, s->values);
}

} // namespace

parsed parse(int argc, const char* const* argv, arguments& into) {
    CLI::App app{"Watches and drives machines on a vmsig bus, by hand", "vmsigctl"};
    app.formatter(std::make_shared<help_format>());
    app.set_version_flag("--version", "vmsigctl " VMSIG_VERSION);
    app.set_help_flag("-h,--help", "what can be said here");
    app.require_subcommand(1);
    slots global;
    for (const parameter& p : global_options()) add(app, p, global);
    std::map<const CLI::App*, std::pair<const command*, slots>> verbs;
    for (const command& c : commands()) {
        CLI::App& at = app_of(app, c.path);
        at.description(std::string{c.summary});
        slots own;
        for (const parameter& p : c.parameters) add(at, p, own);
        verbs.emplace(&at, std::pair{&c, std::move(own)});
    }
    for (const auto& [noun, says] : nouns) {
        CLI::App& at = app_of(app, noun);
        at.description(std::string{says});
        at.require_subcommand(1);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        std::ostringstream out, problem;
        const bool wrong = app.exit(e, out, problem) != 0;
        if (!wrong) return {nullptr, success, out.str()};
        const std::string unknown = unknown_command(app);
        return {nullptr, misused, unknown.empty() ? e.what() : unknown};
    }
    take(global, into);
    for (const auto& [at, verb] : verbs) {
        if (!at->parsed()) continue;
        take(verb.second, into);
        return {verb.first, success, {}};
    }
    return {nullptr, misused, "no verb"};
}

} // namespace ctl
