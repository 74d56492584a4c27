// manual_reactor: the reactor of tests and simulations. Its clock and the readiness of its
// descriptors are what the script says; the kernel knows of neither, and nothing ever blocks.
// It models edges and consumption as the real ones have them, so that a loop which forgets to
// `arm` or to `ring` sleeps here too.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <optional>
#include <vector>

#include <vmsig/base/assert.hpp>
#include <vmsig/base/function_ref.hpp>
#include <vmsig/reactor/fwd.hpp>
#include <vmsig/reactor/reactor.hpp>
#include <vmsig/reactor/sleep_flag.hpp>

namespace vmsig {

/// Models `reactor`. Allocates at construction only.
class manual_reactor {
public:
    enum class call : std::uint8_t { add, modify, wait };

    static constexpr std::size_t default_capacity = 1024;

    /// `capacity`: descriptors that are watched or scripted as ready; `add` beyond it is ENOSPC.
    explicit manual_reactor(std::size_t capacity = default_capacity,
                            instant start = {1'000'000'000})
        : capacity_{capacity}
        , now_{start} {
        rows_.reserve(capacity);
    }
    manual_reactor(manual_reactor&&) = delete;
    manual_reactor& operator=(manual_reactor&&) = delete;

    // --- the script ---

    void set_time(instant now) { now_ = now; }
    void advance(duration by) { now_ = now_ + by; }
    /// A blocking wait that finds nothing jumps to the armed time.
    void auto_advance(bool on) { auto_advance_ = on; }

    /// Ready until cleared, watched or not.
    void make_ready(int fd, interests what) {
        row* r = find(fd);
        if (r == nullptr) r = append({.fd = fd});
        VMSIG_ASSERT(r != nullptr);
        if (r != nullptr) r->ready = r->ready | what;
    }
    void clear_ready(int fd, interests what = interests::all()) {
        if (row* r = find(fd)) r->ready = r->ready & ~what;
        drop_if_unused(fd);
    }

    /// The next `times` of `which` fail with errno `code` and change nothing.
    void fail(call which, int code, unsigned times = 1) { failing(which) = {code, times}; }

    /// The order within a batch: shuffled from now on, or (0) by the time of `add`.
    void shuffle(std::uint64_t seed) { random_ = seed; }

    /// Called by a blocking wait that nothing will ever end; borrowed for the reactor's life.
    template <class Hook>
    void on_idle(Hook& hook) {
        on_idle_.emplace(hook);
    }

    // --- what a test looks at ---

    bool watched(int fd) const {
        const row* r = find(fd);
        return r != nullptr && r->watched;
    }
    std::size_t watch_count() const {
        return static_cast<std::size_t>(
            std::count_if(rows_.begin(), rows_.end(), [](const row& r) { return r.watched; }));
    }
    instant armed() const { return armed_; }
    /// Between `prepare_sleep` and `awake`, and not woken since.
    bool asleep() const { return asleep_.declared(); }
    std::uint64_t idle_count() const { return idles_; }
    /// What a host that polls `fd` would see.
    bool readable() const {
        return bell_.load() || timer_at_ <= now_ ||
               std::any_of(rows_.begin(), rows_.end(),
                           [](const row& r) { return r.watched && r.told().any(); });
    }

    // --- the reactor ---

    expected<void, os_error> add(int fd, interests what, std::uint64_t token) {
        VMSIG_ASSERT(token <= max_watch_token);
        if (const int code = fails(call::add)) return unexpected{os_error{code, "add"}};
        if (fd < 0) return unexpected{os_error{EBADF, "add"}};
        if (watched(fd)) return unexpected{os_error{EEXIST, "add"}};
        row added{fd, true, what, {}, token};
        if (const row* known = find(fd)) {
            added.ready = known->ready;
            erase(fd);
        }
        if (append(added) == nullptr) return unexpected{os_error{ENOSPC, "add"}};
        return {};
    }
    expected<void, os_error> modify(int fd, interests what, std::uint64_t token) {
        VMSIG_ASSERT(token <= max_watch_token);
        if (const int code = fails(call::modify)) return unexpected{os_error{code, "modify"}};
        row* r = find(fd);
        if (fd < 0) return unexpected{os_error{EBADF, "modify"}};
        if (r == nullptr || !r->watched) return unexpected{os_error{ENOENT, "modify"}};
        r->what = what;
        r->token = token;
        return {};
    }
    void remove(int fd) noexcept {
        if (row* r = find(fd)) r->watched = false;
        drop_if_unused(fd);
    }

    expected<std::size_t, os_error> wait(std::span<readiness> out, bool block) {
        VMSIG_ASSERT(!out.empty());
        if (const int code = fails(call::wait)) {
            if (code == EINTR) return 0;
            return unexpected{os_error{code, "wait"}};
        }
        const bool sleep = block && armed_ > last_now_;
        const bool rung = bell_.exchange(false);
        const bool expired = take_expiry();
        const std::size_t told = collect(out);
        if (sleep && told == 0 && !rung && !expired) idle();
        return told;
    }

    instant now() noexcept { return last_now_ = now_; }
    void arm(instant when) noexcept {
        armed_ = when;
        if (when <= last_now_)
            ring();
        else
            timer_at_ = when;
    }

    void prepare_sleep() noexcept { asleep_.declare(); }
    void awake() noexcept { asleep_.withdraw(); }
    void wake() noexcept {
        if (asleep_.claim()) bell_.store(true);
    }
    void wake_ordered() noexcept {
        if (asleep_.claim_ordered()) bell_.store(true);
    }
    void ring() noexcept { bell_.store(true); }

    /// There is none: `readable` stands for it.
    int fd() const noexcept { return -1; }

private:
    struct row {
        int fd = -1;
        bool watched = false;
        interests what{};
        interests ready{};
        std::uint64_t token = 0;

        interests told() const { return ready & (what | always_told); }
    };
    struct failure {
        int code = 0;
        unsigned times = 0;
    };

    const row* find(int fd) const {
        const auto at =
            std::find_if(rows_.begin(), rows_.end(), [&](const row& r) { return r.fd == fd; });
        return at == rows_.end() ? nullptr : &*at;
    }
    row* find(int fd) { return const_cast<row*>(std::as_const(*this).find(fd)); }
    row* append(const row& r) {
        if (rows_.size() == capacity_) return nullptr;
        return &rows_.emplace_back(r);
    }
    void erase(int fd) {
        const auto index = static_cast<std::size_t>(find(fd) - rows_.data());
        rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(index));
        if (index < next_) --next_;
    }
    void drop_if_unused(int fd) {
        const row* r = find(fd);
        if (r != nullptr && !r->watched && !r->ready.any()) erase(fd);
    }

    failure& failing(call which) { return failing_[static_cast<std::size_t>(which)]; }
    /// The errno to fail with, or 0.
    int fails(call which) {
        failure& f = failing(which);
        if (f.times == 0) return 0;
        --f.times;
        return f.code;
    }

    /// Takes turns when there are more than `out` has room for.
    std::size_t collect(std::span<readiness> out) {
        std::size_t told = 0;
        std::size_t at = next_ < rows_.size() ? next_ : 0;
        for (std::size_t seen = 0; seen < rows_.size() && told < out.size(); ++seen) {
            const row& r = rows_[at];
            if (r.watched && r.told().any()) out[told++] = {r.token, r.told()};
            at = at + 1 == rows_.size() ? 0 : at + 1;
        }
        next_ = told == out.size() ? at : 0;
        for (std::size_t i = told; random_ != 0 && i > 1; --i)
            std::swap(out[i - 1], out[next_random() % i]);
        return told;
    }
    /// xorshift64 (Marsaglia 2003).
    std::uint64_t next_random() {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return random_;
    }

    bool take_expiry() {
        if (timer_at_ > now_) return false;
        last_now_ = std::max(last_now_, timer_at_);
        timer_at_ = instant::never();
        return true;
    }
    void idle() {
        if (auto_advance_ && timer_at_ != instant::never()) {
            now_ = timer_at_;
            take_expiry();
            return;
        }
        ++idles_;
        if (on_idle_) (*on_idle_)();
    }

    std::size_t capacity_;
    std::vector<row> rows_; ///< in the order of `add`
    std::size_t next_ = 0;  ///< where the next batch begins
    instant now_;
    instant last_now_; ///< as last read by the loop
    instant armed_ = instant::never();
    instant timer_at_ = instant::never(); ///< what will make an edge
    sleep_flag asleep_;
    std::atomic<bool> bell_ = false;
    bool auto_advance_ = false;
    std::array<failure, 3> failing_{};
    std::optional<function_ref<void()>> on_idle_;
    std::uint64_t idles_ = 0;
    std::uint64_t random_ = 0;
};

} // namespace vmsig
