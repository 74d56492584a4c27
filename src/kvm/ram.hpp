// Guest RAM: one sealed memfd, mapped writable here and nowhere else, in two regions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/base/unique_fd.hpp>
#include <vmsig/kvm/vm.hpp>

#include "mapping.hpp"

namespace vmsig::kvm {

class ram {
public:
    /// Throws system_fault.
    explicit ram(const vm_options& options);
    int fd() const { return read_only_.get(); }
    std::span<const ram_region> regions() const { return regions_; }
    /// Null unless the range lies in one region and is not empty.
    std::byte* at(std::uint64_t gpa, std::uint64_t length) const;
    /// Zeroes what has ever been touched; pages that do not exist stay so.
    expected<void, os_error> clear();

private:
    ram(const vm_options& options, unique_fd writable);

    std::array<ram_region, 2> regions_;
    unique_fd read_only_;
    mapping mapping_;
};

} // namespace vmsig::kvm
