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

void timeline::line(std::string_view event, std::string_view verdict, std::string_view who,
                    std::string_view what, std::string_view colour) {
    if (style_ == style::json) {
        const nlohmann::json j{
            {"ms", elapsed_ms()}, {"step", step_}, {"event", event}, {"who", who}, {"what", what}};
        fmt::print("{}\n", j.dump());
    } else if (style_ == style::colour) {
        fmt::print("{}{:9.1f} ms{}  {}{:<6}{}  {:<8}  {}\n", dim, elapsed_ms(), off, colour,
                   verdict, off, who, what);
    } else {
        fmt::print("{:9.1f} ms  {:<6}  {:<8}  {}\n", elapsed_ms(), verdict, who, what);
    }
    std::fflush(stdout);
}

void timeline::heading(std::string_view event, std::string_view text) {
    if (style_ == style::json) return line(event, "", "", text, {});
    if (style_ == style::colour)
        fmt::print("\n{}{}{}\n", bold, text, off);
    else
        fmt::print("\n{}\n", text);
    std::fflush(stdout);
}

void timeline::part(std::string_view title) { heading("part", title); }

void timeline::step(std::string_view title) {
    ++step_;
    heading("step",
            style_ == style::json ? std::string{title} : fmt::format("{}. {}", step_, title));
}

void timeline::say(std::string_view who, std::string_view what) { line("note", "", who, what, {}); }

bool timeline::check(bool held, std::string_view who, std::string_view what) {
    ++checks_;
    if (!held) ++failures_;
    line(held ? "held" : "failed", held ? "ok" : "FAILED", who, what, held ? green : red);
    return held;
}

void timeline::summary(const facts& rows) {
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
