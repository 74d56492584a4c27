// expect: has not the signature in adapter.hpp
#include <vmsig/vmsig.hpp>

struct misspelled {
    void on_ready(vmsig::cookie, vmsig::adapter_handle) {}
    void on_hangup(vmsig::cookie) {}
};

int main() {
    misspelled a;
    vmsig::core<> bus;
    bus.attach_adapter(a, bus.add_endpoint("vm"));
}
