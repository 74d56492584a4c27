// The library is usable by a project that knows nothing but its targets.
#include <vmsig/vmsig.hpp>

int main() {
    vmsig::core<> bus;
    [[maybe_unused]] auto vm = bus.add_endpoint("x");
}
