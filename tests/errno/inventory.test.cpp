// Rule: every system call that the library makes stands in the table of call sites, so that none
// is made whose failure nobody has thought of.
#include "call_sites.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include <support/catch.hpp>

using vmsig::test::call_sites;

namespace {

/// The places whose calls the scenarios of this folder make fail.
constexpr const char* places[] = {"include/vmsig/base",  "include/vmsig/reactor",
                                  "include/vmsig/guest", "include/vmsig/core",
                                  "include/vmsig/stub",  "src/kvm"};

/// They can not fail, or only by a wrong argument.
const std::set<std::string> harmless = {
    "getpid",      "sigemptyset",     "sigaddset",    "sigfillset",   "sigtimedwait",
    "epoll_event", "pthread_sigmask", "pthread_kill", "pthread_join", "pthread_setname_np",
};

std::string code_of(const std::filesystem::path& file) {
    std::ifstream in{file};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    return std::regex_replace(text, std::regex{"//[^\n]*"}, "");
}

} // namespace

TEST_CASE("every system call of the library is in the table") {
    const std::regex call{R"((?:^|[^\w:>])::([a-z][a-z0-9_]*)\()"};
    std::set<std::string> known;
    for (const auto& site : call_sites) known.emplace(site.function);
    std::set<std::string> made;
    for (const char* place : places) {
        const std::filesystem::path folder = std::filesystem::path{VMSIG_TEST_SOURCES} / place;
        for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
            const std::string kind = entry.path().extension().string();
            if (kind != ".hpp" && kind != ".ipp" && kind != ".cpp") continue;
            const std::string code = code_of(entry.path());
            for (std::sregex_iterator at{code.begin(), code.end(), call}, end; at != end; ++at) {
                const std::string name = (*at)[1];
                made.insert(name);
                INFO(entry.path().string() << " calls " << name);
                CHECK((known.contains(name) || harmless.contains(name)));
            }
        }
    }
    for (const std::string& name : known) {
        INFO("nobody calls " << name);
        CHECK(made.contains(name));
    }
}
