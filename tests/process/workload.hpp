// A small day in the life of a bus, on the real reactor and with the real clock: a stub machine, a
// control that goes round (types with a hold, writes, has it read back, looks for itself, asks
// late, resets), a rival that preempts it, and a thread that posts. Each step waits for the end of
// the last, so that every outcome is known beforehand: what differs is an error, what is lost a
// hang.
#pragma once

#include <poll.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include <vmsig/control/build.hpp>
#include <vmsig/core/core.hpp>
#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/view.hpp>
#include <vmsig/stub/machine.hpp>

#include <support/catch.hpp>

namespace vmsig::test {

struct workload_limits : default_limits {
    static constexpr std::uint16_t endpoints = 4;
    static constexpr std::uint16_t adapters = 16;
    static constexpr std::uint16_t controls = 8;
    static constexpr std::uint16_t host_watches = 4;
    static constexpr std::uint16_t posts = 64;
    static constexpr std::uint16_t deferred_events = 64;
    static constexpr std::uint16_t payload_blocks = 16;
    static constexpr std::uint32_t payload_bytes = 4096;
};
struct workload_traits : default_traits {
    using limits = workload_limits;
};
using workload_core = core<workload_traits>;

inline constexpr rights everything = right::observe | right::memctx | right::memread |
                                     right::memwrite | right::input | right::power | right::admin;
inline grant full(endpoint_id vm, std::uint32_t rank = 0) {
    return grant{}.on(vm).allow(everything).rank(rank);
}

/// Takes the keyboard when it is told to, types one key, and lets go.
class rival {
public:
    static constexpr std::uint16_t key = KEY_B;

    void on_event(const event& e, control_handle bus) {
        const auto* r = e.as<receipt>();
        if (!r || e.correlation != typed_) return;
        right_ = right_ && r->outcome == outcome::done;
        ++ended_;
        right_ = right_ && bus.release(lease_) == refusal::none;
    }
    void go(control_handle bus, endpoint_id vm) {
        const auto got = bus.acquire(vm, lease_class::input);
        right_ = right_ && got;
        lease_ = got.lease;
        const auto submitted = bus.submit(press(lease_, key).hold(microseconds(20)));
        right_ = right_ && submitted;
        typed_ = submitted.id;
        ++begun_;
    }
    bool settled() const { return begun_ == ended_; }
    bool right() const { return right_; }
    std::uint64_t typed() const { return begun_; }

private:
    lease lease_;
    correlation_id typed_;
    std::uint64_t begun_ = 0;
    std::uint64_t ended_ = 0;
    bool right_ = true;
};

/// Goes round.
class driver {
public:
    static constexpr std::uint16_t key = KEY_A;
    static constexpr std::uint64_t resets_every = 5;
    static constexpr std::uint64_t preempted_every = 3;

    std::function<void()> after_round;
    std::function<void()> rival_goes;
    std::function<void()> at_rest; ///< all wanted rounds are over
    std::uint64_t rounds = 0;      ///< done
    std::uint64_t wanted = 0;      ///< then `at_rest`
    std::uint64_t resets = 0;      ///< commanded
    std::uint64_t accepted = 0;    ///< commands
    std::uint64_t receipts = 0;
    const char* wrong = nullptr; ///< what happened first that should not have

    void on_event(const event& e, control_handle bus) {
        me_ = bus;
        vm_ = e.endpoint;
        if (e.is(kind::memctx_invalidated)) guest_.reset();
        if (e.is(kind::memctx_published)) look_again();
        if (e.is(kind::replay_end)) take_leases();
        if (const auto* lost = e.as<lease_lost>()) on_lost(*lost);
        if (const auto* got = e.as<lease_granted>()) on_granted(*got);
        if (const auto* r = e.as<receipt>()) on_receipt(e, *r);
        if (step_ == step::await_memory && guest_) finish_round();
    }
    /// So many rounds more, from now; on the loop thread.
    void go(std::uint64_t more) {
        wanted = rounds + more;
        if (step_ == step::rest && leases_[0].serial) type();
    }
    bool resting() const { return step_ == step::rest; }
    bool has_view() const { return guest_.has_value(); }
    control_handle handle() const { return me_; }
    lease input() const { return leases_[0]; }

private:
    enum class step { rest, typing, writing, reading, asking, resetting, await_memory, preempted };

    static constexpr std::uint64_t address =
        VMSIG_GUEST_STATE_ADDRESS + offsetof(vmsig_guest_state, scratch);

