// adapter_spy: stands between a core and one adapter and writes down what each does to the other.
// The adapter gets a handle whose anchor is the spy's, so that every call it makes comes through
// here on its way to the core. For conformance suites; it allocates.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <vmsig/adapter/adapter.hpp>

namespace vmsig::testing {

/// One command as the adapter treated it.
struct spied_command {
    fenced_command real;
    std::uint32_t takes = 0;
    std::uint32_t completions = 0;
    bool taken = false;   ///< a take succeeded
    bool refused = false; ///< a take said that it has ended
    bool lied = false;    ///< `done` without having been taken
};

/// What passed through the seam.
struct spied_acts {
    std::vector<spied_command> commands;
    std::vector<epoch_number> asked;     ///< by `invalidate`
    std::vector<epoch_number> published; ///< successfully or not
    std::uint32_t dropped = 0;           ///< of these
    std::uint32_t emitted = 0;
    std::uint32_t hangups = 0;
    std::uint32_t detached = 0;       ///< calls of `on_detached`
    std::uint32_t after_detached = 0; ///< calls of anything after it
    std::uint32_t thrown = 0;
    std::uint32_t owed = 0;       ///< releases that `neutral` was given
    std::uint32_t accepted = 0;   ///< ... and accepted
    std::uint32_t overtaken = 0;  ///< calls in which it accepted more than it was given
    std::uint32_t made_ready = 0; ///< calls of `input_ready`
};

class adapter_spy {
public:
    adapter_spy() {
        anchor_.adapter_api = &functions();
        anchor_.core.store(this);
    }
    adapter_spy(const adapter_spy&) = delete;
    adapter_spy& operator=(const adapter_spy&) = delete;
    virtual ~adapter_spy() = default;

    spied_acts acts;
    /// Called when a command is about to be handed over.
    std::function<void()> before_execute;

protected:
    adapter_handle handle_for(adapter_handle real) {
        real_ = real;
        return {anchor_, real.id()};
    }
    fenced_command command_for(fenced_command real) {
        acts.commands.push_back({real});
        return {anchor_, real_.id(), real.id()};
    }

private:
    static adapter_spy& self(void* p) { return *static_cast<adapter_spy*>(p); }
    spied_command* find(correlation_id id) {
        const auto at = std::find_if(acts.commands.rbegin(), acts.commands.rend(),
                                     [id](const spied_command& c) { return c.real.id() == id; });
        return at == acts.commands.rend() ? nullptr : &*at;
    }

    expected<taken_command, outcome> take(correlation_id id) {
        spied_command* c = find(id);
        if (!c) return unexpected<outcome>{outcome::cancelled};
        ++c->takes;
        auto taken = c->real.take();
        (taken ? c->taken : c->refused) = true;
        return taken;
    }
    void complete(correlation_id id, const completion& how) {
        if (spied_command* c = find(id)) {
            ++c->completions;
            c->lied = c->lied || (how.outcome == outcome::done && !c->taken);
        }
        real_.complete(id, how);
    }
    bool publish(epoch_number e) {
        acts.published.push_back(e);
        const bool ok = real_.publish(e);
        acts.dropped += !ok;
        return ok;
    }
    template <std::size_t Bytes>
    static bool emit_bytes(const adapter_handle& to, const event& e) {
        std::array<std::byte, Bytes> payload;
        std::memcpy(payload.data(), e.inline_data, Bytes);
        return to.emit(e.kind, payload);
    }
    /// An event is forwarded by its size: the payload is bytes to the core.
    template <std::size_t... N>
    static bool emit_sized(const adapter_handle& to, const event& e, std::index_sequence<N...>) {
        bool sent = false;
        (void)((e.inline_size == N + 1 && (sent = emit_bytes<N + 1>(to, e), true)) || ...);
        return sent;
    }
    bool emit(const event& e) {
        ++acts.emitted;
        if (e.payload) return real_.emit(e.kind, e.payload, e.payload_size);
        return emit_sized(real_, e, std::make_index_sequence<inline_payload_bytes>{});
    }

