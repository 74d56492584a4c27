// trouble: what went wrong, with what to do next and the code to exit with.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <vmsig/client/client.hpp>

namespace ctl {

struct machine;

enum exit_code : int {
    success = 0,
    failed = 1,
    misused = 2,
    denied = 3, ///< no right, or not there: nobody says which
    held = 4,   ///< somebody else drives
    too_late = 124,
};

class trouble : public std::runtime_error {
public:
    trouble(int code, const std::string& what, std::string next = {})
        : std::runtime_error{what}
        , code_{code}
        , next_{std::move(next)} {}

    int code() const { return code_; }
    /// What to do about it; may be empty.
    const std::string& next() const { return next_; }

private:
    int code_;
    std::string next_;
};

/// `what` was refused. `name`: of the machine, for the command lines that may help.
trouble refused(vmsig::refusal why, const std::string& what, std::string_view name = "ENDPOINT");
/// The same of something on a machine that was found.
trouble refused(vmsig::refusal why, const std::string& what, const machine& m);
/// The connection to `uri` is not there, or not any more.
trouble not_connected(const vmsig::client_error& why, const std::string& uri);
/// A command on that machine ended otherwise than in `done`.
trouble not_done(const vmsig::receipt& r, const vmsig::command& c, const machine& m,
                 const std::string& what);
/// After an address outside RAM, under that page-table root: what to do next.
std::string where_it_has(std::uint64_t root, const std::string& name);
inline trouble misuse(const std::string& what, std::string next = {}) {
    return {misused, what, std::move(next)};
}

} // namespace ctl
