// casting: the operator in process.
#include "casting.hpp"

#include "operator_part.hpp"

namespace demo {
namespace {

class in_process final : public operator_player {
public:
    in_process(world& w, timeline& out)
        : w_{w}
        , seat_{"operator", out, w} {}
    ~in_process() override { leave(); }
    in_process(const in_process&) = delete;
    in_process& operator=(const in_process&) = delete;

    void play(cue c) override {
        if (c == cue::attach) seat_.bus = w_.bus.attach(seat_, operator_grant(w_));
        part_.play(c);
    }
    void leave() override { seat_.bus.detach(); }
    vmsig::origin_id origin() const override { return seat_.bus.origin(); }

private:
    world& w_;
    seat<vmsig::control_handle> seat_;
    operator_part<vmsig::control_handle> part_{seat_};
};

} // namespace

vmsig::grant operator_grant(const world& w) {
    return vmsig::grant{}
        .on(w.vm[0])
        .on(w.vm[1])
        .allow(right::observe | right::memctx | right::memread | right::input | right::power)
        .rank(100);
}

std::unique_ptr<operator_player> operator_in_process(world& w, timeline& out) {
    return std::make_unique<in_process>(w, out);
}

} // namespace demo
