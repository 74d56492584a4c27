// trace: what a simulation did, as a hash of all of it and the last lines in words; and the first
// rule that was broken. Lines are kept as numbers and rendered only when somebody asks.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

namespace vmsig::sim {

class trace {
public:
    void line(const char* what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0,
              std::uint64_t d = 0) {
        lines_[count_++ % kept] = {what, step_, {a, b, c, d}};
        std::uint64_t word = 0;
        for (std::size_t n = std::strlen(what); n > 0; n -= std::min<std::size_t>(n, sizeof word)) {
            std::memcpy(&word, what, std::min(n, sizeof word));
            what += std::min(n, sizeof word);
            mix(word);
        }
        for (const std::uint64_t n : {a, b, c, d}) mix(n);
    }
    void begin_step(std::uint32_t n) { step_ = n; }
    std::uint32_t step() const { return step_; }
    std::uint64_t hash() const { return hash_; }
    std::uint64_t count() const { return count_; }

    /// Ids are shown as generation:slot.
    std::string last() const {
        std::string out;
        for (std::uint64_t i = count_ < kept ? 0 : count_ - kept; i < count_; ++i) {
            const entry& e = lines_[i % kept];
            out += "  [" + std::to_string(e.step) + "] " + e.what;
            for (const std::uint64_t n : e.number) out += ' ' + shown(n);
            out += '\n';
        }
        return out;
    }

private:
    static constexpr std::uint64_t kept = 50;
    struct entry {
        const char* what = "";
        std::uint32_t step = 0;
        std::array<std::uint64_t, 4> number{};
    };

    static std::string shown(std::uint64_t n) {
        if (n < 0x10000) return std::to_string(n);
        char text[48];
        std::snprintf(text, sizeof text, "%llu:%llu", static_cast<unsigned long long>(n >> 16),
                      static_cast<unsigned long long>(n & 0xffff) - 1);
        return text;
    }
    /// FNV-1a, a word at a time.
    void mix(std::uint64_t n) { hash_ = (hash_ ^ n) * 0x100'0000'01b3; }

    std::array<entry, kept> lines_{};
    std::uint64_t count_ = 0;
    std::uint64_t hash_ = 0xcbf2'9ce4'8422'2325;
    std::uint32_t step_ = 0;
};

/// The first rule that did not hold. What follows from it is not looked at.
class verdict {
public:
    explicit verdict(trace& log)
        : log_{log} {}

    bool broken() const { return rule_ != nullptr; }
    const char* rule() const { return rule_ != nullptr ? rule_ : ""; }
    std::uint32_t step() const { return step_; }

    /// Says `holds` back.
    bool expect(bool holds, const char* rule, std::uint64_t a = 0, std::uint64_t b = 0,
                std::uint64_t c = 0, std::uint64_t d = 0) {
        if (holds || broken()) return holds;
        rule_ = rule;
        step_ = log_.step();
        log_.line("BROKEN", a, b, c, d);
        log_.line(rule);
        return false;
    }

private:
    trace& log_;
    const char* rule_ = nullptr;
    std::uint32_t step_ = 0;
};

} // namespace vmsig::sim
