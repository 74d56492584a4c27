// expected: a value or the reason why there is none. An alias, so that a host can reason about one
// vocabulary type and a later standard library can take over without a change at any call site.
#pragma once

#include <tl/expected.hpp>

namespace vmsig {

template <class T, class E>
using expected = tl::expected<T, E>;
using tl::unexpected;

} // namespace vmsig
