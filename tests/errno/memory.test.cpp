// Rule: when memory runs out at any allocation while something is made, it is not made, nothing is
// leaked, and once there is memory again it is made; what is made already goes on.
#include "stage.hpp"

#include <new>

#include <vmsig/audit/fail_closed_sink.hpp>
#include <vmsig/guest/journal_sink.hpp>
#include <vmsig/guest/json_lines_sink.hpp>
#include <vmsig/stub/machine.hpp>

#ifdef VMSIG_TEST_KVM
#include <kvm/machine.hpp>

#include <vmsig/kvm/machine.hpp>
#endif

using namespace vmsig;
using namespace vmsig::test;

namespace {

using lasting_shortage = failing_allocations::lasting;

template <class Sink>
struct audited : stage_traits {
    using audit_sink = Sink;
};

/// Makes something with its k-th allocation failing, for every k. It says whether it was made:
/// std::bad_alloc from it is a no.
template <class Make>
std::uint64_t run_short(Make&& make) {
    make(); // whatever is made once
    std::uint64_t most = 0;
    for (const auto how : {lasting_shortage::once, lasting_shortage::onward}) {
        for (std::uint64_t kth = 1, hits = 1; hits != 0; ++kth) {
            CAPTURE(kth, how == lasting_shortage::onward);
            bool made = false;
            bool other = false;
            const footprint before;
            {
                failing_allocations shortage{kth, how};
                try {
                    make();
                    made = true;
                } catch (const std::bad_alloc&) {
                } catch (...) {
                    other = true;
                }
                hits = shortage.hits();
            }
            const footprint after;
            CHECK(made == (hits == 0));
            CHECK_FALSE(other);
            CHECK(after == before);
            make();
            most = kth - 1;
        }
    }
    return most; // allocations that it makes
}

} // namespace

#define VMSIG_NEEDS_SHORTAGE()                                                                     \
    if (!failing_allocations::possible())                                                          \
    VMSIG_SKIP("under a sanitizer no allocation can be made to fail")

TEST_CASE("a core that runs out of memory at any allocation is not made, and leaks nothing") {
    VMSIG_NEEDS_SHORTAGE();
    CHECK(run_short([] { const stage_core bus; }) > 10);
    CHECK(run_short([] { const core<audited<fail_closed_sink<>>> bus; }) > 10);
    CHECK(run_short([] { const core<audited<journal_sink>> bus; }) > 10);
    CHECK(run_short([] { const core<audited<fail_closed_journal_sink>> bus; }) > 10);
    CHECK(run_short([] {
              const core<audited<json_lines_sink>> bus{{}, unique_fd{::dup(1)}};
          }) > 10);
}

TEST_CASE("a core that was not made uses up no anchor") {
    VMSIG_NEEDS_SHORTAGE();
    unsigned adjacent = 0;
    for (std::uint64_t kth = 1; kth < 10; ++kth) {
        const anchor* const before = &detail::new_anchor();
        {
            const failing_allocations shortage{kth, lasting_shortage::once};
            CHECK_THROWS_AS(stage_core{}, std::bad_alloc);
        }
        adjacent += &detail::new_anchor() == before + 1; // but at the end of a page
    }
    CHECK(adjacent >= 8);
}

TEST_CASE("a stub machine that runs out of memory is not made, and leaks nothing") {
    VMSIG_NEEDS_SHORTAGE();
    CHECK(run_short([] { const stub::machine machine; }) > 0);
}

TEST_CASE("plugging in and attaching need no memory, and what they refuse is refused without") {
    VMSIG_NEEDS_SHORTAGE();
    stage_core bus;
    stub::machine first;
    stub::machine second;
    listener ears;
    endpoint_id vm;
    bool refused = false;
    bool works = false;
    {
        const failing_allocations shortage{1, lasting_shortage::onward};
        vm = bus.add_endpoint("vm");
        first.plug_into(bus, vm);
        const control_handle me = bus.attach(ears, grant{}.on(vm).allow(everything));
        settle(bus);
        try {
            second.plug_into(bus, vm);
        } catch (const std::bad_alloc&) { // there is no memory for the setup_error's words
            refused = shortage.hits() != 0;
        }
        works = me.memctx(vm).has_value() && first.plugged() && !second.plugged();
        me.detach();
        settle(bus);
    }
    CHECK(refused);
    CHECK(works);
    first.unplug();
    second.plug_into(bus, vm);
    CHECK(second.plugged());
}

TEST_CASE("with no memory at all a machine boots, types, saves, restores and shows its memory") {
    VMSIG_NEEDS_SHORTAGE();
    stage_core bus;
    const endpoint_id vm = bus.add_endpoint("vm");
    stub::machine machine{{.clock = stub::clocking::manual}};
    machine.plug_into(bus, vm);
    listener ears;
    const control_handle me = bus.attach(ears, grant{}.on(vm).allow(everything));
    settle(bus);
    const lease power_lease = me.acquire(vm, lease_class::power).lease;
    const lease input = me.acquire(vm, lease_class::input).lease;
    unsigned done = 0;
    unsigned submitted = 0;
    bool shown = false;
    std::uint64_t hits = 0;
    {
        const failing_allocations shortage{1, lasting_shortage::onward};
        const auto run = [&](const command& c) {
            ears.last = {};
            submitted += static_cast<bool>(me.submit(c).id);
            settle(bus);
            machine.step();
            settle(bus);
            done += ears.last.outcome == outcome::done;
        };
        for (const verb v : {verb::snapshot_save, verb::reset, verb::pause, verb::resume,
                             verb::snapshot_restore, verb::resume, verb::power_off, verb::start})
            run(power(power_lease, v));
        run(press(input, KEY_A));
        shown = me.memctx(vm).has_value();
        hits = shortage.hits();
    }
    me.detach();
    CHECK(submitted == 9);
    CHECK(done == 9);
    CHECK(shown);
    CHECK(hits == 0);
}

#ifdef VMSIG_TEST_KVM
TEST_CASE("a KVM machine that runs out of memory is not made, and leaks nothing") {
    VMSIG_NEEDS_SHORTAGE();
    VMSIG_NEEDS_KVM();
    CHECK(run_short([] { const kvm::machine machine; }) > 1);
    CHECK(run_short([] {
              const auto made = kvm::vm::create();
              if (!made && made.error() == os_error{ENOMEM, "new"}) throw std::bad_alloc{};
          }) > 1);
}
#endif
