// vmsig-demo: one story on real machines, told live. Exits 0 only if every step of it held.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <vmsig/stub/machine.hpp>

#ifdef VMSIG_DEMO_KVM
#include <vmsig/kvm/machine.hpp>
#include <vmsig/kvm/probe.hpp>
#endif

#include "story.hpp"

namespace {

struct choice {
    bool kvm = false;
    std::string why;
};

/// KVM if a guest truly runs within the deadline.
choice choose(const std::string& wish) {
    if (wish == "stub") return {false, "asked for"};
#ifdef VMSIG_DEMO_KVM
    const auto probed = vmsig::kvm::probe(vmsig::seconds(10));
    if (probed) return {true, "a guest ran"};
    return {false, vmsig::kvm::to_string(probed)};
#else
    return {false, "built without KVM"};
#endif
}

std::unique_ptr<vmsig::stub::machine> stub_off() {
    return std::make_unique<vmsig::stub::machine>(vmsig::stub::machine_options{.power_on = false});
}
#ifdef VMSIG_DEMO_KVM
std::unique_ptr<vmsig::kvm::machine> kvm_off() { return std::make_unique<vmsig::kvm::machine>(); }
#endif

} // namespace

int main(int argc, char** argv) {
    std::string backend = "auto";
    bool json = false;
    bool plain = false;
    CLI::App app{"Two machines, an agent, an operator, and the bus between them"};
    app.add_option("--backend", backend, "auto, kvm or stub")
        ->check(CLI::IsMember({"auto", "kvm", "stub"}));
    app.add_flag("--json", json, "one JSON object per line");
    app.add_flag("--plain", plain, "no colours");
    CLI11_PARSE(app, argc, argv);

    const bool colours = ::isatty(STDOUT_FILENO) == 1 && !std::getenv("NO_COLOR") && !plain;
    demo::timeline out{json      ? demo::style::json
                       : colours ? demo::style::colour
                                 : demo::style::plain};
    const choice chosen = choose(backend);
    out.say("host", fmt::format("back end: {} ({})", chosen.kvm ? "kvm" : "stub", chosen.why));
    if (backend == "kvm" && !chosen.kvm) return 1;
    try {
#ifdef VMSIG_DEMO_KVM
        if (chosen.kvm)
            return demo::tell<vmsig::kvm::machine>(out, "kvm (" + chosen.why + ")", kvm_off) ? 0
                                                                                             : 1;
#endif
        const std::string name = "stub (" + chosen.why + ")";
        return demo::tell<vmsig::stub::machine>(out, name, stub_off) ? 0 : 1;
    } catch (const std::exception& e) {
        out.check(false, e.what());
        return 1;
    }
}
