// timeline: what the demo prints while it runs, for people (with colours on a terminal) or as one
// JSON object per line.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "narrator.hpp"

namespace demo {

enum class style { colour, plain, json };

using facts = std::vector<std::pair<std::string, std::string>>;

class timeline final : public narrator {
public:
    explicit timeline(style s);

    /// Begins a half of the story.
    void part(std::string_view title);
    /// Begins a step; they are numbered through both halves.
    void step(std::string_view title);
    void say(std::string_view who, std::string_view what) override;
    bool check(bool held, std::string_view who, std::string_view what) override;
    bool failed() const override { return failures_ != 0; }
    /// The last words: a table.
    void summary(const facts& rows);

    int failures() const { return failures_; }
    int checks() const { return checks_; }

private:
    void heading(std::string_view event, std::string_view text);
    void line(std::string_view event, std::string_view verdict, std::string_view who,
              std::string_view what, std::string_view colour);
    double elapsed_ms() const;

    style style_;
    int step_ = 0;
    int checks_ = 0;
    int failures_ = 0;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace demo
