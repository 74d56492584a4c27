// fenced_command: a command as it reaches an adapter, its payload behind the fence. Only `take()`
// gets it out, and only while (origin, serial, epoch) are still those of the lease and the VM; at
// that instant execution begins. This is the check that carries the weight: all before it are
// courtesy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <vmsig/base/anchor.hpp>
#include <vmsig/base/expected.hpp>
#include <vmsig/event/command.hpp>
#include <vmsig/event/outcome.hpp>
#include <vmsig/event/payloads.hpp>

namespace vmsig {

/// A command that has begun. The references live until it is completed.
struct taken_command {
    const vmsig::command& command;
    std::span<const input_change> frame; ///< input: what changes, repeats already left out
    std::span<const std::byte> bulk;     ///< long writes: the bytes, then the expected ones
};

/// How an adapter says that a command ended.
struct completion {
    vmsig::outcome outcome = outcome::done; ///< done or failed
    vmsig::failure failure = failure::none;
    vm_state state = vm_state::unknown; ///< `status`
    std::int32_t error = 0;             ///< errno, with failure::io
    std::uint32_t bytes = 0;            ///< memory writes
    std::uint64_t value = 0;            ///< `mismatch`: what was there instead

    static constexpr completion failed(vmsig::failure why, std::int32_t error = 0) {
        return {.outcome = outcome::failed, .failure = why, .error = error};
    }
};

inline constexpr completion completed{};

struct adapter_api;
class adapter_handle;

class fenced_command {
public:
    constexpr fenced_command(const anchor& core, adapter_id to, correlation_id id)
        : anchor_{&core}
        , to_{to}
        , id_{id} {}
    fenced_command(const adapter_handle& to, correlation_id id);

    constexpr correlation_id id() const { return id_; }

    /// Execution begins here, on the loop thread, once. An outcome instead: the command is no
    /// longer to be executed and the core has ended it.
    expected<taken_command, outcome> take() const;

    /// It waits to be taken. Whoever keeps commands for later may drop one that does not: it was
    /// taken, or the core has ended it.
    bool pending() const;

private:
    const anchor* anchor_;
    adapter_id to_;
    correlation_id id_;
};

} // namespace vmsig
