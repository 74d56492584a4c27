// parser: the table of verbs, as a parser of command lines. The only file that knows CLI11.
#pragma once

#include <string>

#include "command.hpp"
#include "context.hpp"

namespace ctl {

struct parsed {
    const command* verb = nullptr; ///< null: nothing to run, `text` has been asked for or is wrong
    int code = 0;
    std::string text;
};

parsed parse(int argc, const char* const* argv, arguments& into);

} // namespace ctl
