// ticker: a sensor that says every so often that it is there: the smallest adapter that is worth
// attaching, and something to look at where a machine is quiet.
#pragma once

#include <cstdint>

#include <vmsig/adapter/handle.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/event/kind.hpp>

namespace host {

/// Payload of the kind "tick".
struct tick {
    std::uint64_t count = 0; ///< since the ticker was attached; one that comes late counts for all
};

class ticker {
public:
    static constexpr std::string_view name = "tick"; ///< of the kind, and of its source
    static constexpr vmsig::kind_traits traits(vmsig::source s) {
        return {.name = name, .source = s, .coalesces = true};
    }

    /// Throws std::system_error.
    ticker(vmsig::duration every, vmsig::kind as);
    ticker(const ticker&) = delete;
    ticker& operator=(const ticker&) = delete;
    ~ticker() { bus_.detach(); }

    void on_attach(vmsig::adapter_handle bus);
    void on_ready(vmsig::cookie, vmsig::adapter_handle bus);

private:
    vmsig::unique_fd timer_;
    vmsig::kind kind_;
    vmsig::adapter_handle bus_;
    tick last_;
};

} // namespace host
