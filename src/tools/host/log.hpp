// log: one line to standard error for each fact. It never waits: what a full pipe does not take is
// lost, for a reader of the log must not hold up the machines.
#pragma once

#include <string>
#include <string_view>

#include <vmsig/fmt.hpp>

namespace host {

/// Bytes that would shape the line, or a terminal, appear as '?': names come from peers too.
void log_line(std::string_view what) noexcept;

template <class... Args>
void log(fmt::format_string<Args...> format, Args&&... args) {
    log_line(fmt::format(format, std::forward<Args>(args)...));
}

/// Of a control or a machine: as vmsigctl prints it, and as the lines of the audit have it.
template <class Tag>
std::string numbered(vmsig::slot_id<Tag> id) {
    return fmt::format("{} ({} in the audit)", id, id.value);
}

} // namespace host
