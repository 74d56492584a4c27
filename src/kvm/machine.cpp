// Owning the machine and its adapters.
#include <vmsig/kvm/machine.hpp>

namespace vmsig::kvm {

machine::machine(const vm_options& options)
    : vm_{options}
    , memory_{vm_, guest_}
    , keyboard_{vm_, guest_}
    , console_{vm_}
    , host_{vm_, guest_, {memory_, keyboard_, console_}} {}

machine::~machine() { unplug(); }

void machine::unplug() {
    for (const adapter_handle line :
         {host_.line(), console_.line(), keyboard_.line(), memory_.line()})
        line.detach();
}

} // namespace vmsig::kvm
