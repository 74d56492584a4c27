// vmsigctl completion: a script that lets a shell complete command lines, made from the table of
// verbs.
#include <fmt/format.h>

#include "command.hpp"
#include "trouble.hpp"
#include "verbs.hpp"

namespace ctl {

namespace {

/// What a shell function says to complete a place with.
std::string source_of_words(const parameter& p) {
    if (p.what == words::endpoint)
        return "$(vmsigctl ${uri:+--uri \"$uri\"} list --names "
               "--timeout 1s 2>/dev/null)";
    if (p.what == words::file) return "@file";
    return fmt::format("{}", fmt::join(fixed_words(p.what), " "));
}

std::string words_after(std::string_view path) {
    std::vector<std::string_view> out;
    for (const command& c : commands()) {
        if (!path.empty() && c.path.substr(0, path.size() + 1) != std::string{path} + " ") continue;
        std::string_view rest = path.empty() ? c.path : c.path.substr(path.size() + 1);
        rest = rest.substr(0, rest.find(' '));
        if (out.empty() || out.back() != rest) out.push_back(rest);
    }
    return fmt::format("{}", fmt::join(out, " "));
}

std::string options_of(std::span<const parameter> all) {
    std::string out;
    for (const parameter& p : all)
        if (p.is_option()) out += fmt::format(" {}", p.name);
    return out;
}

void cases_of_values(std::string& out) {
    std::vector<std::string_view> done;
    const auto put = [&](const parameter& p) {
        const bool again = std::find(done.begin(), done.end(), p.name) != done.end();
        if (!p.is_option() || p.is_flag() || again) return;
        done.push_back(p.name);
        out += fmt::format("    {}) words=\"{}\" ;;\n", p.name, source_of_words(p));
    };
    for (const parameter& p : global_options()) put(p);
    for (const command& c : commands())
        for (const parameter& p : c.parameters) put(p);
}

std::string options_with_value() {
    std::string out;
    const auto put = [&](const parameter& p) {
        const std::string name = fmt::format("|{}", p.name);
        if (p.is_option() && !p.is_flag() && (out + "|").find(name + "|") == std::string::npos)
            out += name;
    };
    for (const parameter& p : global_options()) put(p);
    for (const command& c : commands())
        for (const parameter& p : c.parameters) put(p);
    return out.substr(1);
}

void cases_of_verbs(std::string& out) {
    for (const command& c : commands()) {
        out +=
            fmt::format("    \"{}\")\n        options=\"{}\"\n", c.path,
                        options_of(c.parameters).empty() ? "" : options_of(c.parameters).substr(1));
        out += "        case $place in\n";
        unsigned n = 0;
        for (const parameter& p : c.parameters) {
            if (p.is_option()) continue;
            const bool last = p.how == repeat::many || p.how == repeat::at_least_one;
            out += fmt::format("        {}) words=\"{}\" ;;\n",
                               last ? std::string{"*"} : std::to_string(n), source_of_words(p));
            if (last) break;
            ++n;
        }
        out += "        esac ;;\n";
    }
}

void cases_of_nouns(std::string& out) {
    out += fmt::format("    \"\") words=\"{}\" ;;\n", words_after(""));
    std::string_view before;
    for (const command& c : commands()) {
        const std::size_t space = c.path.find(' ');
        if (space == std::string_view::npos || c.path.substr(0, space) == before) continue;
        before = c.path.substr(0, space);
        out += fmt::format("    \"{}\") words=\"{}\" ;;\n", before, words_after(before));
    }
}

std::string script() {
    std::string out =
        R"(# vmsigctl: completion for bash, and for zsh after bashcompinit.
_vmsigctl() {
    local current=${COMP_WORDS[COMP_CWORD]} before= word path= uri= options= words= n place=0
    COMPREPLY=()
    for ((n = 1; n < COMP_CWORD; ++n)); do
        word=${COMP_WORDS[n]}
        case $word in
        --) return ;;
        )" +
        options_with_value() + R"()
            [[ ${COMP_WORDS[n + 1]} == = ]] && ((++n))
            ((++n))
            [[ $word == --uri ]] && ((n < COMP_CWORD)) && uri=${COMP_WORDS[n]}
            ;;
        -*) ;;
        *)
            case $path in
            )";
    std::string nouns;
    for (const char* each : {"", "mem", "lease", "input"})
        nouns += fmt::format("{}\"{}\"", nouns.empty() ? "" : "|", each);
    out += nouns + R"() path=${path:+$path }$word ;;
            *) ((++place)) ;;
            esac
            ;;
        esac
    done
    before=${COMP_WORDS[COMP_CWORD - 1]}
    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
    [[ $current == = ]] && current=
    case $before in
)";
    cases_of_values(out);
    out += R"(    *) before= ;;
    esac
    if [[ -z $before ]]; then
        case $path in
)";
    cases_of_nouns(out);
    cases_of_verbs(out);
    std::string global = options_of(global_options());
    out += "        esac\n        [[ $current == -* ]] && words=\"$options" + global +
           " --help\"\n    fi\n" + R"(    if [[ $words == @file ]]; then
        COMPREPLY=($(compgen -f -- "$current"))
    else
        COMPREPLY=($(compgen -W "$words" -- "$current"))
    fi
}
complete -F _vmsigctl vmsigctl
)";
    return out;
}

} // namespace

int completion(context& c) {
    const std::string& shell = c.given["SHELL"];
    if (shell != "bash" && shell != "zsh")
        throw misuse(fmt::format("there is no completion for `{}`", shell), "one of bash, zsh");
    std::string out = script();
    if (shell == "zsh") out = "autoload -U +X bashcompinit && bashcompinit\n" + out;
    c.out.raw(out.data(), out.size());
    return success;
}

} // namespace ctl
