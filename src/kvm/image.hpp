// The tiny guest, as bytes inside the library; built from guest/.
#pragma once

#include <cstddef>
#include <span>

#include "guest/image.h"

namespace vmsig::kvm {

std::span<const std::byte> guest_image();
/// The first words of that image.
vmsig_image_header guest_header();

} // namespace vmsig::kvm
