// service_manager: what a host and whoever started it say to each other: sd_notify(3) and
// sd_listen_fds(3), by hand. Without such a manager nothing happens.
#pragma once

#include <string>
#include <string_view>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/unique_fd.hpp>

namespace host {

/// Assignments, one a line: "READY=1\nSTATUS=...". Never waits.
void notify(std::string_view state) noexcept;
/// The same, for a reload: with the time at which it began.
void notify_reloading() noexcept;

/// The listening socket that was handed down; none if none was, an error for one that can not
/// serve. To be asked once: what was handed down is taken out of the environment.
vmsig::expected<vmsig::unique_fd, std::string> handed_down_socket();

} // namespace host
