// acts: everything that can happen in one step of a simulation, at the top or inside a callback.
// Included in the body of `world`.

/// Somebody does something.
void act() {
    struct entry {
        unsigned weight;
        void (world::*does)();
    };
    static constexpr std::array<entry, 36> table{{
        {18, &world::dispatch},
        {8, &world::advance},
        {24, &world::submit},
        {12, &world::acquire},
        {4, &world::release},
        {2, &world::renew},
        {2, &world::withdraw},
        {3, &world::cancel},
        {2, &world::ask},
        {3, &world::export_memctx},
        {1, &world::refresh},
        {3, &world::subscribe},
        {3, &world::set_grant},
        {3, &world::attach_control},
        {2, &world::detach_control},
        {1, &world::control_leaves},
        {1, &world::force},
        {1, &world::force_by_host},
        {2, &world::add_endpoint},
        {1, &world::remove_endpoint},
        {8, &world::attach_any_device},
        {1, &world::detach_device},
        {1, &world::device_leaves},
        {16, &world::device_proceeds},
        {3, &world::machine_changes},
        {5, &world::device_emits},
        {4, &world::device_publishes},
        {3, &world::device_is_ready},
        {2, &world::device_lies},
        {2, &world::set_pace},
        {1, &world::set_deadline},
        {2, &world::post},
        {1, &world::wake},
        {6, &world::long_turns},
        {1, &world::detach_stale},
        {2, &world::drain_sink},
    }};
    constexpr unsigned total = [] {
        unsigned sum = 0;
        for (const entry& e : table) sum += e.weight;
        return sum;
    }();
    if (ground_.act(*core_)) return;
    unsigned n = dice.below(total);
    for (const entry& e : table) {
        if (n < e.weight) return (this->*e.does)();
        n -= e.weight;
    }
}
void interfere() override {
    if (calm || nested >= 2 || broken.broken() || !core_ || !fault(8)) return;
    ++nested;
    act();
    --nested;
}

// Who.

/// Now and then one that is gone.
actor* any_actor() {
    if (!all_actors_.empty() && dice.chance(5)) return dice.pick(all_actors_).get();
    return actors_.empty() ? nullptr : dice.pick(actors_);
}
device* any_device() {
    if (!all_devices_.empty() && dice.chance(5)) return dice.pick(all_devices_).get();
    return devices_.empty() ? nullptr : dice.pick(devices_);
}
endpoint_id any_endpoint() {
    if (endpoints_.empty() || dice.chance(2)) return {};
    for (unsigned tries = 0; tries < 4; ++tries)
        if (const endpoint_id e = dice.pick(endpoints_); shadow_.cells.find(e)) return e;
    return dice.pick(endpoints_);
}
grant random_grant() {
    grant g;
    for (const endpoint_id e : endpoints_) {
        if (!shadow_.cells.find(e) || dice.chance(15)) continue;
        g.on(e).allow(dice.chance(75) ? rights::of_bits(0x7f)
                                      : rights::of_bits(dice.next() & 0x7f));
    }
    if (dice.chance(10)) g.on_every().allow(rights::of_bits(dice.next() & 0x7f));
    if (dice.chance(15)) g.sources(sources::of_bits(dice.next() | dice.next()));
    if (dice.chance(30)) g.pending(1 + dice.below(8));
    if (dice.chance(20)) g.waiters(dice.below(3));
    if (dice.chance(20)) g.timers(dice.below(4));
    g.highest_lane(static_cast<lane>(dice.below(lane_count)));
    return g.rank(dice.below(4));
}

// Time.

void dispatch() { turn(dice.chance(50) ? 1 + dice.below(6) : 4096); }
void long_turns() {
    for (unsigned i = 0; i < 20 && turn(4096); ++i) {}
}
bool turn(std::uint32_t budget) {
    log_.line("dispatch", budget, nested);
    const bool left = bus([&] { return core_->dispatch(budget); });
    if (nested == 0) ground_.turned(*core_, left);
    if (nested != 0) broken.expect(!left, "no turn inside a callback");
    return left;
}
void advance() {
    const duration d = milliseconds(dice.chance(90) ? dice.between(0, 40) : dice.between(0, 2000));
    log_.line("advance", static_cast<std::uint64_t>(d.ns));
    ground_.advance(*core_, d);
}

// Controls.

void submit() {
    actor* a = any_actor();
    const endpoint_id at = any_endpoint();
    for (unsigned i = dice.below(5); a != nullptr && i <= 4; ++i) a->submit(at);
}
void acquire() {
    if (actor* a = any_actor()) a->acquire(any_endpoint());
    if (actor* a = any_actor(); a && dice.chance(40)) a->acquire(any_endpoint());
}
void release() {
    if (actor* a = any_actor()) a->release();
}
void renew() {
    if (actor* a = any_actor()) a->renew();
}
void withdraw() {
    if (actor* a = any_actor()) a->withdraw();
}
void cancel() {
    if (actor* a = any_actor()) a->cancel();
}
void ask() {
    if (actor* a = any_actor()) a->ask(any_endpoint());
}
void export_memctx() {
    if (actor* a = any_actor()) a->export_memctx(any_endpoint());
}
void refresh() {
    if (actor* a = any_actor()) a->refresh(any_endpoint());
}
void subscribe() {
    if (actor* a = any_actor()) a->subscribe(any_endpoint());
}
void force() {
    if (actor* a = any_actor()) a->force(any_endpoint());
}
void control_leaves() {
    if (actor* a = any_actor()) a->leave();
}

// The host.

