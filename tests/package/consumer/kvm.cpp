// The compiled component links by its name alone. No machine is needed to name a verdict.
#include <vmsig/kvm/probe.hpp>

int main() { return vmsig::kvm::to_string({}).empty() ? 1 : 0; }
