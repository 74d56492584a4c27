// shadow_cells: who holds which lease and which epoch each machine is in, as the audit tells it,
// one decision after the other.
#pragma once

#include <array>
#include <cstdint>

#include <vmsig/audit/record.hpp>
#include <vmsig/base/ids.hpp>

#include "trace.hpp"

namespace vmsig::sim {

inline constexpr unsigned most_endpoints = 8;
inline constexpr unsigned most_controls = 16;

struct shadow_cell {
    origin_id owner; ///< 0: free
    serial_number serial;
};

struct shadow_endpoint {
    endpoint_id id; ///< 0: none
    epoch_number epoch;
    bool exhausted = false;
    std::array<duration, command_class_count> pace{};
    std::array<instant, command_class_count> last_run{};
};

class shadow_cells {
public:
    shadow_cells(verdict& v, std::uint64_t limit)
        : broken_{v}
        , limit_{limit} {}

    shadow_cell& cell(endpoint_id at, unsigned c) { return cells_[at.slot()][c]; }
    /// Null: gone.
    shadow_endpoint* find(endpoint_id id) {
        if (!id || endpoints_[id.slot()].id != id) return nullptr;
        return &endpoints_[id.slot()];
    }
    /// The fence of an epoch.
    bool current(endpoint_id at, epoch_number e) {
        const shadow_endpoint* ep = find(at);
        return ep && !ep->exhausted && ep->epoch == e;
    }

    void added(endpoint_id id, epoch_number first) {
        shadow_endpoint& ep = endpoints_[id.slot()];
        broken_.expect(!ep.id && id > last_[id.slot()], "I21: an endpoint id is never reused",
                       id.value);
        ep = {};
        ep.id = last_[id.slot()] = id;
        ep.epoch = first;
    }
    void removed(endpoint_id id) {
        for (unsigned c = 0; c < lease_class_count; ++c)
            broken_.expect(!cell(id, c).owner, "a removed endpoint has no lease", id.value, c);
        endpoints_[id.slot()].id = {};
    }
    void raised(endpoint_id id, epoch_number to) {
        shadow_endpoint* ep = find(id);
        if (!broken_.expect(ep != nullptr, "epochs rise at live endpoints", id.value)) return;
        if (to == ep->epoch) {
            broken_.expect(to.value == limit_, "I21: an epoch stays only at the limit", id.value);
            ep->exhausted = true;
            return;
        }
        broken_.expect(!ep->exhausted && to.value == ep->epoch.value + 1, "I21: epochs rise by one",
                       id.value, to.value);
        ep->epoch = to;
    }
    void granted(const audit_record& r) {
        shadow_cell& c = cell(r.endpoint, r.subject);
        broken_.expect(!c.owner, "I1: at most one owner", r.endpoint.value, r.subject,
                       r.origin.value, c.owner.value);
        broken_.expect(r.serial > c.serial, "I1: serials strictly rise", r.endpoint.value,
                       r.subject, r.serial.value);
        broken_.expect(r.serial.value <= limit_, "I21: serials stay within their limit",
                       r.serial.value);
        c = {r.origin, r.serial};
        ++held_;
    }
    void released(const audit_record& r) {
        shadow_cell& c = cell(r.endpoint, r.subject);
        broken_.expect(c.owner && c.owner == r.origin && c.serial == r.serial,
                       "I1: the lease that ends is the one that was held", r.endpoint.value,
                       r.subject, r.origin.value, r.serial.value);
        c.owner = {};
        --held_;
    }
    std::size_t held() const { return held_; }
    template <class F>
    void for_each(F&& f) {
        for (shadow_endpoint& ep : endpoints_)
            if (ep.id) f(ep);
    }

private:
    verdict& broken_;
    std::uint64_t limit_;
    std::array<shadow_endpoint, most_endpoints> endpoints_{};
    std::array<endpoint_id, most_endpoints> last_{};
    std::array<std::array<shadow_cell, lease_class_count>, most_endpoints> cells_{};
    std::size_t held_ = 0;
};

} // namespace vmsig::sim
