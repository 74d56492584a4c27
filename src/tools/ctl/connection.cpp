#include "connection.hpp"

#include <ctime>

#include <algorithm>

#include <fmt/format.h>

#include <vmsig/audit/names.hpp>

#include "output.hpp"
#include "stub_bus.hpp"
#include "trouble.hpp"
#include "values.hpp"

using namespace vmsig;

namespace ctl {

namespace {

/// The machine was found, so it is there.
trouble no_right(const vmsig::command& c, const std::string& what, const std::string& name) {
    return {denied,
            fmt::format("{}: denied: no right `{}`", what, name_of(right_of(class_of(c.verb)))),
            fmt::format("`vmsigctl may {}` shows what you may do; the host's grants decide", name)};
}

} // namespace

std::string_view path_of_socket(std::string_view uri) {
    constexpr std::string_view scheme = "unix://";
    return uri.substr(0, scheme.size()) == scheme ? uri.substr(scheme.size()) : uri;
}

connection::connection(std::string uri, duration limit)
    : uri_{std::move(uri)}
    , limit_{limit} {
    constexpr std::string_view stub = "stub://";
    std::string_view path = path_of_socket(uri_);
    std::string own;
    if (path == "stub:///default") {
        stub_ = std::make_unique<stub_bus>();
        own = stub_->path();
        path = own;
    } else if (path.substr(0, stub.size()) == stub) {
        throw misuse(fmt::format("{}: there is no such stub", uri_), "stub:///default is there");
    } else if (path.find("://") != std::string_view::npos || path.empty()) {
        throw misuse(fmt::format("`{}` is no URI of a bus", uri_),
                     "write unix:///path/of/the/socket or stub:///default");
    }
    auto connected = client::connect(path, {"vmsigctl", limit_});
    if (stub_) stub_->hide();
    if (!connected) throw not_connected(connected.error(), uri_);
    client_ = std::move(*connected);
}

connection::~connection() { client_.reset(); } // before the bus of one's own

instant connection::now() {
    ::timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return {std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec};
}

void connection::check() {
    if (!client_->connected()) throw not_connected(client_->lost(), uri_);
}

void connection::throw_late(const std::string& what) const {
    throw trouble{too_late, fmt::format("{}: not within {}", what, text_of(limit_)),
                  "--timeout gives it longer"};
}

const event* connection::next(instant until) {
    const duration left = until - now();
    const event* e = client_->next_event(left.ns > 0 ? left : duration{});
    if (e) {
        learn(*e);
    } else {
        check();
    }
    return e;
}

machine* connection::known(endpoint_id id) {
    if (!id) return nullptr;
    machine& m = machines_[id.value];
    m.id = id;
    const std::string_view name = client_->name_of(id); // a handle may come again with another
    if (!name.empty() && m.name != name) m.name = name;
    return &m;
}

std::string connection::name_of(endpoint_id id) const {
    const auto found = machines_.find(id.value);
    return std::string{found == machines_.end() ? client_->name_of(id) : found->second.name};
}

void connection::learn(const event& e) {
    machine* const m = known(e.endpoint);
    if (!m) return;
    m->epoch = std::max(m->epoch, e.epoch);
    if (e.is(kind::replay_end)) m->ready = true;
    if (e.is(kind::endpoint_removed))
        m->removed = true;
    else if (const auto* l = e.as<lifecycle>())
        m->state = l->state;
    else if (const auto* p = e.as<memctx_published>())
        m->memory = p->version;
    else if (e.as<memctx_invalidated>())
        m->memory = {};
    else if (const auto* leds = e.as<leds_changed>())
        m->leds = leds->lit, m->leds_known = true;
    else if (const auto* c = e.as<lease_changed>()) {
        m->holders[static_cast<unsigned>(c->lease_class)] = c->holder;
        m->since[static_cast<unsigned>(c->lease_class)] = c->since;
    }
}

const machine& connection::machine_of(std::string_view name) {
    const auto found = client_->find(name);
    if (!found) {
        check();
        throw refused(found.error(), escaped(name));
    }
    machine* m = known(*found);
    m->name = name;
    const instant until = now() + limit_;
    while (!machines_[found->value].ready)
        if (!next(until)) throw_late(fmt::format("{}: its state", escaped(name)));
    return machines_[found->value];
}

/// Whoever has just been let in is told of what there is in the turn after, at the latest; an
/// answer takes a turn. So after some answers, all that will be told has begun.
std::vector<const machine*> connection::machines() {
    constexpr int turns = 4;
    const instant until = now() + limit_;
    for (int n = 0; n < turns; ++n) {
        (void)client_->find("");
        check();
        while (client_->receive(), next({})) {}
    }
    const auto complete = [this] {
        return std::all_of(machines_.begin(), machines_.end(),
                           [](const auto& m) { return m.second.ready || m.second.removed; });
    };
    while (!complete())
        if (!next(until)) throw_late("the state of every machine");
    std::vector<const machine*> all;
    for (const auto& [id, m] : machines_)
        if (!m.removed) all.push_back(&m);
    std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->name < b->name; });
    return all;
}

receipt connection::receipt_of(const vmsig::command& c, const std::string& thing,
                               std::span<const std::byte> bulk) {
    const machine& m = *known(c.endpoint);
    const std::string what = fmt::format("{}: {}", m.name, thing);
    const submit_result sent = client_->submit(c, bulk);
    if (!sent) {
        check();
        if (sent.why == refusal::denied) throw no_right(c, what, escaped(m.name));
        throw refused(sent.why, what, m);
    }
    const event& e = await(what, [&sent](const event& each) {
        return each.is(kind::receipt) && each.correlation == sent.id;
    });
    return *e.as<receipt>();
}

receipt connection::carry_out(const vmsig::command& c, const std::string& thing,
                              std::span<const std::byte> bulk) {
    const epoch_number before = known(c.endpoint)->epoch;
    const receipt r = receipt_of(c, thing, bulk);
    if (r.outcome == outcome::done) return r;
    const machine& m = *known(c.endpoint);
    const trouble why = not_done(r, c, m, fmt::format("{}: {}", m.name, thing));
    // A verb that destroys raises it first, whatever the machine does then.
    if (!traits_of(c.verb).destroys || m.epoch <= before) throw why;
    throw trouble{
        why.code(),
        fmt::format("{}; its epoch has risen to {} all the same", why.what(), m.epoch.value),
        why.next()};
}

} // namespace ctl
