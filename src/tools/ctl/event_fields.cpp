#include "event_fields.hpp"

#include <fmt/format.h>

#include <vmsig/adapter/role.hpp>
#include <vmsig/audit/names.hpp>
#include <vmsig/fmt.hpp>
#include <vmsig/transport/names.hpp>

#include "output.hpp"
#include "values.hpp"

using namespace vmsig;
using json = nlohmann::ordered_json;

namespace ctl {

namespace {

template <class E>
json word(E e) {
    return std::string{name_of(e)};
}

json hexadecimal(std::uint64_t n) { return fmt::format("{:#x}", n); }

json hex_bytes(std::span<const std::byte> bytes) { return hex_of({bytes.begin(), bytes.end()}); }

void put_lease(const event& e, json& j) {
    if (const auto* granted = e.as<lease_granted>()) {
        j["class"] = word(granted->lease_class);
        j["serial"] = granted->serial.value;
    } else if (const auto* lost = e.as<lease_lost>()) {
        j["class"] = word(lost->lease_class);
        j["serial"] = lost->serial.value;
        j["why"] = word(lost->why);
    } else if (const auto* asked = e.as<lease_asked>()) {
        j["class"] = word(asked->lease_class);
        j["serial"] = asked->serial.value;
        j["rank"] = asked->challenger_rank;
    } else if (const auto* ended = e.as<lease_wait_ended>()) {
        j["class"] = word(ended->lease_class);
        j["why"] = word(ended->why);
    } else if (const auto* changed = e.as<lease_changed>()) {
        j["class"] = word(changed->lease_class);
        j["holder"] = id_of(changed->holder.value);
        if (changed->holder) j["serial"] = changed->serial.value;
        if (changed->why != lease_end::none) j["why"] = word(changed->why);
        if (changed->count > 1) j["count"] = changed->count;
    }
}

void put_machine(const event& e, json& j) {
    if (const auto* l = e.as<lifecycle>()) {
        j["state"] = word(l->state);
        if (l->what != transition::none) j["what"] = word(l->what);
        if (l->cause != cause::unknown) j["cause"] = word(l->cause);
    } else if (const auto* c = e.as<epoch_changed>()) {
        j["what"] = word(c->what);
        if (c->cause != cause::unknown) j["cause"] = word(c->cause);
        if (c->count > 1) j["count"] = c->count;
    } else if (const auto* leds = e.as<leds_changed>()) {
        j["lit"] = hexadecimal(leds->lit);
    } else if (const auto* text = e.as<console_output>()) {
        const std::size_t size = std::min<std::size_t>(text->size, text->text.size());
        j["text"] = escaped({text->text.data(), size});
    }
}

void put_memory(const event& e, json& j) {
    if (const auto* published = e.as<memctx_published>()) {
        j["version"] = published->version.value;
    } else if (const auto* invalidated = e.as<memctx_invalidated>()) {
        j["last_epoch"] = invalidated->last.value;
    } else if (const auto* unavailable = e.as<memctx_unavailable>()) {
        j["errno"] = unavailable->error;
    } else if (const auto* w = e.as<memory_written>()) {
        j["address"] = hexadecimal(w->address);
        if (w->root != 0) j["root"] = hexadecimal(w->root);
        j["length"] = w->length;
        j["mode"] = word(w->mode);
    }
}

void put_receipt(const receipt& r, bool show, json& j) {
    j["verb"] = word(r.verb);
    j["outcome"] = word(r.outcome);
    if (r.failure != failure::none) j["failure"] = word(r.failure);
    if (r.error != 0) j["errno"] = r.error;
    if (r.state != vm_state::unknown) j["state"] = word(r.state);
    if (r.bytes != 0) j["bytes"] = r.bytes;
    if (r.failure == failure::mismatch && show) j["value"] = hexadecimal(r.value);
}

void put_adapter(const adapter_change& c, json& j) {
    static constexpr std::array<const char*, role_count> names{
        "sensor", "memctx_provider", "memory_writer", "host_management",
        "input",  "console",         "screen"};
    json roles = json::array();
    for (unsigned n = 0; n < role_count; ++n)
        if (c.roles & 1u << n) roles.push_back(names[n]);
    j["adapter"] = id_of(c.adapter);
    j["roles"] = roles;
    if (c.fault != 0) j["fault"] = true;
}

std::string names_of_rights(std::uint32_t rights) {
    std::string out;
    for (unsigned n = 0; n < right_count; ++n)
        if (rights & 1u << n) out += (out.empty() ? "" : ",") + std::string{name_of(right(n))};
    return out.empty() ? "none" : out;
}

} // namespace

json id_of(std::uint64_t value) {
    if (value == 0) return nullptr;
    return fmt::format("{}", origin_id{value});
}

json fields_of(const event& e, std::span<const std::byte> payload, bool show) {
    json j = json::object();
    put_lease(e, j);
    put_machine(e, j);
    put_memory(e, j);
    if (const auto* r = e.as<receipt>()) put_receipt(*r, show, j);
    if (const auto* g = e.as<grant_changed>()) j["rights"] = names_of_rights(g->rights);
    if (const auto* lost = e.as<gap>()) j["lane"] = word(lost->lane), j["lost"] = lost->count;
    if (const auto* came = e.as<adapter_attached>()) put_adapter(*came, j);
    if (const auto* left = e.as<adapter_detached>()) put_adapter(*left, j);
    if (e.kind >= kind::first_host && e.inline_size != 0) {
        j["inline_bytes"] = e.inline_size;
        if (show) j["inline"] = hex_bytes({e.inline_data, e.inline_size});
    }
    if (!payload.empty()) {
        j["payload_bytes"] = payload.size();
        if (show) j["payload"] = hex_bytes(payload);
    }
    return j;
}

std::string text_of_fields(const json& fields) {
    std::string out;
    for (const auto& [key, value] : fields.items()) {
        if (value.is_null()) continue;
        std::string text;
        if (value.is_string()) {
            text = value.get<std::string>();
        } else if (value.is_array()) {
            for (const json& one : value)
                text += (text.empty() ? "" : ",") + one.get<std::string>();
        } else {
            text = value.dump();
        }
        if (key == "text") text = fmt::format("\"{}\"", text);
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", key, text);
    }
    return out;
}

} // namespace ctl
