// Rule: what is needed to be an adapter of each role, shown by archetypes and by models that
// lack one thing.
#include <vmsig/adapter/adapter.hpp>

#include <support/catch.hpp>

#include <vmsig/adapter/table.hpp>

using namespace vmsig;

namespace {

using changes = std::span<const input_change>;

struct pinned {
    pinned() = delete;
    pinned(pinned&&) = delete;
};

struct sensor : pinned {
    void on_ready(cookie, adapter_handle);
};
struct only_attached : pinned {
    void on_attach(adapter_handle);
};
struct host : pinned {
    static constexpr roles serves = role::host_management;
    void execute(fenced_command, adapter_handle);
};
struct writer : pinned {
    static constexpr roles serves = role::memory_writer;
    void execute(fenced_command, adapter_handle);
};
struct keyboard : pinned {
    static constexpr roles serves = role::input;
    void execute(fenced_command, adapter_handle);
    const input_codes& codes() const;
    std::size_t neutral(changes, adapter_handle);
};
struct provider : pinned {
    static constexpr roles serves = role::memctx_provider;
    expected<memctx_locator, os_error> describe();
    expected<ram_fds, os_error> share_fds();
    void invalidate(epoch_number, adapter_handle);
};

static_assert(adapter<sensor> && adapter<only_attached> && adapter<host> && adapter<writer> &&
              adapter<keyboard> && adapter<provider>);
static_assert(watcher<sensor> && !executor<sensor> && !attachable<sensor>);
static_assert(attachable<only_attached> && executor<host> && input_adapter<keyboard> &&
              memctx_provider<provider>);
static_assert(served_by<sensor>() == roles{role::sensor});
static_assert(served_by<host>() == roles{role::host_management});

// Each of these lacks one thing.
struct that_does_nothing : pinned {};
struct host_that_cannot_execute : only_attached {
    static constexpr roles serves = role::host_management;
};
struct writer_that_cannot_execute : only_attached {
    static constexpr roles serves = role::memory_writer;
};
struct execute_without_handle : only_attached {
    static constexpr roles serves = role::host_management;
    void execute(fenced_command);
};
struct execute_of_a_bare_command : only_attached {
    static constexpr roles serves = role::host_management;
    void execute(const command&, adapter_handle);
};
struct input_without_codes : only_attached {
    static constexpr roles serves = role::input;
    void execute(fenced_command, adapter_handle);
    std::size_t neutral(changes, adapter_handle);
};
struct input_with_codes_that_change : keyboard {
    const input_codes& codes();
};
struct input_without_neutral : only_attached {
    static constexpr roles serves = role::input;
    void execute(fenced_command, adapter_handle);
    const input_codes& codes() const;
};
struct neutral_that_does_not_count : keyboard {
    void neutral(changes, adapter_handle);
};
struct neutral_that_changes_the_frame : keyboard {
    std::size_t neutral(std::span<input_change>, adapter_handle);
};
struct provider_without_describe : only_attached {
    static constexpr roles serves = role::memctx_provider;
    expected<ram_fds, os_error> share_fds();
    void invalidate(epoch_number, adapter_handle);
};
struct describe_that_cannot_fail_with_a_number : provider {
    bool describe();
};
struct provider_without_descriptors : only_attached {
    static constexpr roles serves = role::memctx_provider;
    expected<memctx_locator, os_error> describe();
    void invalidate(epoch_number, adapter_handle);
};
struct descriptors_that_are_owned : provider {
    expected<int, os_error> share_fds();
};
struct provider_that_cannot_be_invalidated : only_attached {
    static constexpr roles serves = role::memctx_provider;
    expected<memctx_locator, os_error> describe();
    expected<ram_fds, os_error> share_fds();
};
struct everything_but_one_role : provider {
    static constexpr roles serves = role::memctx_provider | role::input;
};

static_assert(!adapter<that_does_nothing>);
static_assert(!adapter<host_that_cannot_execute>);
static_assert(!adapter<writer_that_cannot_execute>);
static_assert(!adapter<execute_without_handle>);
static_assert(!adapter<execute_of_a_bare_command>);
static_assert(!adapter<input_without_codes>);
static_assert(!adapter<input_with_codes_that_change>);
static_assert(!adapter<input_without_neutral>);
static_assert(!adapter<neutral_that_does_not_count>);
static_assert(!adapter<neutral_that_changes_the_frame>);
static_assert(!adapter<provider_without_describe>);
static_assert(!adapter<describe_that_cannot_fail_with_a_number>);
static_assert(!adapter<provider_without_descriptors>);
static_assert(!adapter<descriptors_that_are_owned>);
static_assert(!adapter<provider_that_cannot_be_invalidated>);
static_assert(!adapter<everything_but_one_role>);

struct quiet_sensor {
    int calls = 0;
    bool throws = false;
    void on_ready(cookie, adapter_handle) {
        ++calls;
        if (throws) throw 1;
    }
};

} // namespace

TEST_CASE("the table has the functions that the adapter has, and null for the others") {
    constexpr const adapter_table& t = adapter_table_for<quiet_sensor>::value;
    STATIC_REQUIRE(t.serves == roles{role::sensor});
    CHECK(t.on_ready != nullptr);
    STATIC_REQUIRE(t.on_attach == nullptr);
    STATIC_REQUIRE(t.on_hangup == nullptr);
    STATIC_REQUIRE(t.on_detached == nullptr);
    STATIC_REQUIRE(t.execute == nullptr);
    STATIC_REQUIRE(t.codes == nullptr);
    STATIC_REQUIRE(t.neutral == nullptr);
    STATIC_REQUIRE(t.describe == nullptr);
    STATIC_REQUIRE(t.invalidate == nullptr);
}

TEST_CASE("the table is where an exception stops, and a handle of nobody takes the blame") {
    quiet_sensor s;
    adapter_binding b{&s, {}};
    adapter_table_for<quiet_sensor>::value.on_ready(b, cookie{1});
    s.throws = true;
    CHECK_NOTHROW(adapter_table_for<quiet_sensor>::value.on_ready(b, cookie{1}));
    CHECK(s.calls == 2);
}

TEST_CASE("a handle of nobody does nothing") {
    const adapter_handle h;
    CHECK_FALSE(h.watch(0, interest::read, {}).has_value());
    CHECK_FALSE(h.rearm({}, interest::read).has_value());
    CHECK_FALSE(h.emit(console_output{}));
    CHECK_FALSE(h.allocate(1));
    CHECK(h.bytes({}).empty());
    CHECK_FALSE(h.publish({1}));
    CHECK_FALSE(h.endpoint());
    CHECK_FALSE(h.epoch());
    CHECK_FALSE(h.now());
    h.unwatch({});
    h.discard({});
    h.complete({});
    h.input_ready();
    h.detach();
    h.fault();
}
