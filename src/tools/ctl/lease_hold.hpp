// lease_hold: a lease, held as long as this object lives.
#pragma once

#include "context.hpp"

namespace ctl {

struct lease_wish {
    vmsig::lease_class lease_class = vmsig::lease_class::input;
    bool wait = false;          ///< while somebody else may keep it
    vmsig::duration wait_for{}; ///< at most so long; 0: as long as the limit of everything
    vmsig::duration time_to_live{};
    std::string reason = "vmsigctl";
};

class lease_hold {
public:
    /// Throws `held` when somebody else has it and waiting was not asked for, or was in vain.
    lease_hold(connection& bus, const machine& m, const lease_wish& wish);
    ~lease_hold();
    lease_hold(const lease_hold&) = delete;
    lease_hold& operator=(const lease_hold&) = delete;

    const vmsig::lease& lease() const { return lease_; }

private:
    void wait(const machine& m, const lease_wish& wish, vmsig::wait_id id);

    connection& bus_;
    vmsig::lease lease_;
};

/// The wish that --wait, --wait-for and --reason say.
lease_wish wish_of(const arguments& given, vmsig::lease_class c);

} // namespace ctl
