// The C face: words for numbers; and that its numbers are the bus's.
#include <vmsig/client/c_api.h>

#include <algorithm>
#include <initializer_list>

#include <vmsig/adapter/role.hpp>
#include <vmsig/audit/names.hpp>
#include <vmsig/transport/names.hpp>

using namespace vmsig;

namespace {

template <class C, class E>
constexpr bool same(C a, E b) {
    return static_cast<unsigned>(a) == static_cast<unsigned>(b);
}
// The last of each: they are in the same order, which the tests compare word by word.
static_assert(same(VMSIG_REFUSED_AUDIT_UNAVAILABLE, refusal::audit_unavailable));
static_assert(same(VMSIG_FAREWELL_BY_REQUEST, wire::farewell::by_request));
static_assert(same(VMSIG_KIND_ADAPTER_DETACHED, kind::adapter_detached));
static_assert(same(VMSIG_KIND_FIRST_HOST, kind::first_host));
static_assert(same(VMSIG_VERB_MEM_READ, verb::mem_read));
static_assert(same(VMSIG_LANE_BULK - 1, lane::bulk));
static_assert(same(VMSIG_LEASE_MEMWRITE, lease_class::memwrite));
static_assert(same(VMSIG_WRITE_BEST_EFFORT, write_mode::best_effort));
static_assert(same(VMSIG_OUTCOME_ENDPOINT_GONE, outcome::endpoint_gone));
static_assert(same(VMSIG_FAILURE_IO, failure::io));
static_assert(same(VMSIG_VM_CRASHED, vm_state::crashed));
static_assert(same(VMSIG_TRANSITION_MEMORY_REPLACED, transition::memory_replaced));
static_assert(same(VMSIG_CAUSE_WATCHDOG, cause::watchdog));
static_assert(same(VMSIG_LEASE_END_EXHAUSTED, lease_end::exhausted));
static_assert(same(VMSIG_EXPORT_SEALED, export_level::sealed));
static_assert(same(VMSIG_PAGING_AARCH64_4K, paging_mode::aarch64_4k));
static_assert(same(VMSIG_SOURCE_SCREEN, source::screen));
static_assert(VMSIG_SOURCE_FIRST_HOST == first_host_source);

template <class E>
constexpr bool has_bits(std::initializer_list<std::uint64_t> bits, std::initializer_list<E> of) {
    return std::equal(bits.begin(), bits.end(), of.begin(), of.end(),
                      [](std::uint64_t b, E e) { return mask<E>{e}.bits == b; });
}
// Of what travels in sets each: nothing else gives these numbers a word.
static_assert(
    has_bits({VMSIG_SOURCE_BIT(VMSIG_SOURCE_LIFECYCLE), VMSIG_SOURCE_BIT(VMSIG_SOURCE_MEMORY),
              VMSIG_SOURCE_BIT(VMSIG_SOURCE_LEASE), VMSIG_SOURCE_BIT(VMSIG_SOURCE_COMMAND),
              VMSIG_SOURCE_BIT(VMSIG_SOURCE_INPUT), VMSIG_SOURCE_BIT(VMSIG_SOURCE_CONSOLE),
              VMSIG_SOURCE_BIT(VMSIG_SOURCE_SCREEN)},
             {source::lifecycle, source::memory, source::lease, source::command, source::input,
              source::console, source::screen}));
static_assert(has_bits({VMSIG_RIGHT_OBSERVE, VMSIG_RIGHT_MEMCTX, VMSIG_RIGHT_MEMREAD,
                        VMSIG_RIGHT_MEMWRITE, VMSIG_RIGHT_INPUT, VMSIG_RIGHT_POWER,
                        VMSIG_RIGHT_ADMIN},
                       {right::observe, right::memctx, right::memread, right::memwrite,
                        right::input, right::power, right::admin}));
static_assert(VMSIG_RIGHT_ADMIN == 1 << (right_count - 1));
static_assert(has_bits({VMSIG_ROLE_SENSOR, VMSIG_ROLE_MEMCTX_PROVIDER, VMSIG_ROLE_MEMORY_WRITER,
                        VMSIG_ROLE_HOST_MANAGEMENT, VMSIG_ROLE_INPUT, VMSIG_ROLE_CONSOLE,
                        VMSIG_ROLE_SCREEN},
                       {role::sensor, role::memctx_provider, role::memory_writer,
                        role::host_management, role::input, role::console, role::screen}));
static_assert(VMSIG_ROLE_SCREEN == 1 << (role_count - 1));

/// The words are literals, which end in 0.
template <class E>
const char* word(std::uint32_t number) {
    if (number > UINT8_MAX) return "";
    const std::string_view name = name_of(static_cast<E>(number));
    return name.empty() ? "" : name.data();
}

} // namespace

extern "C" {

const char* vmsig_result_name(std::uint32_t result) {
    switch (result) {
    case VMSIG_OK: return "ok";
    case VMSIG_NOT_YET: return "not_yet";
    case VMSIG_WAITING: return "waiting";
    case VMSIG_TOO_LATE: return "too_late";
    case VMSIG_ERROR_ARGUMENT: return "argument";
    case VMSIG_ERROR_MEMORY: return "memory";
    case VMSIG_ERROR_SYSTEM: return "system";
    case VMSIG_ERROR_REJECTED: return "rejected";
    default: return word<refusal>(result);
    }
}
const char* vmsig_farewell_name(std::uint32_t farewell) { return word<wire::farewell>(farewell); }
const char* vmsig_verb_name(std::uint32_t verb) { return word<vmsig::verb>(verb); }
const char* vmsig_outcome_name(std::uint32_t outcome) { return word<vmsig::outcome>(outcome); }
const char* vmsig_failure_name(std::uint32_t failure) { return word<vmsig::failure>(failure); }
const char* vmsig_lease_class_name(std::uint32_t lease_class) {
    return word<vmsig::lease_class>(lease_class);
}
const char* vmsig_lease_end_name(std::uint32_t lease_end) {
    return word<vmsig::lease_end>(lease_end);
}
const char* vmsig_transition_name(std::uint32_t transition) {
    return word<vmsig::transition>(transition);
}
const char* vmsig_vm_state_name(std::uint32_t state) { return word<vm_state>(state); }

} // extern "C"
