// context: what a verb gets: what was on the command line, where to print, whom to talk to.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connection.hpp"
#include "output.hpp"

namespace ctl {

class arguments {
public:
    void set(std::string_view name, std::vector<std::string> values) {
        given_[std::string{name}] = std::move(values);
    }
    bool has(std::string_view name) const { return given_.count(std::string{name}) != 0; }
    /// Of a place that must be there, or an option that is.
    const std::string& operator[](std::string_view name) const {
        return given_.at(std::string{name}).front();
    }
    std::optional<std::string> find(std::string_view name) const {
        return has(name) ? std::optional{(*this)[name]} : std::nullopt;
    }
    std::vector<std::string> all(std::string_view name) const {
        const auto found = given_.find(std::string{name});
        return found == given_.end() ? std::vector<std::string>{} : found->second;
    }

private:
    std::map<std::string, std::vector<std::string>> given_;
};

class context {
public:
    arguments given;
    output out;
    std::string uri;
    vmsig::duration timeout{};
    bool timeout_given = false;

    /// Made at the first call.
    connection& bus() {
        if (!connection_) connection_ = std::make_unique<connection>(uri, timeout);
        return *connection_;
    }
    /// The endpoint that the command line names, once its state is known.
    const machine& endpoint() { return bus().machine_of(given["ENDPOINT"]); }

private:
    std::unique_ptr<connection> connection_;
};

} // namespace ctl
