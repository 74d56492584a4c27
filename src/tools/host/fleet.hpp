// fleet: the machines of the host, each in an endpoint of its name. What they are made of is
// decided once for each: KVM only where this program has it and a guest truly runs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config.hpp"
#include "core.hpp"

namespace host {

/// A machine and what it is attached by.
class back_end {
public:
    virtual ~back_end() = default;
    virtual void plug_into(core& at, vmsig::endpoint_id endpoint) = 0;
    /// Total.
    virtual void unplug() = 0;
};

class fleet {
public:
    /// Names the kind and the source of the ticks.
    explicit fleet(core& at);
    fleet(const fleet&) = delete;
    fleet& operator=(const fleet&) = delete;
    /// Everything is unplugged.
    ~fleet();

    /// Makes what is new, removes what is not there any more, leaves the rest alone, and says so in
    /// the log. Between turns. True if there are other endpoints now.
    bool become(const std::vector<machine_config>& wanted);
    std::size_t size() const { return machines_.size(); }
    vmsig::source tick_source() const { return tick_source_; }

private:
    struct machine;

    bool has(const machine_config& m) const;
    bool add(const machine_config& m);
    std::unique_ptr<back_end> make(const machine_config& m, std::string& is) const;
    void remove(machine& m);

    core& bus_;
    vmsig::source tick_source_;
    vmsig::kind tick_kind_;
    std::vector<std::unique_ptr<machine>> machines_;
};

} // namespace host
