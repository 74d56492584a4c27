// The bodies of life.hpp. A double touches nothing of its own after its call was told: it may have
// been destroyed in it.
#include "life.hpp"

#include <fcntl.h>
#include <linux/input-event-codes.h>

namespace vmsig::test::lives {

namespace {

constexpr std::array<input_region, 1> screens{{{1, 100, 100}}};
const input_codes all_codes = input_codes::keyboard() | input_codes::tablet();
constexpr std::size_t ram_size = 1u << 16;
/// Descriptors of the manual reactor: numbers and nothing else.
constexpr int bell_of_machine = 100, hung_up = 101, bell_of_sensor = 102;

bool was_bound(control_handle h) { return static_cast<bool>(h.origin()); }
bool was_bound(adapter_handle h) { return static_cast<bool>(h.id()); }

} // namespace

void player::on_event(const event& e, control_handle) {
    on.note(*this, e);
    on.at({.at = spot::event, .control = this}, me);
}
void player::on_ready(interests, control_handle) {
    on.at({.at = spot::ready, .control = this}, me);
}
void player::flush(control_handle) { on.at({.at = spot::flush, .control = this}, me); }
void player::take_back(const grant&) { on.at({.at = spot::take_back, .control = this}, me); }
void player::on_detached() { on.farewell({.at = spot::farewell, .control = this}, me); }

void rig::on_attach(adapter_handle b) {
    bus = b;
    (void)b.watch(bell_of_machine, interest::read, cookie{1});
    (void)b.watch(hung_up, interest::read, cookie{2});
    on.at({.at = spot::on_attach, .machine = this}, me);
}
void rig::on_ready(cookie, adapter_handle) {
    on.at({.at = spot::adapter_ready, .machine = this}, me);
}
void rig::on_hangup(cookie, adapter_handle) { on.at({.at = spot::hangup, .machine = this}, me); }
void rig::on_detached() { on.farewell({.at = spot::adapter_farewell, .machine = this}, me); }
void rig::execute(fenced_command c, adapter_handle b) {
    const bool taken = c.take().has_value();
    on.at({.at = spot::execute, .machine = this}, me);
    if (taken) b.complete(c.id()); // of one that is detached it is ignored
}
const input_codes& rig::codes() const {
    on.at({.at = spot::codes, .machine = const_cast<rig*>(this)}, me);
    return all_codes;
}
std::span<const input_region> rig::regions() const {
    on.at({.at = spot::regions, .machine = const_cast<rig*>(this)}, me);
    return screens;
}
std::size_t rig::neutral(std::span<const input_change> frame, adapter_handle) {
    const std::size_t n = frame.size();
    on.at({.at = spot::neutral, .machine = this}, me);
    return n;
}
expected<memctx_locator, os_error> rig::describe() {
    on.at({.at = spot::describe, .machine = this}, me);
    memctx_locator l;
    l.fd_count = 1;
    (void)l.add(ram_region{0, ram_size, 0, 0, 0});
    return l;
}
expected<ram_fds, os_error> rig::share_fds() {
    ram_fds f;
    f.fd[0] = on.ram.get();
    f.count = 1;
    on.at({.at = spot::share_fds, .machine = this}, me);
    return f;
}
void rig::invalidate(epoch_number e, adapter_handle b) {
    on.at({.at = spot::invalidate, .machine = this}, me);
    (void)b.publish(e);
}

void probe::on_attach(adapter_handle b) {
    bus = b;
    if (on.sensor.get() == this) (void)b.watch(bell_of_sensor, interest::read, cookie{3});
    on.at({.at = spot::on_attach, .sensor = this}, me);
}
void probe::on_ready(cookie, adapter_handle) {
    on.at({.at = spot::adapter_ready, .sensor = this}, me);
}
void probe::on_detached() { on.farewell({.at = spot::adapter_farewell, .sensor = this}, me); }

// What is reported.

void life::at(const called& c, const record& who) {
    expect(!who.detached && who.farewells == 0, "detach is a barrier", who.name);
    called_now(c);
}
void life::farewell(const called& c, record& who) {
    expect(++who.farewells == 1, "one last on_detached", who.name);
    called_now(c);
}
void life::called_now(const called& c) {
    const std::size_t number = calls_++;
    ++by_spot_[static_cast<std::size_t>(c.at)];
    if (over || acted_ || number != when_) return;
    acted_ = true;
    acted_at_ = c.at;
    const beside_the_turn mine;
    what_(*this, c);
    notice_detached();
}
void life::expect(bool as_it_should, const char* what, const char* whom) {
    if (as_it_should) return;
    broken_ += std::string{what} + " (" + whom + ", call " + std::to_string(calls_) + "); ";
}
void life::note(player& who, const event& e) {
    if (&who == neighbour.get()) ++neighbour_saw_;
    if (!e.is(kind::receipt)) return;
    for (issued& i : issued_)
        if (i.id == e.correlation && i.by == &who.me)
            return expect(++i.receipts == 1, "one receipt", who.me.name);
}
/// Whose handle answers `gone` is called no more but for its farewell.
void life::notice_detached() {
    for (const auto* p : {&a, &b, &fresh, &neighbour})
        if (*p && (*p)->bus.may(verb::status, vm) == refusal::gone)
            (*p)->me.detached = (*p)->me.attached;
    if (machine && !machine->bus.endpoint()) machine->me.detached = machine->me.attached;
    for (const auto* p : {&sensor, &fresh_sensor, &next_sensor})
        if (*p && !(*p)->bus.endpoint()) (*p)->me.detached = (*p)->me.attached;
}
record& life::fresh_record(const char* name) {
    REQUIRE(known_ < records_.size());
    records_[known_].name = name;
    return records_[known_++];
}

// Who comes, and who is ended.

void life::come(std::unique_ptr<player>& who, const char* name, int fd, const grant& g) {
    if (who) return;
    who = std::make_unique<player>(*this, fresh_record(name), fd);
    try {
        who->bus = bus->attach(*who, g);
        who->me.attached = true;
    } catch (const setup_error&) {
        expect(acted_, "attaching fails of itself", name);
    }
}
template <class A>
void life::plug(std::unique_ptr<A>& what, const char* name, endpoint_id to) {
    if (what) return;
    what = std::make_unique<A>(*this, fresh_record(name));
    record& me = what->me;
    try {
        (void)bus->attach_adapter(*what, to);
        me.attached = true;
    } catch (const setup_error&) {
        expect(acted_, "attaching fails of itself", name);
        me.attached = me.farewells != 0;
    }
}
template void life::plug(std::unique_ptr<probe>&, const char*, endpoint_id);

template <class Double>
void life::end(std::unique_ptr<Double>& who) {
    if (!who || !was_bound(who->bus)) return;
    who->bus.detach();
    who->me.detached = true;
    expect(who->me.farewells == 1, "detach has called on_detached", who->me.name);
    who.reset();
}
template void life::end(std::unique_ptr<player>&);
template void life::end(std::unique_ptr<rig>&);
template void life::end(std::unique_ptr<probe>&);
void life::end(const called& c) {
    for (auto* p : {&a, &b, &fresh, &neighbour})
        if (c.control && p->get() == c.control) return end(*p);
    if (c.machine) return end(machine);
    for (auto* p : {&sensor, &fresh_sensor, &next_sensor})
        if (c.sensor && p->get() == c.sensor) return end(*p);
}

// What happens in a life.

void life::settle() {
    int turns = 0;
    while (bus->dispatch() && turns < 200) ++turns;
    expect(turns < 200, "it comes to rest");
    expect(!bus->reactor().readable(), "it is quiet at rest");
    notice_detached();
}
void life::ring(int descriptor, interests what) {
    bus->reactor().make_ready(descriptor, what);
    (void)bus->dispatch();
    bus->reactor().clear_ready(descriptor);
    settle();
}
void life::submit(const std::unique_ptr<player>& by, const command& c) {
    if (!by) return;
    if (const submit_result r = by->bus.submit(c)) issued_.push_back({r.id, &by->me, 0});
}
void life::live() {
    set_up();
    show_memory();
    type_and_preempt();
    ring_bells();
    reset_and_restore();
    narrow();
    leave();
}
void life::set_up() {
    come(neighbour, "neighbour", 90, full(next));
    plug(next_sensor, "next sensor", next);
    plug(machine, "machine", vm);
    plug(sensor, "sensor", vm);
    come(a, "a", 91, full(vm, 0));
    come(b, "b", 92, full(vm, 1));
    unique_fd fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    device_ = fd.get();
    const auto w = bus->watch(
        fd, interest::read, [this](interests) { at({.at = spot::watch}, record{}); },
        [this] { at({.at = spot::cleanup}, record{}); });
    if (w) watched = *w;
    settle();
}
void life::show_memory() {
    if (machine) (void)machine->bus.publish(bus->epoch_of(vm));
    settle();
    if (a) (void)a->bus.memctx(vm);
    submit(a, read_memory(vm, {64, 0}, 16));
    settle();
    if (a) (void)a->bus.refresh(vm);
    settle();
}
void life::type_and_preempt() {
    if (a) keys = a->bus.acquire(vm, lease_class::input).lease;
    submit(a, press(keys, KEY_A));
    submit(a, frame_of(keys, {input_change::abs(ABS_X, 5)}).in_region(1));
    submit(a, press(keys, KEY_B).delayed(seconds(1)));
    settle();
    if (b) keys = b->bus.acquire(vm, lease_class::input).lease; // of a higher rank
    if (a) (void)a->bus.acquire(vm, lease_class::input, {.wait = true});
    submit(b, press(keys, KEY_LEFTSHIFT));
    settle();
}
void life::ring_bells() {
    ring(91);
    ring(bell_of_machine);
    ring(bell_of_sensor);
    ring(hung_up, interest::hangup);
    ring(device_);
    REQUIRE(bus->post([this] { at({.at = spot::closure}, record{}); }));
    standing_post node{[this] { at({.at = spot::node}, record{}); }};
    REQUIRE(bus->post(node));
    settle();
    if (a)
        (void)a->bus.read_audit(
            vm, 3, [this](const audit_record&) { at({.at = spot::reader}, record{}); });
    settle();
}
void life::reset_and_restore() {
    if (sensor)
        (void)sensor->bus.emit(lifecycle{transition::reset, cause::guest, vm_state::unknown, 0});
    settle();
    if (a) host = a->bus.acquire(vm, lease_class::power).lease;
    submit(b, press(keys, KEY_LEFTCTRL));
    submit(a, power(host, verb::snapshot_restore));
    submit(a, query_status(vm));
    settle();
    submit(b, press(keys, KEY_LEFTALT));
    settle();
}
void life::narrow() {
    if (a) (void)a->bus.subscribe(subscription::none());
    settle();
    if (a) (void)a->bus.subscribe(subscription{});
    if (a) (void)bus->set_grant(a->bus.origin(), grant{}.on(vm).allow(right::power));
    settle();
    if (a) (void)bus->set_grant(a->bus.origin(), full(vm));
    settle();
    bus->unwatch(watched);
    settle();
}
void life::leave() {
    const std::size_t seen = neighbour_saw_;
    const bool was_disturbed = acted_;
    if (next_sensor) (void)next_sensor->bus.emit(console_output{});
    settle();
    const bool listens = neighbour && !neighbour->me.detached;
    const bool speaks = next_sensor && !next_sensor->me.detached;
    expect(acted_ != was_disturbed || neighbour_saw_ - seen == (listens && speaks),
           "a neighbour is not disturbed");
    for (const auto* p : {&a, &b, &fresh})
        if (*p) expect(bus->pending_of((*p)->bus.origin()) == 0, "all has ended", (*p)->me.name);
    for (const issued& i : issued_)
        expect(i.receipts == 1 || i.by->detached, "one receipt", i.by->name);
    if (b) b->bus.detach(); // with a key down
    settle();
    if (a) keys = a->bus.acquire(vm, lease_class::input).lease;
    submit(a, press(keys, KEY_C));
    settle();
    if (a) a->bus.detach();
    settle();
    if (a) come(fresh, "last", 94, full(vm));
    settle();
    if (fresh) keys = fresh->bus.acquire(vm, lease_class::input).lease;
    submit(fresh, press(keys, KEY_D));
    settle();
    if (machine) machine->bus.detach(); // with a key down
    settle();
    bus->remove_endpoint(vm);
    settle();
    owned.reset();
    for (const record& r : records_)
        expect(r.farewells == (r.attached ? 1 : 0), "one last on_detached", r.name);
}

} // namespace vmsig::test::lives
