// document: the protocol as a page for people who write a control in another language.
#include "wire.hpp"

#include <fmt/format.h>

namespace vmsig::wire_tool {
namespace {

constexpr const char* head = R"(# The protocol

Made from the table in `include/vmsig/transport/` by `vmsig-wire`; do not edit. How a control in
another process talks to a bus: over a connected `SOCK_SEQPACKET` unix socket, in datagrams of at
most {} bytes. A datagram carries whole frames, one after the other, without padding; at most {} of
them towards the server. All numbers are little-endian. `protocol-corpus.txt` has each frame as
bytes, for tests of other implementations; `vmsig.lua` is a dissector for Wireshark.

## A connection

1. The control sends `hello`; the server answers `welcome`, or `rejected` and closes. A server that
   hears nothing within its deadline closes.
2. For each endpoint that the control may see the server sends its name and handle
   (`endpoint_named`), then what is retained as events between `replay_begin` and `replay_end`, and
   from then on what happens.
3. The control sends requests with numbers of its own; each is answered by one frame with that
   number (`read_audit`: by `audit_entry` frames and then one `audit_read`). What a request wants
   may come later as an event: a `receipt` for each `submit` that was accepted, a `lease_granted`
   for each wait.
4. The control acknowledges events as it takes them. While more than {} of them are unacknowledged,
   only events of the safety lane are sent; what waits meanwhile coalesces, folds, or is lost and
   told as a `gap`.
5. `bye` ends a connection in order: what came before it is processed. Whatever is not the protocol
   ends it at once.

Rules that bind a control:

- Descriptors go one way only: with a `memctx` frame whose `fds_included` is 1, to the control. A
  datagram to the server that carries one ends the connection.
- Commands of input and memory, and power verbs with option 4, say in `epoch` the newest epoch of
  the endpoint whose `epoch_changed` or `replay_end` the control has looked at.
- A handle is valid on its connection only, until the endpoint's `endpoint_removed`, or a
  `grant_changed` without rights.
- Reserved bytes are 0. A frame of an unknown type is skipped if its flag says so, else it ends the
  connection.
- `sequence` counts the events of an endpoint without holes, gap markers too. Snapshots and receipts
  have none.

## Frames

Each begins with

| offset | bytes | type | field | meaning |
|---|---|---|---|---|
| 0 | 4 | u32 | length | bytes of the whole frame, with this header |
| 4 | 2 | u16 | type | as below |
| 6 | 2 | u16 | flags | 1: who does not know the type skips it |

Offsets below count from the end of the header. `text` is padded with NUL, at least one.
)";

void table(std::string& out, const std::vector<field>& fields) {
    if (fields.empty()) {
        out += "\nNo fields.\n";
        return;
    }
    out += "\n| offset | bytes | type | field | meaning |\n|---|---|---|---|---|\n";
    for (const field& f : fields)
        out += fmt::format("| {} | {} | {} | {} | {} |\n", f.offset, f.bytes, f.type, f.name,
                           f.meaning);
}

void frames(std::string& out, std::string_view title, const std::vector<frame>& all) {
    out += fmt::format("\n### {}\n", title);
    for (const frame& f : all) {
        out += fmt::format("\n#### {} ({})\n", f.name, f.number);
        table(out, f.fields);
        if (!f.tail.empty()) out += fmt::format("\nThen: {}.\n", f.tail);
    }
}

constexpr std::array<std::string_view, audience_count> audiences = {
    "who may observe",
    "who has the right memctx",
    "who has the right memread",
    "who has the right memwrite",
    "who has the right input",
    "who has the right power",
    "who has the right admin",
    "who has any right, subscribed or not",
    "who has the right memctx or memread",
    "who was given the memctx of this epoch",
    "the one that it is about",
};

constexpr std::array<std::string_view, 7> sources = {"lifecycle", "memory",  "lease", "command",
                                                     "input",     "console", "screen"};

void kinds(std::string& out) {
    out += "\n## Kinds of events\n\nWho is told, of those who subscribed to the endpoint and the "
           "source. For whom there is no room, an event that coalesces takes the place of the one "
           "before, one that folds stands for those before it, any other is lost and counted. "
           "What is retained is part of a snapshot.\n"
           "\n| number | kind | who is told | source | lane | without room | retained |\n"
           "|---|---|---|---|---|---|---|\n";
    for (std::size_t n = 1; n < core_kinds.size(); ++n) {
        const kind_traits& k = core_kinds[n];
        if (k.name.empty()) continue;
        const std::string_view full = k.folds ? "folds" : k.coalesces ? "coalesces" : "";
        out += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", n, k.name,
                           audiences[static_cast<std::size_t>(k.audience)],
                           sources[static_cast<std::size_t>(k.source)], name_of(k.lane), full,
                           k.retained ? "yes" : "");
    }
}

} // namespace

std::string document() {
    std::string out = fmt::format(head, wire::max_datagram_bytes, wire::max_requests_per_datagram,
                                  wire::event_window);
    frames(out, "From a control", requests());
    frames(out, "From the server", replies());
    out += "\n## Payloads of events\n\nThe endpoint of a lease is the event's. A kind of the "
           "host's own has a number from 32 on, told by `kind_named`.\n";
    for (const frame& f : payloads()) {
        out += fmt::format("\n#### {} ({})\n", f.name, f.number);
        table(out, f.fields);
    }
    kinds(out);
    out += "\n## Numbers\n\nRights are bits 0 to 6: observe, memctx, memread, memwrite, input, "
           "power, admin. Sources are bits 0 to 63.\n";
    for (const enumeration& e : enumerations()) {
        out += fmt::format("\n- {}:", e.name);
        for (std::size_t n = 0; n < e.words.size(); ++n)
            out += fmt::format("{} {} {}", n == 0 ? "" : ",", n, e.words[n]);
        out += ".";
    }
    return out + "\n";
}

} // namespace vmsig::wire_tool
