// traits: the policies that a core is composed of. A host derives from `default_traits` and
// replaces what it wants; each policy has a null or default model.
#pragma once

#include <vmsig/audit/ring_sink.hpp>
#include <vmsig/core/limits.hpp>
#include <vmsig/core/observer.hpp>
#include <vmsig/guest/fd_calls.hpp>
#include <vmsig/lease/policy.hpp>
#include <vmsig/reactor/epoll_reactor.hpp>

namespace vmsig {

struct default_traits {
    using reactor = epoll_reactor<>;
    using arbitration = rank_arbitration;
    using audit_sink = ring_sink<4096>;
    using observer = null_observer;
    using limits = default_limits;
    using fd_calls = vmsig::fd_calls; ///< of the export gate and of memory reads
};

} // namespace vmsig
