// subscription: what a control asked to see. It gives no right: what reaches the control is in its
// subscription and in its grant. Not asked: receipts, and the epochs of endpoints it may act on.
#pragma once

#include <vmsig/base/ids.hpp>
#include <vmsig/event/source.hpp>
#include <vmsig/grant/endpoint_names.hpp>

namespace vmsig {

class subscription {
public:
    /// Everything that the grant lets through, of endpoints to come too. The default.
    static constexpr subscription all() { return {}; }
    static constexpr subscription none() {
        subscription s;
        s.every_ = false;
        return s;
    }
    /// Only this endpoint, and those named before.
    constexpr subscription& on(endpoint_id id) {
        every_ = false;
        names_.add(id);
        return *this;
    }
    /// Only events of these sources.
    constexpr subscription& from(sources s) { return sources_ = s, *this; }

    constexpr bool wants(endpoint_id id) const { return id && (every_ || names_.bit_of(id)); }
    constexpr bool wants(endpoint_id id, source s) const { return sources_.has(s) && wants(id); }
    /// All endpoints, or those named by `at`.
    constexpr bool every() const { return every_; }
    constexpr endpoint_id at(unsigned slot) const { return names_.at(slot); }
    constexpr sources sources_value() const { return sources_; }

    /// Of a removed endpoint.
    constexpr void forget(endpoint_id id) { names_.remove(id); }
    friend constexpr bool operator==(const subscription&, const subscription&) = default;

private:
    endpoint_names names_;
    bool every_ = true;
    sources sources_ = sources::all();
};

} // namespace vmsig
