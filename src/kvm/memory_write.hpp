// One write to guest memory as a command asks for it: every page is translated and checked right
// before, then all bytes are written or none.
#pragma once

#include <cstdint>

#include <vmsig/adapter/fenced_command.hpp>
#include <vmsig/guest/page_walk.hpp>
#include <vmsig/kvm/vm.hpp>

namespace vmsig::kvm {

/// The gpa_reader of the walk.
struct page_table_reader {
    const vm& machine;
    bool read_u64(std::uint64_t gpa, std::uint64_t& value) const;
};

/// A `paused` write: only while the vCPU stands still.
completion write_memory(vm& machine, const taken_command& t);

} // namespace vmsig::kvm
