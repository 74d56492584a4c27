// tally: what is counted over both halves of the story, for the summary.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "machines.hpp"
#include "timeline.hpp"

namespace demo {

class tally {
public:
    /// What this bus has seen.
    void add(demo_core& bus);
    /// From a key's command to the guest's echo, in microseconds.
    void add_echo(double us) { echo_us_.push_back(us); }
    void reserve_echoes(std::size_t n) { echo_us_.reserve(echo_us_.size() + n); }

    facts rows() const;

private:
    std::uint64_t events_ = 0, deliveries_ = 0, commands_ = 0, records_ = 0;
    std::array<std::uint64_t, 16> receipts_{};
    std::array<std::uint64_t, vmsig::decision_count> decisions_{};
    std::vector<double> echo_us_;
};

} // namespace demo
