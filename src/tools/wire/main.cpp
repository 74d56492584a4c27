// vmsig-wire: writes what is made from the table of the wire format, or checks that it is what it
// would write.
//
//     vmsig-wire [--check] protocol|dissector|corpus FILE
#include "wire.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iterator>

int main(int argc, char** argv) {
    const bool check = argc > 1 && std::string_view{argv[1]} == "--check";
    if (argc - (check ? 1 : 0) != 3) {
        fmt::print(stderr, "usage: vmsig-wire [--check] protocol|dissector|corpus FILE\n");
        return 2;
    }
    const std::string_view what = argv[argc - 2];
    const char* file = argv[argc - 1];
    using namespace vmsig::wire_tool;
    std::string made;
    if (what == "protocol")
        made = document();
    else if (what == "dissector")
        made = dissector();
    else if (what == "corpus")
        made = corpus();
    else
        return fmt::print(stderr, "vmsig-wire: no such thing: {}\n", what), 2;
    if (!check) {
        std::ofstream{file} << made;
        return 0;
    }
    std::ifstream in{file};
    const std::string there{std::istreambuf_iterator<char>{in}, {}};
    if (there == made) return 0;
    fmt::print(stderr, "{} is not what the table says; build the target update_protocol\n", file);
    return 1;
}
