// timeline: rendering.
#include "timeline.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace demo {
namespace {
constexpr std::string_view bold = "\033[1m";
constexpr std::string_view dim = "\033[2m";
constexpr std::string_view red = "\033[31m";
constexpr std::string_view green = "\033[32m";
constexpr std::string_view off = "\033[0m";
} // namespace

timeline::timeline(style s)
    : style_{s} {}

double timeline::elapsed_ms() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_)
        .count();
}

void timeline::line(std::string_view event, std::string_view who, std::string_view what,
                    std::string_view colour) {
    if (style_ == style::json) {
        const nlohmann::json j{
            {"ms", elapsed_ms()}, {"step", step_}, {"event", event}, {"who", who}, {"what", what}};
        fmt::print("{}\n", j.dump());
    } else if (style_ == style::colour) {
        fmt::print("{}{:9.1f} ms{}  {:<9} {}{}{}\n", dim, elapsed_ms(), off, who, colour, what,
                   off);
    } else {
        fmt::print("{:9.1f} ms  {:<9} {}\n", elapsed_ms(), who, what);
    }
    std::fflush(stdout);
}

void timeline::step(int number, std::string_view title) {
    step_ = number;
    if (style_ == style::json) return line("step", "", title, {});
    if (style_ == style::colour)
        fmt::print("\n{}{}. {}{}\n", bold, number, title, off);
    else
        fmt::print("\n{}. {}\n", number, title);
}

void timeline::say(std::string_view who, std::string_view what) { line("note", who, what, {}); }

bool timeline::check(bool held, std::string_view what) {
    if (!held) ++failures_;
    line(held ? "held" : "failed", held ? "ok" : "FAILED", what, held ? green : red);
    return held;
}

void timeline::summary(const facts& rows) {
    step_ = 0;
    if (style_ == style::json) {
        nlohmann::json j{{"event", "summary"}};
        for (const auto& [name, value] : rows) j[name] = value;
        fmt::print("{}\n", j.dump());
        return;
    }
    fmt::print("\n{}Summary{}\n", style_ == style::colour ? bold : "",
               style_ == style::colour ? off : "");
    for (const auto& [name, value] : rows) fmt::print("  {:<24} {}\n", name, value);
}

} // namespace demo
