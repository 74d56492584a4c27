// typist: input, frame by frame, under the input lease.
#pragma once

#include "lease_hold.hpp"

namespace ctl {

class typist {
public:
    /// Takes the lease, as the command line says.
    explicit typist(context& c);

    const machine& at() const { return machine_; }
    /// Presses them together; they go up again after `hold`. `what`: what is being done, for
    /// errors.
    void press(std::span<const std::uint16_t> codes, const std::string& what);
    /// Several changes at once.
    void change(std::span<const vmsig::input_change> changes, std::uint32_t region,
                const std::string& what);
    /// Says how it went. No code of a key is in it.
    void report(const std::string& did, std::string_view unit, std::size_t count);

private:
    context& c_;
    vmsig::duration hold_;
    lease_wish wish_;
    const machine& machine_;
    lease_hold lease_;
};

} // namespace ctl
