// life: a short life of a core in which everything that it can call is called: controls, adapters,
// closures of the host. At one of these calls something unexpected is done; the life goes on as
// well as it can, and in the end whoever came has gone, once.
#pragma once

#include "harness.hpp"

#include <array>
#include <memory>
#include <string>

namespace vmsig::test::lives {

/// Where a core calls out.
enum class spot : std::uint8_t {
    event,
    ready,
    flush,
    take_back,
    farewell,
    on_attach,
    adapter_ready,
    hangup,
    adapter_farewell,
    execute,
    codes,
    regions,
    neutral,
    describe,
    share_fds,
    invalidate,
    closure,
    node,
    watch,
    cleanup,
    reader,
    count
};

struct limits : small_limits {
    static constexpr std::uint16_t endpoints = 3;
    static constexpr std::uint16_t adapters = 6;
    static constexpr std::uint16_t controls = 5;
    static constexpr std::uint16_t commands_per_control = 64;
    static constexpr std::uint16_t payload_blocks = 4;
};
struct traits : test_traits {
    using limits = lives::limits;
    using audit_sink = ring_sink<256>;
};

class life;

/// What is known of whoever is attached; it outlives the object.
struct record {
    const char* name = "";
    bool attached = false;
    bool detached = false; ///< a call that detaches it has returned
    int farewells = 0;
};

/// A control with everything that a control can have.
struct player {
    life& on;
    record& me;
    int number; ///< of its descriptor
    control_handle bus;

    player(life& l, record& r, int fd)
        : on{l}
        , me{r}
        , number{fd} {}
    player(player&&) = delete;
    ~player() { bus.detach(); }
    int fd() const { return number; }
    void on_event(const event& e, control_handle);
    void on_ready(interests, control_handle);
    void flush(control_handle);
    void take_back(const grant&);
    void on_detached();
};

/// An adapter with everything that an adapter can have.
struct rig {
    static constexpr roles serves =
        role::memctx_provider | role::memory_writer | role::host_management | role::input;
    life& on;
    record& me;
    adapter_handle bus;

    rig(life& l, record& r)
        : on{l}
        , me{r} {}
    rig(rig&&) = delete;
    ~rig() { bus.detach(); }
    void on_attach(adapter_handle b);
    void on_ready(cookie, adapter_handle);
    void on_hangup(cookie, adapter_handle);
    void on_detached();
    void execute(fenced_command c, adapter_handle b);
    const input_codes& codes() const;
    std::span<const input_region> regions() const;
    std::size_t neutral(std::span<const input_change> frame, adapter_handle);
    expected<memctx_locator, os_error> describe();
    expected<ram_fds, os_error> share_fds();
    void invalidate(epoch_number, adapter_handle);
};

/// A second one, which tells what happens to the machine, and types nothing.
struct probe {
    life& on;
    record& me;
    adapter_handle bus;

    probe(life& l, record& r)
        : on{l}
        , me{r} {}
    probe(probe&&) = delete;
    ~probe() { bus.detach(); }
    void on_attach(adapter_handle b);
    void on_ready(cookie, adapter_handle);
    void on_detached();
};

class life {
public:
    /// Whoever is called is one of these, or nobody: a closure of the host.
    struct called {
        spot at = spot::count;
        player* control = nullptr;
        rig* machine = nullptr;
        probe* sensor = nullptr;
    };
    using act = void (*)(life&, const called&);

    /// `what` is done at call number `when`; counted from 0.
    life(act what, std::size_t when)
        : what_{what}
        , when_{when} {}
    ~life() { over = true; }
    life(const life&) = delete;
    life& operator=(const life&) = delete;

    void live();

    // What acts act upon.

    std::unique_ptr<core<traits>> owned = std::make_unique<core<traits>>();
    core<traits>* bus = owned.get(); ///< also while it is destroyed
    endpoint_id vm = bus->add_endpoint("vm");
    endpoint_id next = bus->add_endpoint("next");
    std::unique_ptr<player> a, b, fresh, neighbour;
    std::unique_ptr<rig> machine;
    std::unique_ptr<probe> sensor, fresh_sensor, next_sensor;
    unique_fd ram = sealed_ram(1u << 16);
    watch_id watched;
    lease keys, host;
    bool over = false; ///< nothing unexpected is done any more

    void come(std::unique_ptr<player>& who, const char* name, int fd, const grant& g);
    template <class A>
    void plug(std::unique_ptr<A>& what, const char* name, endpoint_id at);
    /// One that was attached: detached, which calls `on_detached` before it returns, and destroyed.
    template <class Double>
    void end(std::unique_ptr<Double>& who);
    void end(const called& c);

    // What doubles report.

    void at(const called& c, const record& who);
    void farewell(const called& c, record& who);
    void note(player& who, const event& e);
    void expect(bool as_it_should, const char* what, const char* whom = "");

    const std::string& broken() const { return broken_; }
    std::size_t calls() const { return calls_; }
    bool acted() const { return acted_; }
    spot acted_at() const { return acted_at_; }
    std::size_t calls_at(spot s) const { return by_spot_[static_cast<std::size_t>(s)]; }

private:
    struct issued {
        correlation_id id;
        const record* by;
        unsigned receipts;
    };
    void called_now(const called& c);
    void settle();
    void ring(int descriptor, interests what = interest::read);
    void submit(const std::unique_ptr<player>& by, const command& c);
    void notice_detached();
    record& fresh_record(const char* name);
    void set_up();
    void show_memory();
    void type_and_preempt();
    void reset_and_restore();
    void ring_bells();
    void narrow();
    void leave();

    act what_;
    std::size_t when_;
    std::size_t calls_ = 0;
    std::array<std::size_t, static_cast<std::size_t>(spot::count)> by_spot_{};
    bool acted_ = false;
    spot acted_at_ = spot::count;
    std::string broken_;
    std::vector<issued> issued_;
    std::array<record, 16> records_{};
    std::size_t known_ = 0;
    std::size_t neighbour_saw_ = 0;
    int device_ = -1; ///< number of the host's descriptor
};

} // namespace vmsig::test::lives
