// vmsigctl: watches and drives machines on a bus, by hand and from scripts.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <fmt/format.h>

#include "context.hpp"
#include "parser.hpp"
#include "trouble.hpp"
#include "values.hpp"

namespace {

bool wants_colours(const std::string& when, int fd) {
    if (when == "always") return true;
    if (when == "never") return false;
    if (when != "auto")
        throw ctl::misuse(fmt::format("--color={}: no such word", when),
                          "one of auto, always, never");
    const char* const no = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    return ::isatty(fd) == 1 && !(no && *no) && !(terminal && std::string{terminal} == "dumb");
}

void prepare(ctl::context& c) {
    const char* const uri = std::getenv("VMSIG_URI");
    c.uri = c.given.find("--uri").value_or(uri && *uri ? uri : std::string{ctl::default_uri});
    c.timeout_given = c.given.has("--timeout");
    c.timeout = ctl::duration_of(c.given.find("--timeout").value_or("10s"));
    if (!c.timeout) throw ctl::misuse("a timeout of 0 is over before it begins");
    c.out.json = c.given.has("--json");
    c.out.colours = wants_colours(c.given.find("--color").value_or("auto"), STDOUT_FILENO);
}

int say(const ctl::trouble& t, const std::string& when) {
    if (*t.what() == '\0') return t.code();
    bool red = false;
    try {
        red = wants_colours(when, STDERR_FILENO);
    } catch (const ctl::trouble&) {}
    const char* const on = red ? "\x1b[31m" : "";
    const char* const off = red ? "\x1b[0m" : "";
    fmt::print(stderr, "vmsigctl: {}{}{}\n", on, ctl::escaped(t.what()), off);
    if (!t.next().empty()) fmt::print(stderr, "  {}\n", t.next());
    return t.code();
}

int run(int argc, char** argv) {
    ctl::context c;
    const ctl::parsed verb = ctl::parse(argc, argv, c.given);
    const std::string colour = c.given.find("--color").value_or("auto");
    try {
        if (!verb.verb && verb.code == ctl::success) {
            c.out.raw(verb.text.data(), verb.text.size());
            c.out.finish();
            return ctl::success;
        }
        if (!verb.verb) throw ctl::misuse(verb.text, "`vmsigctl --help`, or man vmsigctl");
        prepare(c);
        const int code = verb.verb->run(c);
        c.out.finish();
        return code;
    } catch (const ctl::trouble& t) {
        (void)std::fflush(stdout);
        return say(t, colour);
    } catch (const std::exception& e) {
        return say({ctl::failed, e.what()}, colour);
    }
}

} // namespace

int main(int argc, char** argv) { return run(argc, argv); }
