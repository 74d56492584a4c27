#include "command.hpp"

#include "verbs.hpp"

namespace ctl {

namespace {

constexpr parameter endpoint{"ENDPOINT", "the machine, by its name", "", words::endpoint};
constexpr parameter lease_class{"CLASS", "input, power or memwrite", "", words::lease_class};
constexpr parameter wait{"--wait", "stand in line while somebody else has the lease", ""};
constexpr parameter wait_for{"--wait-for", "stand in line, at most so long", "TIME"};
constexpr parameter reason{"--reason", "shown to observers, at most 47 bytes", "TEXT"};
constexpr parameter virtual_root{"--root", "the address is virtual, under this page-table root",
                                 "NUMBER"};
constexpr parameter vcpu{"--vcpu", "the address is virtual, under the root of this vCPU", "NUMBER"};
constexpr parameter hold{"--hold", "how long a key or button is down (20ms)", "TIME"};
constexpr parameter address{"ADDRESS", "physical, unless --root or --vcpu says virtual", ""};

using enum repeat;

const std::vector<command> all = {
    {"list", "The machines that one may see", {{"--names", "their names alone", ""}}, list},
    {"info", "One machine: its state, its memory, who drives it", {endpoint}, info},
    {"monitor",
     "What happens, as it happens",
     {{"ENDPOINT", "only these machines", "", words::endpoint, many},
      {"--source", "only events of this source; of the host's own its number, else", "SOURCE",
       words::source, many},
      {"--kind", "only events of this kind; one of the host's own, or", "KIND", words::kind, many},
      {"--count", "end after so many events", "NUMBER"},
      {"--for", "end after so long", "TIME"},
      {"--news", "leave out what is told of the past at the start", ""},
      {"--no-time", "without the time of each event", ""},
      {"--show", "what is masked: `bytes` of payloads and memory, `keys`", "WHAT", words::secret,
       many}},
     monitor},
    {"memctx",
     "Where a machine's memory is, and how its addresses translate",
     {endpoint, {"--refresh", "ask the machine to publish it again, first", ""}},
     memctx},
    {"mem read",
     "Read memory, physical or virtual",
     {endpoint,
      address,
      {"LENGTH", "bytes (16)", "", words::any, optional},
      virtual_root,
      vcpu,
      {"--raw", "the bytes as they are, not a dump", ""},
      {"--via", "`bus` reads for us, `memctx` reads through the descriptor", "WAY",
       words::memory_way}},
     mem_read},
    {"mem write",
     "Write memory, under the memwrite lease",
     {endpoint,
      address,
      {"BYTES", "hexadecimal, in the order of memory", "", words::any, optional},
      {"--file", "the bytes of a file; `-` is standard input", "FILE", words::file},
      {"--value", "a number of --size bytes, instead of bytes", "NUMBER"},
      {"--size", "of --value: 1, 2, 4 or 8 (8)", "NUMBER"},
      {"--mode", "atomic, paused or best-effort", "MODE", words::write_mode},
      {"--compare", "write only where these bytes are", "BYTES"},
      virtual_root,
      vcpu,
      wait,
      wait_for,
      reason},
     mem_write},
    {"lease acquire",
     "Hold a lease until a signal, for a time, or while a command runs",
     {endpoint,
      lease_class,
      {"COMMAND",
       "after --: it runs while nobody else drives; a vmsigctl in it is another control,\n"
       "and is told that the lease is held",
       "", words::any, many},
      wait,
      wait_for,
      {"--ttl", "it expires unless renewed; vmsigctl renews it", "TIME"},
      {"--for", "let go after so long", "TIME"},
      reason},
     lease_acquire},
    {"lease release",
     "End the lease of whoever holds it (needs admin)",
     {endpoint, lease_class},
     lease_release},
    {"lease status",
     "Who holds a lease, and why",
     {endpoint, {"CLASS", "only this one", "", words::lease_class, optional}},
     lease_status},
    {"input key",
     "Press keys: `enter`, `ctrl+alt+delete`",
     {endpoint,
      {"KEY", "one after the other; + for at the same time", "", words::key, at_least_one},
      hold,
      wait,
      wait_for,
      reason},
     input_key},
    {"input type",
     "Type text on a US keyboard",
     {endpoint,
      {"TEXT", "what to type; a newline is the enter key", "", words::any},
      hold,
      wait,
      wait_for,
      reason},
     input_type},
    {"input move",
     "Move the pointer",
     {endpoint,
      {"--by", "so far from where it is", "X,Y"},
      {"--to", "to a place of the region", "X,Y"},
      {"--region", "what --to refers to (0)", "NUMBER"},
      wait,
      wait_for,
      reason},
     input_move},
    {"input click",
     "Click a button of the pointer",
     {endpoint,
      {"BUTTON", "left (unless said), right or middle", "", words::button, optional},
      {"--times", "so often (1)", "NUMBER"},
      hold,
      wait,
      wait_for,
      reason},
     input_click},
    {"power",
     "Start, stop, pause, reset, save and restore a machine",
     {{"VERB", "what to do", "", words::power_verb},
      endpoint,
      {"--epoch", "only if the machine is still in this epoch", "NUMBER"},
      wait,
      wait_for,
      reason},
     power},
    {"may",
     "What one has the right to do, without doing it",
     {endpoint, {"VERB", "only this one: the answer is the exit code", "", words::verb, optional}},
     may},
    {"audit",
     "The last decisions of the bus about a machine (needs admin)",
     {endpoint, {"--last", "how far to look back, in decisions of the whole bus (50)", "NUMBER"}},
     audit},
    {"stats", "What has happened at a machine, in numbers (needs admin)", {endpoint}, stats},
    {"doctor", "What this computer can do for vmsig, and why not", {}, doctor},
    {"completion",
     "A script that lets a shell complete command lines",
     {{"SHELL", "bash or zsh", "", words::shell}},
     completion},
};

} // namespace

std::span<const parameter> global_options() {
    static const parameter options[] = {
        {"--uri", "the bus; $VMSIG_URI, or unix:///run/vmsig/bus.sock", "URI"},
        {"--timeout", "how long anything may take (10s)", "TIME"},
        {"--json", "one JSON object a line", ""},
        {"--color", "auto, always or never", "WHEN", words::colour},
    };
    return options;
}

std::span<const command> commands() { return all; }

} // namespace ctl