    void expect(bool ok, const char* what) {
        if (!ok && !wrong) wrong = what;
    }
    void take_leases() {
        for (const lease_class c :
             {lease_class::input, lease_class::power, lease_class::memwrite}) {
            const auto got = me_.acquire(vm_, c);
            expect(static_cast<bool>(got), "a free lease is granted");
            leases_[static_cast<unsigned>(c)] = got.lease;
        }
        if (wanted != rounds) type();
    }
    void look_again() {
        auto got = me_.memctx(vm_);
        expect(got.has_value(), "the memctx is exported");
        if (!got) return;
        root_ = got->locator.roots()[0].root;
        if (!got->fds_included) return;
        auto view = pread_view::open(got->locator, std::move(got->fds));
        expect(view.has_value(), "what is exported can be read");
        if (view) guest_.emplace(std::move(*view));
    }
    void submit(const command& c, step next) {
        const auto r = me_.submit(c);
        expect(static_cast<bool>(r), "a command is accepted");
        accepted += r ? 1 : 0;
        pending_ = r.id;
        step_ = next;
    }
    void type() {
        submit(press(leases_[0], key).hold(microseconds(20)).within(seconds(60)), step::typing);
    }
    void on_receipt(const event& e, const receipt& r) {
        ++receipts;
        expect(e.correlation == pending_, "a receipt is of the command that waits for it");
        expect(r.outcome == outcome::done, "a command is done");
        const memory_at at{address, root_};
        switch (step_) {
        case step::typing: return submit(store(leases_[2], at, rounds + 1), step::writing);
        case step::writing: return submit(read_memory(vm_, at, 8), step::reading);
        case step::reading:
            check_bytes(me_.bytes(e.payload));
            return submit(query_status(vm_).delayed(microseconds(50)), step::asking);
        case step::asking:
            expect(r.state == vm_state::running, "the machine runs");
            if ((rounds + 1) % resets_every != 0) return finish_round();
            ++resets;
            return submit(power(leases_[1], verb::reset), step::resetting);
        case step::resetting: step_ = step::await_memory; return;
        default: return expect(false, "no receipt without a command");
        }
    }
    void check_bytes(std::span<const std::byte> read) {
        std::uint64_t value = 0;
        if (read.size() == sizeof value) std::memcpy(&value, read.data(), sizeof value);
        expect(value == rounds + 1, "the bus reads what was written");
        if (!guest_) return expect(false, "the memory is shown");
        const auto seen = guest_->read_object<std::uint64_t>({virtual_address{address}, root_});
        expect(seen && *seen == rounds + 1, "a view reads what was written");
    }
    void finish_round() {
        ++rounds;
        step_ = step::rest;
        if (after_round) after_round();
        if (step_ != step::rest) return;
        if (rival_goes && rounds % preempted_every == 0) {
            step_ = step::preempted;
            return rival_goes();
        }
        go_on();
    }
    void go_on() {
        step_ = step::rest;
        if (rounds < wanted) return type();
        if (at_rest) at_rest();
    }
    void on_lost(const lease_lost& lost) {
        expect(step_ == step::preempted && lost.lease_class == lease_class::input &&
                   lost.why == lease_end::preempted,
               "the input lease is lost to the rival alone");
        const auto again = me_.acquire(vm_, lease_class::input, {.wait = true});
        expect(again.what == acquire_result::status::waiting, "and waited for");
    }
    void on_granted(const lease_granted& got) {
        leases_[static_cast<unsigned>(got.lease_class)] = got;
        if (step_ == step::preempted) go_on();
    }

    control_handle me_;
    endpoint_id vm_;
    std::array<lease, lease_class_count> leases_;
    std::optional<pread_view> guest_;
    std::uint64_t root_ = 0;
    correlation_id pending_;
    step step_ = step::rest;
};

struct workload {
    stub::machine machine{stub::machine_options{.period = milliseconds(1)}};
    driver drives;
    rival comes;
    std::atomic<std::uint64_t> posted{0};
    std::uint64_t to_post = 0;
    std::uint64_t ran = 0; ///< of what was posted
    std::thread poster;
    workload_core bus;
    endpoint_id vm = bus.add_endpoint("vm");

    workload() {
        machine.plug_into(bus, vm);
        const control_handle challenger = bus.attach(comes, full(vm, 20));
        drives.rival_goes = [this, challenger] { comes.go(challenger, vm); };
        bus.attach(drives, full(vm, 10));
    }
    workload(const workload&) = delete;
    ~workload() { machine.unplug(); }

    /// The bus's own loop, until so many rounds are over.
    void run(std::uint64_t rounds) {
        drives.go(rounds);
        drives.at_rest = [&] { bus.stop(); };
        bus.run();
        bus.restart();
        drives.at_rest = {};
    }
    /// The same from a host's loop.
    void dispatch(std::uint64_t rounds) {
        drives.go(rounds);
        turn_until([&] { return drives.rounds == drives.wanted && drives.resting(); });
    }
    template <class Reached>
    void turn_until(Reached&& reached) {
        while (!reached()) {
            pollfd p{bus.fd(), POLLIN, 0};
            (void)::poll(&p, 1, -1); // interrupted or not
            bus.dispatch();
        }
    }
    /// A thread beside posts until the ring has taken so many.
    void post_from_beside(std::uint64_t n) {
        to_post += n;
        poster = std::thread{[this, n] {
            for (std::uint64_t i = 0; i < n;) {
                const bool taken = bus.post([this] { ++ran; });
                if (!taken) std::this_thread::yield();
                i += taken ? 1 : 0;
                posted += taken ? 1 : 0;
            }
        }};
    }
    /// Everything came to its end, and to the right one. Nothing may be running.
    void check_all() {
        turn_until([&] { return comes.settled() && ran == to_post && posted == to_post; });
        if (poster.joinable()) poster.join();
        CHECK(comes.right());
        CHECK(std::string{drives.wrong ? drives.wrong : ""} == "");
        CHECK(drives.rounds == drives.wanted);
        CHECK(drives.receipts == drives.accepted);
        CHECK(drives.resets == drives.rounds / driver::resets_every);
        CHECK(bus.epoch_of(vm).value == 1 + drives.resets);
        CHECK(machine.word(offsetof(vmsig_guest_state, boots)) == 1 + drives.resets);
        CHECK_FALSE(machine.holds(driver::key));
        CHECK_FALSE(machine.holds(rival::key));
        CHECK(bus.pending_of(drives.handle().origin()) == 0);
    }
};

} // namespace vmsig::test
