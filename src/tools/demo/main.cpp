// vmsig-demo: one story on real machines, told live. Exits 0 only if every step of it held.
#include <unistd.h>

#include <cstdio>
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

#include "operator_process.hpp"
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

std::unique_ptr<demo::plugged_machine> stub_off(demo::demo_core& bus, vmsig::endpoint_id at) {
    return std::make_unique<demo::plugged<vmsig::stub::machine>>(
        bus, at, vmsig::stub::machine_options{.power_on = false});
}
#ifdef VMSIG_DEMO_KVM
std::unique_ptr<demo::plugged_machine> kvm_off(demo::demo_core& bus, vmsig::endpoint_id at) {
    return std::make_unique<demo::plugged<vmsig::kvm::machine>>(bus, at);
}
#endif

/// A story that nobody could read did not hold.
int exit_code(bool held) {
    if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return held ? 0 : 1;
    std::fputs("vmsig-demo: the output could not be written\n", stderr);
    return 1;
}

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
    std::string socket;
    app.add_option("--operator", socket)->group(""); // the demo starts itself so
    CLI11_PARSE(app, argc, argv);
    if (!socket.empty()) return demo::run_operator(socket);

    const bool colours = ::isatty(STDOUT_FILENO) == 1 && !std::getenv("NO_COLOR") && !plain;
    demo::timeline out{json      ? demo::style::json
                       : colours ? demo::style::colour
                                 : demo::style::plain};
    const choice chosen = choose(backend);
    out.say("host", fmt::format("back end: {} ({})", chosen.kvm ? "kvm" : "stub", chosen.why));
    if (backend == "kvm" && !chosen.kvm) return 1;
    const std::string name = fmt::format("{} ({})", chosen.kvm ? "kvm" : "stub", chosen.why);
    demo::machine_maker make = stub_off;
#ifdef VMSIG_DEMO_KVM
    if (chosen.kvm) make = kvm_off;
#endif
    try {
        return exit_code(demo::tell(out, name, make));
    } catch (const std::exception& e) {
        out.check(false, "host", e.what());
        return 1;
    }
}