void attach_control() {
    auto a = std::make_shared<control_type>(*this);
    const grant g = random_grant();
    try {
        const control_handle h = core_->attach(*a, g);
        shadow_.views.attached(h.origin(), g, {});
        a->attached(h);
        ground_.attached(*a);
        log_.line("attach", h.origin().value);
        actors_.push_back(a.get());
        all_actors_.push_back(std::move(a));
    } catch (const setup_error& e) {
        ground_.refused(*a);
        log_.line("attach refused", static_cast<std::uint64_t>(e.fault()));
    }
}
void detach_control() {
    if (actor* a = any_actor()) detach(*a);
}
void detach_stale() {
    if (!all_actors_.empty() && actors_.size() > 1) detach(*dice.pick(all_actors_));
}
void detach(const actor& a) {
    log_.line("detach", a.origin().value);
    bus([&] { core_->detach(a.origin()); });
    if (nested != 0 && !a.detached()) return; // from inside his detachment
    shadow_.check_detached(a.origin());
    broken.expect(a.detached(), "detach is a barrier", a.origin().value);
}
void set_grant() {
    const actor* a = any_actor();
    if (!a) return;
    const grant g = dice.chance(5) ? grant{} : random_grant();
    log_.line("set_grant", a->origin().value);
    shadow_.views.regranted(a->origin(), g);
    const bool done = bus([&] { return core_->set_grant(a->origin(), g); });
    if (done) shadow_.check_grant(a->origin()); // else he is being detached
}
void force_by_host() {
    const endpoint_id e = any_endpoint();
    const auto c = static_cast<lease_class>(dice.below(lease_class_count));
    log_.line("force_release", e.value, static_cast<std::uint64_t>(c));
    bus([&] { core_->force_release(e, c); });
}
void add_endpoint() {
    char name[16];
    std::snprintf(name, sizeof name, "vm%u", ++names_);
    try {
        endpoints_.push_back(core_->add_endpoint(name));
        log_.line("add endpoint", endpoints_.back().value);
        if (endpoints_.size() > 8) endpoints_.erase(endpoints_.begin());
        if (dice.chance(50)) attach_device(make::machine, endpoints_.back());
    } catch (const setup_error& e) {
        log_.line("endpoint refused", static_cast<std::uint64_t>(e.fault()));
    }
}
void remove_endpoint() {
    const endpoint_id e = any_endpoint();
    log_.line("remove endpoint", e.value);
    if (shadow_.cells.find(e)) shadow_.views.removing(e);
    bus([&] { core_->remove_endpoint(e); });
    broken.expect(!core_->epoch_of(e) || nested != 0, "a removed endpoint is gone", e.value);
}
void set_pace() {
    shadow_endpoint* ep = shadow_.cells.find(any_endpoint());
    if (!ep) return;
    const auto c = static_cast<command_class>(dice.below(command_class_count));
    const duration d = milliseconds(dice.chance(50) ? 0 : dice.between(1, 30));
    log_.line("set_pace", ep->id.value, static_cast<std::uint64_t>(c),
              static_cast<std::uint64_t>(d.ns));
    ep->pace[static_cast<unsigned>(c)] = d;
    const endpoint_id id = ep->id;
    bus([&] { core_->set_pace(id, c, d); });
}
void set_deadline() { core_->set_drain_deadline(milliseconds(dice.between(1, 500))); }
void post() {
    bus([&] { return core_->post([this] { ours([this] { interfere(); }); }); });
}
void wake() { core_->wake(); }
void drain_sink() { drain_audit(true); }

// Adapters.

void attach_any_device() {
    const bool whole = dice.chance(40);
    attach_device(whole ? make::machine : static_cast<make>(dice.below(makes)), any_endpoint());
}
template <class D>
void attach_as(endpoint_id at, const input_codes& takes) {
    auto d = std::make_shared<D>(*this, samples_, sample_number_);
    d->takes = takes;
    all_devices_.push_back(d);
    D& it = *d;
    try {
        core_->attach_adapter(it, at);
        devices_.push_back(&it);
    } catch (const setup_error& e) {
        log_.line("adapter refused", at.value, static_cast<std::uint64_t>(e.fault()));
    }
}
void attach_device(make m, endpoint_id at) {
    const input_codes keys = input_codes::keyboard();
    const input_codes mouse = input_codes::pointer();
    const input_codes touch = input_codes::touchscreen();
    switch (m) {
    case make::machine: return attach_as<whole_machine>(at, keys | mouse | touch);
    case make::keyboard: return attach_as<input_device>(at, keys);
    case make::pointer: return attach_as<input_device>(at, mouse);
    case make::touch: return attach_as<input_device>(at, touch);
    case make::memory: return attach_as<memory_device>(at, {});
    case make::host: return attach_as<host_device>(at, {});
    case make::sensor: return attach_as<sensor_device>(at, {});
    }
}
void detach_device() {
    const device* d = any_device();
    if (!d) return;
    log_.line("detach adapter", d->id().value);
    bus([&] { core_->detach(d->id()); });
    broken.expect(d->detached() || nested != 0, "detach is a barrier", d->id().value);
}
void device_leaves() {
    if (device* d = any_device()) d->leave();
}
void device_proceeds() {
    for (unsigned tries = 0; tries < 4; ++tries)
        if (device* d = any_device(); d && d->busy()) return d->proceed();
}
void machine_changes() {
    if (device* d = any_device()) d->happens();
}
void device_emits() {
    if (device* d = any_device()) d->emit_sample();
}
void device_publishes() {
    if (device* d = any_device()) d->publish();
}
void device_is_ready() {
    if (device* d = any_device()) d->input_ready();
}
void device_lies() {
    if (device* d = any_device()) d->lie();
}
