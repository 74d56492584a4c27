// tally: adding up, and saying so.
#include "tally.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>

namespace demo {
namespace {

/// "done 107, failed 1": those that are not 0.
template <class Value, std::size_t N>
std::string listed(const std::array<std::uint64_t, N>& counts) {
    std::string all;
    for (std::size_t i = 0; i < N; ++i)
        if (counts[i] != 0)
            all += fmt::format("{}{} {}", all.empty() ? "" : ", ",
                               vmsig::name_of(static_cast<Value>(i)), counts[i]);
    return all;
}

} // namespace

void tally::add(demo_core& bus) {
    const vmsig::counting_observer& seen = bus.observer();
    events_ += seen.events;
    deliveries_ += seen.deliveries;
    commands_ += seen.commands;
    records_ += bus.audit().number();
    for (std::size_t i = 0; i < receipts_.size(); ++i) receipts_[i] += seen.receipts[i];
    for (std::size_t i = 0; i < decisions_.size(); ++i)
        decisions_[i] += bus.audit().count(static_cast<vmsig::decision>(i));
}

facts tally::rows() const {
    std::vector<double> us = echo_us_;
    std::sort(us.begin(), us.end());
    const auto at = [&](double q) {
        if (us.empty()) return 0.0;
        const auto i = static_cast<std::size_t>(q * static_cast<double>(us.size()));
        return us[std::min(i, us.size() - 1)];
    };
    return {
        {"events", fmt::format("{}, delivered {} times", events_, deliveries_)},
        {"commands", fmt::format("{}: {}", commands_, listed<vmsig::outcome>(receipts_))},
        {"key to echo", fmt::format("median {:.0f} us, p99 {:.0f} us ({} keys of the agent)",
                                    at(0.5), at(0.99), us.size())},
        {"audit records", fmt::format("{}: {}", records_, listed<vmsig::decision>(decisions_))},
    };
}

} // namespace demo
