// machines: the bus of the demo, and machines of whatever kind that are plugged into it.
#pragma once

#include <memory>

#include <vmsig/vmsig.hpp>

namespace demo {

struct demo_traits : vmsig::default_traits {
    using observer = vmsig::counting_observer;
};
using demo_core = vmsig::core<demo_traits>;

/// A machine that stays plugged in as long as it lives.
class plugged_machine {
public:
    virtual ~plugged_machine() = default;
};

/// Makes one that is off.
using machine_maker = std::unique_ptr<plugged_machine> (*)(demo_core&, vmsig::endpoint_id);

template <class Machine>
class plugged final : public plugged_machine {
public:
    template <class... Options>
    plugged(demo_core& bus, vmsig::endpoint_id at, const Options&... options)
        : machine_{options...} {
        machine_.plug_into(bus, at);
    }
    ~plugged() override { machine_.unplug(); }
    plugged(const plugged&) = delete;
    plugged& operator=(const plugged&) = delete;

private:
    Machine machine_;
};

} // namespace demo
