// log: one line to standard error for each fact. It never waits: what a full pipe does not take is
// lost, for a reader of the log must not hold up the machines.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace host {

/// Bytes that would shape the line, or a terminal, appear as '?': names come from peers too.
void log_line(std::string_view what) noexcept;

template <class... Args>
void log(fmt::format_string<Args...> format, Args&&... args) {
    log_line(fmt::format(format, std::forward<Args>(args)...));
}

} // namespace host
