// I19: on the epoll reactor and a simulated kernel a core does what it does on the manual reactor,
// step by step, as long as no descriptor is ready and no call fails.
#include "variants.hpp"

namespace vmsig::simkernel {

/// A kernel with a clock, and nothing else that happens.
class bare_ground : public sim::scripted_ground {
public:
    bare_ground(sim::stage& s, std::uint64_t seed)
        : scripted_ground{s, seed} {
        library::cost = &s.cost;
    }
    bare_ground(const bare_ground&) = delete;
    bare_ground& operator=(const bare_ground&) = delete;
    ~bare_ground() { library::cost = nullptr; }

    template <class Core>
    bool pass(Core&) {
        if (kernel_.next_expiry() == instant::never()) return false;
        kernel_.advance(kernel_.next_expiry() - kernel_.now());
        return true;
    }
    template <class Core>
    void advance(Core&, duration d) {
        kernel_.advance(d);
    }

private:
    kernel kernel_;
};

struct bare : sim::plain {
    using reactor = epoll_reactor<sim_calls>;
    using ground = bare_ground;
};

} // namespace vmsig::simkernel

TEST_CASE("two reactors, one trace") {
    using namespace vmsig;
    sim::plan p;
    for (p.seed = 1; p.seed <= 100; ++p.seed) {
        CAPTURE(p.seed);
        const sim::result scripted = sim::simulate<sim::plain>(p);
        const sim::result kernel = sim::simulate<simkernel::bare>(p);
        REQUIRE(scripted.ok);
        REQUIRE(kernel.ok);
        REQUIRE(kernel.hash == scripted.hash);
        REQUIRE(kernel.counted.delivered == scripted.counted.delivered);
    }
}
