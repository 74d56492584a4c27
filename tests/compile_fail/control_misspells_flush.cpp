// expect: has not the signature in control.hpp
#include <vmsig/vmsig.hpp>

struct misspelled {
    void on_event(const vmsig::event&, vmsig::control_handle) {}
    void flush() {}
};

int main() {
    misspelled c;
    vmsig::core<> bus;
    bus.attach(c, {});
}
