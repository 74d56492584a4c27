// names: the words for the numbers that travel, beside those that the audit has words for. What
// tools print and the documentation lists; "" for a number that names nothing.
#pragma once

#include <vmsig/audit/names.hpp>
#include <vmsig/transport/layouts.hpp>

namespace vmsig {

namespace detail {
inline constexpr std::array<std::string_view, 9> failure_names{
    "none",     "unsupported", "not_translated", "outside_ram", "misaligned",
    "mismatch", "unavailable", "refused_by_vm",  "io"};
inline constexpr std::array<std::string_view, lane_count> lane_names{"safety", "high", "normal",
                                                                     "bulk"};
inline constexpr std::array<std::string_view, 3> write_mode_names{"atomic", "paused",
                                                                  "best_effort"};
inline constexpr std::array<std::string_view, 4> cause_names{"unknown", "guest", "host",
                                                             "watchdog"};
inline constexpr std::array<std::string_view, 5> vm_state_names{"unknown", "running", "paused",
                                                                "powered_off", "crashed"};
inline constexpr std::array<std::string_view, 4> paging_mode_names{"none", "x86_64_4_level",
                                                                   "x86_64_5_level", "aarch64_4k"};
inline constexpr std::array<std::string_view, 4> export_level_names{"refused", "weak", "guarded",
                                                                    "sealed"};
inline constexpr std::array<std::string_view, 3> cancel_names{"cancelled", "too_late", "gone"};
inline constexpr std::array<std::string_view, 3> acquire_names{"granted", "waiting", "refused"};
inline constexpr std::array<std::string_view, 9> farewell_names{
    "none", "version", "denied", "full", "late", "protocol", "detached", "silent", "by_request"};
} // namespace detail

constexpr std::string_view name_of(failure f) {
    return detail::word(detail::failure_names, static_cast<std::size_t>(f));
}
constexpr std::string_view name_of(lane l) {
    return detail::word(detail::lane_names, static_cast<std::size_t>(l));
}
constexpr std::string_view name_of(write_mode m) {
    return detail::word(detail::write_mode_names, static_cast<std::size_t>(m));
}
constexpr std::string_view name_of(cause c) {
    return detail::word(detail::cause_names, static_cast<std::size_t>(c));
}
constexpr std::string_view name_of(vm_state s) {
    return detail::word(detail::vm_state_names, static_cast<std::size_t>(s));
}
constexpr std::string_view name_of(paging_mode m) {
    return detail::word(detail::paging_mode_names, static_cast<std::size_t>(m));
}
constexpr std::string_view name_of(export_level l) {
    return detail::word(detail::export_level_names, static_cast<std::size_t>(l));
}
constexpr std::string_view name_of(cancel_result r) {
    return detail::word(detail::cancel_names, static_cast<std::size_t>(r));
}
constexpr std::string_view name_of(acquire_result::status s) {
    return detail::word(detail::acquire_names, static_cast<std::size_t>(s));
}
namespace wire {
constexpr std::string_view name_of(farewell f) {
    return vmsig::detail::word(vmsig::detail::farewell_names, static_cast<std::size_t>(f));
}
} // namespace wire
using wire::name_of;

} // namespace vmsig
