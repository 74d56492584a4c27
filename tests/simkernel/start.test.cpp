// Row 70, 71: a core whose descriptors are refused while it is made throws and leaves none behind.
#include "variants.hpp"

#include <system_error>

using namespace vmsig;
using namespace vmsig::simkernel;

TEST_CASE("a core that cannot be made leaves no descriptor behind") {
    unsigned made = 0, refused = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        kernel machine{seed};
        machine.luck.set_level(120);
        try {
            core<on_kernel> bus;
            ++made;
            CHECK(machine.open_count() == 3);
        } catch (const std::system_error& e) {
            ++refused;
            CHECK((e.code().value() == EMFILE || e.code().value() == ENFILE ||
                   e.code().value() == ENOMEM || e.code().value() == ENOSPC));
        }
        CHECK(machine.open_count() == 0);
    }
    CHECK(made > 10);
    CHECK(refused > 10);
}
