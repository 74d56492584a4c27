// timeline: what the demo prints while it runs, for people (with colours on a terminal) or as one
// JSON object per line.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace demo {

enum class style { colour, plain, json };

using facts = std::vector<std::pair<std::string, std::string>>;

class timeline {
public:
    explicit timeline(style s);

    /// Begins a step of the story.
    void step(int number, std::string_view title);
    /// Something that happened, by whom.
    void say(std::string_view who, std::string_view what);
    /// Something that must hold; false makes the whole demo fail.
    bool check(bool held, std::string_view what);
    /// The last words: a table.
    void summary(const facts& rows);

    int failures() const { return failures_; }

private:
    void line(std::string_view event, std::string_view who, std::string_view what,
              std::string_view colour);
    double elapsed_ms() const;

    style style_;
    int step_ = 0;
    int failures_ = 0;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace demo
