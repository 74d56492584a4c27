// fleet: making and removing machines.
#include "fleet.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <stdexcept>

#include <vmsig/stub/machine.hpp>

#ifdef VMSIG_HOST_KVM
#include <vmsig/kvm/machine.hpp>
#include <vmsig/kvm/probe.hpp>
#endif

#include "log.hpp"
#include "ticker.hpp"

namespace host {
namespace {

class stub_machine final : public back_end {
public:
    explicit stub_machine(bool start)
        : machine_{{.power_on = start}} {}
    void plug_into(core& at, vmsig::endpoint_id endpoint) override {
        machine_.plug_into(at, endpoint);
    }
    void unplug() override { machine_.unplug(); }

private:
    vmsig::stub::machine machine_;
};

#ifdef VMSIG_HOST_KVM
class kvm_machine final : public back_end {
public:
    explicit kvm_machine(bool start)
        : start_{start} {}
    void plug_into(core& at, vmsig::endpoint_id endpoint) override {
        machine_.plug_into(at, endpoint);
        if (start_) machine_.start();
    }
    void unplug() override { machine_.unplug(); }

private:
    vmsig::kvm::machine machine_;
    bool start_;
};

/// "" if a guest runs. Found out once, by running one.
const std::string& kvm_trouble() {
    static const std::string trouble = [] {
        const auto probed = vmsig::kvm::probe(vmsig::seconds(10));
        return probed ? std::string{} : vmsig::kvm::to_string(probed);
    }();
    return trouble;
}
std::unique_ptr<back_end> make_kvm(bool start) { return std::make_unique<kvm_machine>(start); }
#else
const std::string& kvm_trouble() {
    static const std::string trouble = "this program was built without it";
    return trouble;
}
std::unique_ptr<back_end> make_kvm(bool) { return {}; }
#endif

} // namespace

struct fleet::machine {
    machine_config is;
    vmsig::endpoint_id at;
    std::unique_ptr<back_end> runs;
    std::optional<ticker> ticks;
};

fleet::fleet(core& at)
    : bus_{at}
    , tick_source_{at.name_source(ticker::name)}
    , tick_kind_{at.register_kind(ticker::name, ticker::traits(tick_source_))} {}

fleet::~fleet() {
    for (const auto& m : machines_) m->runs->unplug();
}

bool fleet::has(const machine_config& m) const {
    return std::any_of(machines_.begin(), machines_.end(),
                       [&m](const auto& one) { return one->is.name == m.name; });
}

bool fleet::become(const std::vector<machine_config>& wanted) {
    const auto wish_for = [&wanted](const machine& m) {
        return std::find_if(wanted.begin(), wanted.end(),
                            [&m](const machine_config& w) { return w.name == m.is.name; });
    };
    bool changed = false;
    for (const auto& m : machines_) {
        const auto wish = wish_for(*m);
        if (wish == wanted.end()) {
            remove(*m);
            changed = true;
        } else if (!(*wish == m->is)) {
            log("{}: its settings have changed, it stays as it is until it is removed", m->is.name);
        }
    }
    std::erase_if(machines_, [](const auto& m) { return !m->at; });
    for (const machine_config& w : wanted)
        if (!has(w)) changed = add(w) || changed;
    return changed;
}

std::unique_ptr<back_end> fleet::make(const machine_config& m, std::string& is) const {
    const bool wants_kvm = m.backend != backend::stub;
    if (wants_kvm && kvm_trouble().empty()) {
        is = "kvm";
        return make_kvm(m.start);
    }
    if (m.backend == backend::kvm) throw std::runtime_error{"no KVM: " + kvm_trouble()};
    is = wants_kvm ? "stub, for there is no KVM: " + kvm_trouble() : "stub";
    return std::make_unique<stub_machine>(m.start);
}

bool fleet::add(const machine_config& m) {
    vmsig::endpoint_id at;
    try {
        auto made = std::make_unique<machine>();
        std::string is;
        made->is = m;
        made->runs = make(m, is);
        made->at = at = bus_.add_endpoint(m.name);
        made->runs->plug_into(bus_, at);
        if (m.tick) bus_.attach_adapter(made->ticks.emplace(m.tick, tick_kind_), at);
        machines_.push_back(std::move(made));
        log("{}: {}; it is machine {}", m.name, is, numbered(at));
        return true;
    } catch (const std::exception& e) {
        if (at) bus_.remove_endpoint(at);
        log("{}: left out: {}", m.name, e.what());
        return false;
    }
}

void fleet::remove(machine& m) {
    log("{}: removed", m.is.name);
    // First: were its adapters gone before it, what it has queued would end as their fault.
    bus_.remove_endpoint(std::exchange(m.at, {}));
    m.ticks.reset();
    m.runs->unplug();
}

} // namespace host