    static const adapter_api& functions() {
        static const adapter_api api{
            .watch = [](void* p, adapter_id, int fd, interests what,
                        cookie c) { return self(p).real_.watch(fd, what, c); },
            .rearm = [](void* p, adapter_id, watch_id w,
                        interests what) { return self(p).real_.rearm(w, what); },
            .unwatch = [](void* p, adapter_id, watch_id w) { self(p).real_.unwatch(w); },
            .emit = [](void* p, adapter_id, event& e) { return self(p).emit(e); },
            .allocate = [](void* p, adapter_id,
                           std::uint32_t n) { return self(p).real_.allocate(n); },
            .bytes = [](void* p, adapter_id, payload_id b) { return self(p).real_.bytes(b); },
            .discard = [](void* p, adapter_id, payload_id b) { self(p).real_.discard(b); },
            .publish = [](void* p, adapter_id, epoch_number e) { return self(p).publish(e); },
            .complete = [](void* p, adapter_id, correlation_id id,
                           const completion& c) { self(p).complete(id, c); },
            .take = [](void* p, adapter_id, correlation_id id) { return self(p).take(id); },
            .pending =
                [](void* p, adapter_id, correlation_id id) {
                    const spied_command* c = self(p).find(id);
                    return c && c->real.pending();
                },
            .input_ready =
                [](void* p, adapter_id) {
                    ++self(p).acts.made_ready;
                    self(p).real_.input_ready();
                },
            .endpoint = [](void* p, adapter_id) { return self(p).real_.endpoint(); },
            .epoch = [](void* p, adapter_id) { return self(p).real_.epoch(); },
            .now = [](void* p) { return self(p).real_.now(); },
            .detach = [](void* p, adapter_id,
                         bool fault) { fault ? self(p).real_.fault() : self(p).real_.detach(); },
        };
        return api;
    }

    anchor anchor_;
    adapter_handle real_;
};

/// An adapter of the same roles that passes everything on to `A`, borrowed. It must outlive `A`,
/// which may keep its handle.
template <adapter A>
class spied_adapter final : public adapter_spy {
public:
    static constexpr roles serves = served_by<A>();

    explicit spied_adapter(A& a)
        : a_{a} {}

    void on_attach(adapter_handle bus) {
        const adapter_handle mine = handle_for(bus);
        if constexpr (attachable<A>) call([&] { a_.on_attach(mine); });
    }
    void on_ready(cookie c, adapter_handle bus) requires watcher<A> {
        call([&] { a_.on_ready(c, handle_for(bus)); });
    }
    void on_hangup(cookie c, adapter_handle bus) requires requires(A& a) {
        a.on_hangup(cookie{}, adapter_handle{});
    }
    {
        ++acts.hangups;
        call([&] { a_.on_hangup(c, handle_for(bus)); });
    }
    void on_detached() {
        ++acts.detached;
        if constexpr (requires { a_.on_detached(); }) count_thrown([&] { a_.on_detached(); });
    }
    void execute(fenced_command c, adapter_handle bus) requires executor<A> {
        if (before_execute) before_execute();
        call([&] {
            const adapter_handle mine = handle_for(bus);
            a_.execute(command_for(c), mine);
        });
    }
    const input_codes& codes() const requires input_adapter<A> {
        return static_cast<const A&>(a_).codes();
    }
    std::size_t neutral(std::span<const input_change> releases,
                        adapter_handle bus) requires input_adapter<A> {
        std::size_t n = 0;
        call([&] { n = a_.neutral(releases, handle_for(bus)); });
        acts.owed += static_cast<std::uint32_t>(releases.size());
        acts.accepted += static_cast<std::uint32_t>(n);
        acts.overtaken += n > releases.size();
        return n;
    }
    expected<memctx_locator, os_error> describe() requires memctx_provider<A> {
        expected<memctx_locator, os_error> out;
        call([&] { out = a_.describe(); });
        return out;
    }
    expected<ram_fds, os_error> share_fds() requires memctx_provider<A> {
        expected<ram_fds, os_error> out;
        call([&] { out = a_.share_fds(); });
        return out;
    }
    void invalidate(epoch_number e, adapter_handle bus) requires memctx_provider<A> {
        acts.asked.push_back(e);
        call([&] { a_.invalidate(e, handle_for(bus)); });
    }

private:
    template <class F>
    void call(F&& f) {
        acts.after_detached += acts.detached != 0;
        count_thrown(f);
    }
    template <class F>
    void count_thrown(F&& f) {
        try {
            f();
        } catch (...) {
            ++acts.thrown;
            throw;
        }
    }

    A& a_;
};

} // namespace vmsig::testing
