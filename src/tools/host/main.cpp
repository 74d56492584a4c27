// vmsig-host: serves machines on a socket, to whom the grants file names.
#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>

#include "log.hpp"
#include "service.hpp"

namespace {

enum exit_code : int { served = 0, can_not_serve = 1, bad_settings = 2, misused = 2 };

int check(const host::settings& s) {
    for (const std::string& line : host::notes_on(s)) fmt::print("note: {}\n", line);
    fmt::print("{} machines, {} grants: nothing is wrong\n", s.config.machines.size(),
               s.grants.rules.size());
    return served;
}

} // namespace

int main(int argc, char** argv) {
    std::string config;
    bool only_check = false;
    CLI::App app{"Serves machines on a socket, to whom the grants file names"};
    app.set_version_flag("--version", "vmsig-host " VMSIG_VERSION);
    app.add_option("--config", config, "what to serve, and where: a TOML file")->required();
    app.add_flag("--check", only_check, "read the files, say what is wrong with them, and end");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? served : misused;
    }

    auto settings = host::read_settings(config);
    if (!settings) {
        for (const std::string& line : settings.error()) host::log("{}", line);
        return bad_settings;
    }
    if (only_check) return check(*settings);
    try {
        host::service service{config, std::move(*settings)};
        service.run();
        return served;
    } catch (const std::exception& e) {
        host::log("can not serve: {}", e.what());
        return can_not_serve;
    }
}
