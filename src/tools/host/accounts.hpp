// accounts: the users and groups of the system, and the sources of the host, as a grants file names
// them. Asking the system may wait for a server: only when a file is read.
#pragma once

#include "grants.hpp"

namespace host {

class system_names final : public name_book {
public:
    /// With what the host calls its own sources, beside the bus's.
    explicit system_names(std::vector<std::pair<std::string, vmsig::source>> own = {});

    std::optional<uid_t> user(const std::string& name) const override;
    std::optional<gid_t> group(const std::string& name) const override;
    const std::vector<std::pair<std::string, vmsig::source>>& sources() const override {
        return sources_;
    }

private:
    std::vector<std::pair<std::string, vmsig::source>> sources_;
};

} // namespace host
