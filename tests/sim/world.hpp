// world: one simulation: a core, who acts on it, the model that watches, and time. The dice decide
// what happens in each step; `acts.ipp` says what can.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters.hpp"
#include "controls.hpp"
#include "variants.hpp"

namespace vmsig::sim {

struct plan {
    std::uint64_t seed = 1;
    std::uint32_t steps = 400;
    std::vector<bool> left_out{}; ///< steps that are skipped, to find what a failure needs
};

struct result {
    bool ok = true;
    std::string rule;
    std::uint32_t step = 0;
    std::string trace;
    std::uint64_t hash = 0;
    shadow::counts counted;
};

template <class Traits>
class world final : public stage, private oracle {
public:
    explicit world(const plan& p)
        : stage{log_, verdict_, shadow_, meter_}
        , plan_{p}
        , shadow_{log_, verdict_, *this, Traits::limits::counter_limit}
        , ground_{*this, p.seed}
        , core_{std::make_unique<core<Traits>>()} {
        core_->observer() = {&shadow_, &meter_};
    }
    /// Those who act outlive the core.
    ~world() {
        calm = true;
        if (core_) core_->observer() = {};
        core_.reset();
        ground_.end();
    }

    result run() {
        set_up();
        std::uint32_t n = 0;
        for (; n < plan_.steps && !verdict_.broken(); ++n) {
            if (n < plan_.left_out.size() && plan_.left_out[n]) continue;
            dice = random{plan_.seed, n + 1};
            log_.begin_step(n);
            act();
            check();
        }
        log_.begin_step(n);
        if (!verdict_.broken()) settle();
        if (!verdict_.broken()) tear_down();
        result r;
        r.ok = !verdict_.broken();
        r.rule = verdict_.rule();
        r.step = verdict_.step();
        if (!r.ok) r.trace = log_.last();
        r.hash = log_.hash();
        r.counted = shadow_.counted;
        return r;
    }
    const trace& history() const { return log_; }

private:
    enum class make : std::uint8_t { machine, keyboard, pointer, touch, memory, host, sensor };
    static constexpr unsigned makes = 7;
    using ground = typename Traits::ground;
    using control_type = typename ground::control;

#include "acts.ipp"

    // The oracle.

    instant now() const override { return core_->now(); }
    epoch_number epoch_of(endpoint_id e) const override { return core_->epoch_of(e); }
    lease_status lease_of(endpoint_id e, lease_class c) const override {
        return core_->lease_of(e, c);
    }
    std::uint32_t pending_of(origin_id o) const override { return core_->pending_of(o); }

    void set_up() {
        dice = random{plan_.seed, 0};
        malice = dice.below(5);
        kind_traits t;
        t.name = "sample";
        t.source = core_->name_source("simulated");
        t.lane = lane::normal;
        samples_ = core_->register_kind("sample", t);
        shadow_.views.host_kind = t;
        ground_.begin(*core_);
        const unsigned machines = 2 + dice.below(3);
        for (unsigned i = 0; i < machines; ++i) {
            add_endpoint();
            if (dice.chance(60)) {
                attach_device(make::machine, endpoints_.back());
            } else {
                for (const make m : {make::keyboard, make::pointer, make::memory, make::host})
                    attach_device(m, endpoints_.back());
            }
        }
        for (unsigned i = 0; i < 3; ++i) attach_control();
        (void)cost.take();
    }

    void check() {
        if (verdict_.broken()) return;
        auto& audit = core_->audit();
        drain_audit(dice.chance(10));
        shadow_.check_step(audit.reserved());
        ground_.check(*core_);
        verdict_.expect(cost.take() == 0, "I18: steady state allocates nothing");
        for (const actor* a : actors_)
            if (!a->detached())
                verdict_.expect(
                    core_->pending_of(a->origin()) == shadow_.commands.pending_of(a->origin()),
                    "I8: nothing pending is forgotten", a->origin().value,
                    core_->pending_of(a->origin()), shadow_.commands.pending_of(a->origin()));
        std::erase_if(actors_, [](const actor* a) { return a->detached(); });
        std::erase_if(devices_, [](const device* d) { return d->detached(); });
    }
    void drain_audit(bool now) {
        auto& audit = core_->audit();
        std::uint64_t unsaid = 0;
        for (unsigned share = 0; share < audit_share_count; ++share) unsaid += audit.lost(share);
        if constexpr (requires { audit.sink().drain([](const audit_record&) {}); }) {
            if (!now) return;
            audit.sink().drain([&](const audit_record& r) { shadow_.audit.recorded(r); });
        } else {
            audit.sink().for_each_last(audit.number() - recorded_,
                                       [&](const audit_record& r) { shadow_.audit.recorded(r); });
            recorded_ = audit.number();
        }
        shadow_.audit.check(unsaid);
    }

    /// Faults off: everybody does what he should, until nothing is left to do and no time will
    /// change that.
    void settle() {
        calm = true;
        dice = random{plan_.seed, ~std::uint64_t{0}};
        ground_.calm();
        log_.line("calm");
        bool quiet = false;
        for (unsigned round = 0; round < 400 && !quiet && !verdict_.broken(); ++round) {
            const std::uint64_t before = log_.count();
            for (std::size_t i = 0; i < devices_.size(); ++i) devices_[i]->finish_all();
            unsigned turns = 0;
            while ((turn(4096) || ground_.calls(*core_)) && !verdict_.broken())
                if (!verdict_.expect(++turns < 1000, "I18: the loop comes to rest")) break;
            drain_audit(true);
            check();
            const bool idle = log_.count() == before + turns + 1; // the turns themselves
            quiet = !ground_.pass(*core_) && idle;
        }
        verdict_.expect(quiet, "I25: once faults are off, everything comes to an end");
        if (verdict_.broken()) return;
        shadow_.commands.check_quiet();
        shadow_.views.check_quiet();
    }
    void tear_down() {
        log_.line("tear down");
        core_->observer() = {};
        bus([&] { core_.reset(); });
        for (const auto& a : all_actors_)
            verdict_.expect(a->detached(), "the destructor detaches everybody", a->origin().value);
        for (const auto& d : all_devices_)
            verdict_.expect(d->detached(), "the destructor detaches everybody", d->id().value);
        ground_.end();
    }

    const plan plan_;
    trace log_;
    verdict verdict_{log_};
    meter meter_;
    shadow shadow_;
    ground ground_;
    std::unique_ptr<core<Traits>> core_;

    std::vector<endpoint_id> endpoints_; ///< some of them gone
    std::vector<std::shared_ptr<control_type>> all_actors_;
    std::vector<std::shared_ptr<device>> all_devices_;
    std::vector<control_type*> actors_; ///< attached
    std::vector<device*> devices_;
    kind samples_ = kind::none;
    std::uint64_t sample_number_ = 0;
    std::uint64_t recorded_ = 0;
    unsigned names_ = 0;
};

} // namespace vmsig::sim
