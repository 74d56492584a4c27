// A page-table reader answers `bool read_u64(gpa, value&)`; each model here lacks one thing.
#include <vmsig/guest/page_walk.hpp>

#include <vmsig/guest/ram_writer.hpp>

namespace {

struct archetype {
    bool read_u64(std::uint64_t, std::uint64_t&);
};
struct reads_nothing {};
struct tells_no_result {
    void read_u64(std::uint64_t, std::uint64_t&);
};
struct returns_the_value {
    std::uint64_t read_u64(std::uint64_t);
};
struct wants_a_narrow_value {
    bool read_u64(std::uint64_t, std::uint32_t&);
};

static_assert(vmsig::gpa_reader<archetype>);
static_assert(vmsig::gpa_reader<const vmsig::ram_writer>);
static_assert(!vmsig::gpa_reader<const archetype>, "its reads change it");
static_assert(!vmsig::gpa_reader<reads_nothing>);
static_assert(!vmsig::gpa_reader<tells_no_result>);
static_assert(!vmsig::gpa_reader<returns_the_value>);
static_assert(!vmsig::gpa_reader<wants_a_narrow_value>);

} // namespace
