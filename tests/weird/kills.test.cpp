// Rows 31, 44, 47, I13, I26: a control that is killed at any of its system calls, with a lease, a
// key down, a command begun and one that waits for its time, leaves nothing: the turn that sees its
// end ends its commands and frees its lease, the key goes up, what it wrote to memory is there to
// the last byte or not at all, and the host goes on.
#include "scene.hpp"

#include <optional>

#include <sys/ptrace.h>

#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/view.hpp>

using namespace vmsig;
using namespace vmsig::test;

namespace {

constexpr std::uint64_t scratch = VMSIG_GUEST_STATE_ADDRESS + 176; // which the guest leaves alone
constexpr std::uint32_t written_bytes = 8016; // to its end, over two pages that lie apart
constexpr std::uint8_t pressed_b = 0x30, released_b = 0xb0; // scancode set 1

/// What the victim of that number writes; nobody else writes the same anywhere.
std::vector<std::byte> pattern_of(std::uint32_t victim) {
    std::vector<std::byte> bytes(written_bytes);
    for (std::size_t at = 0; at < bytes.size(); at += sizeof victim)
        std::memcpy(bytes.data() + at, &victim, sizeof victim);
    return bytes;
}

/// What is done with one lease, until somebody ends it.
void drive(const std::string& path, lease_class cls, std::uint32_t victim, memory_at to) {
    auto c = client::connect(path, {"victim", seconds(20)});
    must(static_cast<bool>(c), "can not connect");
    for (int machines = 2; machines > 0;) {
        const event* e = (*c)->next_event(seconds(20));
        must(e != nullptr, "nothing is told");
        machines -= e->is(kind::replay_end) ? 1 : 0;
    }
    const auto vm = (*c)->find("build-7");
    must(static_cast<bool>(vm), "no machine");
    const auto got = (*c)->acquire(*vm, cls);
    must(static_cast<bool>(got), "no lease");
    const lease& l = got.lease;
    command_builder now = press(l, KEY_B), later = release_key(l, KEY_B);
    std::vector<std::byte> bytes_now, bytes_later;
    if (cls == lease_class::power) now = power(l, verb::pause), later = power(l, verb::reset);
    if (cls == lease_class::memwrite) {
        now = later = write_memory(l, to, written_bytes, write_mode::paused);
        bytes_now = pattern_of(victim);
        bytes_later = pattern_of(~victim);
    }
    (void)(*c)->submit(later.delayed(seconds(3600)), bytes_later);
    (void)(*c)->submit(now, bytes_now);
    (void)(*c)->next_event(milliseconds(1));
    (void)(*c)->release(l);
}

/// Goes from stop to stop, `stops` of them; false: it ended before.
bool trace(pid_t child, int stops) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return false;
    for (; stops > 0; --stops) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
        if (::waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return false;
    }
    return true;
}

/// The machine of the victims, as whoever survives them sees it.
class survivor {
public:
    survivor()
        : vm_{*s.control->find("build-7")} {
        auto got = s.control->memctx(vm_);
        REQUIRE(got);
        root_ = got->locator.roots()[0].root;
        auto view = pread_view::open(got->locator, std::move(got->fds));
        REQUIRE(view);
        memory_.emplace(std::move(*view));
        last_ = memory();
    }

