// expect: narrow
// Limits whose tables have more places than their numbers are refused, not cut off.
#include <vmsig/core/core.hpp>

namespace {

struct limits : vmsig::default_limits {
    static constexpr std::uint16_t adapters = 8192; // with 8 watches each
};
struct traits : vmsig::default_traits {
    using limits = ::limits;
};

} // namespace

int main() { vmsig::core<traits> bus; }
