// command: one verb of vmsigctl, as a row of the table from which the parser, the completion and
// the check of the man page come. Not what it does: that is `run`.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace ctl {

class context;

/// What may stand in a place, for the shell's completion.
enum class words : unsigned char {
    any,
    endpoint,
    lease_class,
    power_verb,
    verb,
    kind,
    source,
    key,
    button,
    write_mode,
    memory_way,
    secret,
    shell,
    colour,
    file,
};

enum class repeat : unsigned char { once, optional, many, at_least_one };

/// A place on the command line, or an option.
struct parameter {
    std::string_view name;  ///< "ENDPOINT", "--wait"
    std::string_view help;  ///< one line, no full stop
    std::string_view value; ///< of an option: what it takes, "" for a flag
    words what = words::any;
    repeat how = repeat::once; ///< of a place; an option is always optional

    bool is_option() const { return name.substr(0, 2) == "--"; }
    bool is_flag() const { return is_option() && value.empty(); }
};

struct command {
    std::string_view path;    ///< "list", "lease acquire"
    std::string_view summary; ///< one line, no full stop
    std::vector<parameter> parameters;
    int (*run)(context&);
};

/// Every verb, in the order of the manual.
std::span<const command> commands();
/// What every verb takes.
std::span<const parameter> global_options();
/// The words for a place that do not depend on what is there; empty if there are none.
std::vector<std::string_view> fixed_words(words w);

} // namespace ctl