    /// Kills one at that stop; false: there is no such stop.
    bool kill_at(lease_class cls, int stop) {
        const std::uint32_t victim = ++victims_;
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            (void)s.control.release();
            ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            ::raise(SIGSTOP);
            drive(s.path(), cls, victim, {scratch, root_});
            ::_exit(0);
        }
        const bool there = trace(child, stop);
        if (there) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
        return there;
    }
    /// Every lease is free at once for the next one who asks, no key is down, and memory is as it
    /// was, or as this victim wanted it.
    void check(lease_class cls, bool killed) {
        for (const auto any : {lease_class::input, lease_class::power, lease_class::memwrite}) {
            bool free = false;
            for (int tries = 0; tries < 2000 && !free; ++tries) {
                const auto told = s.control->status(vm_, any);
                REQUIRE(told);
                free = !told->holder;
                if (!free) (void)s.rounds(1);
            }
            REQUIRE(free);
        }
        auto found = memory();
        const bool written = cls == lease_class::memwrite && found == pattern_of(victims_);
        if (!written && found != last_) FAIL("half of a write, or another's, is in memory");
        if (cls == lease_class::memwrite && killed) ++(written ? whole : none);
        last_ = std::move(found);
        if (cls == lease_class::input) check_keys();
    }
    /// A victim may have paused it, and what is paused stays so.
    void resume() {
        const auto got = s.control->acquire(vm_, lease_class::power);
        REQUIRE(got);
        const auto resumed = s.control->submit(power(got.lease, verb::resume));
        REQUIRE(resumed);
        const event* e =
            next(*s.control, [&](const event& r) { return r.correlation == resumed.id; });
        REQUIRE(e);
        REQUIRE(e->as<receipt>()->outcome == outcome::done);
        s.look_away();
        CHECK(s.control->release(got.lease) == refusal::none);
    }

    scene s;
    unsigned whole = 0, none = 0; ///< writes of the killed
    std::uint64_t keys = 0;       ///< scancodes that the guest has had

private:
    std::vector<std::byte> memory() const {
        std::vector<std::byte> bytes(written_bytes);
        REQUIRE(memory_->read(guest_address::of(scratch, root_), bytes));
        return bytes;
    }
    vmsig_guest_state guest() const {
        vmsig_guest_state state{};
        const auto bytes = std::as_writable_bytes(std::span{&state, 1}).first(176);
        REQUIRE(memory_->read(guest_address::of(VMSIG_GUEST_STATE_ADDRESS, root_), bytes));
        return state;
    }
    /// What the guest has had of its keyboard is pairs: the key went down, and up.
    void check_keys() {
        vmsig_guest_state state = guest();
        for (int tries = 0; tries < 1000 && state.key_count % 2 != 0; ++tries) {
            (void)s.rounds(1);
            state = guest();
        }
        REQUIRE(state.key_count % 2 == 0);
        const std::uint64_t kept = std::min<std::uint64_t>(state.key_count, VMSIG_GUEST_KEY_LOG);
        for (std::uint64_t n = state.key_count - kept; n < state.key_count; ++n)
            if (state.key_log[n % VMSIG_GUEST_KEY_LOG] != (n % 2 == 0 ? pressed_b : released_b))
                FAIL("a key is pressed or released twice");
        keys = state.key_count;
    }

    endpoint_id vm_;
    std::uint64_t root_ = 0;
    std::optional<pread_view> memory_;
    std::vector<std::byte> last_;
    std::uint32_t victims_ = 0;
};

} // namespace

TEST_CASE("kills: a control killed at any system call leaves no lease, no command, no descriptor") {
    survivor it;
    const char* const wish = std::getenv("VMSIG_KILLS");
    const int stride = wish ? 1 : 7;
    const int most = wish ? std::atoi(wish) : 100;
    int kills = 0;
    for (int round = 0; kills < most; ++round) {
        const int before = kills;
        for (const auto cls : {lease_class::input, lease_class::power, lease_class::memwrite}) {
            for (int stop = round % stride; kills < most; stop += stride) {
                const bool killed = it.kill_at(cls, stop);
                it.check(cls, killed);
                if (!killed) break;
                ++kills;
            }
            if (cls == lease_class::power) it.resume();
        }
        REQUIRE(kills > before);
    }
    std::printf("%d kills: %u writes whole, %u not at all, %lu scancodes\n", kills, it.whole,
                it.none, static_cast<unsigned long>(it.keys));
    CHECK(it.whole > 0); // it was killed before and after
    CHECK(it.none > 0);
    CHECK(it.keys > 0);
    it.s.finish();
    CHECK(it.s.audited("issuer_gone"));
}
