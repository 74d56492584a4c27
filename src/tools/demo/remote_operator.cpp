// The operator as a process of its own, seen from the host: it is started, let in by its uid, given
// its cues; what it says goes into the host's timeline. Should it die or fall silent, the story
// fails at once, and nothing of it is left.
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <optional>

#include <fmt/format.h>

#include "casting.hpp"
#include "door.hpp"
#include "operator_process.hpp"

namespace demo {
namespace {

using clock = std::chrono::steady_clock;

/// Longer than it waits for anything itself.
constexpr auto longest_silence = longest_wait + std::chrono::seconds(2);

class of_its_own final : public operator_player {
public:
    of_its_own(world& w, timeline& out)
        : w_{w}
        , out_{out}
        , process_{folder_->socket()} {}

    void play(cue c) override {
        if (c == cue::attach && !open_door()) return;
        const char which = static_cast<char>(c);
        process_.link().send(word::tag::cue, {&which, 1});
        listen_for(word::tag::played);
        if (c == cue::attach && !out_.failed()) check_identity();
    }

    void leave() override {
        process_.link().hang_up();
        const bool ended = w_.until([&] { return process_.ended(); });
        if (!ended) process_.kill();
        out_.check(
            ended && process_.ended_well(), "host",
            fmt::format("the operator's process has ended, and is reaped: {}", process_.end()));
        const bool said_bye = w_.until([&] { return door_->keeper().farewell().has_value(); });
        out_.check(said_bye && door_->keeper().farewell() == vmsig::wire::farewell::by_request,
                   "host", "it had said goodbye to the bus");
    }

    vmsig::origin_id origin() const override {
        return door_ ? door_->keeper().origin() : vmsig::origin_id{};
    }

private:
    /// For whoever the process says that it is; that it is so, is the kernel's word then.
    bool open_door() {
        const auto identity = listen_for(word::tag::identity);
        if (!identity) return false;
        const std::string& text = identity->text;
        std::from_chars(text.data(), text.data() + text.size(), uid_);
        const std::string why_not = text.substr(std::min(text.find(' ') + 1, text.size()));
        out_.say("host", fmt::format("started process {} for the operator: {}", process_.pid(),
                                     why_not.empty()
                                         ? fmt::format("it has become uid {}, in no groups", uid_)
                                         : fmt::format("it stays uid {}: {}", uid_, why_not)));
        out_.say("host", fmt::format("who attaches at {} with uid {} gets the operator's rights",
                                     folder_->socket(), uid_));
        door_.emplace(w_.bus, std::move(folder_), uid_, operator_grant(w_));
        return true;
    }

    void check_identity() {
        door_->close();
        const doorkeeper& k = door_->keeper();
        out_.check(k.origin() && k.uid() == uid_ && k.pid() == process_.pid(), "host",
                   fmt::format("attached, by the kernel's word: uid {}, process {}; the socket is "
                               "closed to others",
                               k.uid(), k.pid()));
    }

    /// Tells what it says until it says this. None: it does not.
    std::optional<word> listen_for(word::tag last) {
        auto heard = clock::now();
        for (;;) {
            while (auto said = process_.link().receive()) {
                heard = clock::now();
                if (said->what == last) return said;
                tell(*said);
            }
            if (process_.link().gone()) break;
            if (clock::now() - heard > longest_silence) break;
            w_.turn(process_.link().fd());
        }
        lose();
        return std::nullopt;
    }

    void tell(const word& said) {
        if (said.what == word::tag::said) out_.say("operator", said.text);
        if (said.what == word::tag::held) out_.check(true, "operator", said.text);
        if (said.what == word::tag::failed) out_.check(false, "operator", said.text);
    }

    /// It is gone, or silent.
    void lose() {
        const bool silent = !process_.link().gone();
        process_.kill();
        out_.check(false, "host",
                   silent ? fmt::format("the operator's process said nothing for {} s: killed",
                                        longest_silence.count())
                          : fmt::format("the operator's process has ended in the middle of the "
                                        "story: {}",
                                        process_.end()));
        if (!origin()) return;
        const auto deadline = clock::now() + longest_wait;
        while (!door_->keeper().farewell() && clock::now() < deadline) w_.turn();
        bool free = true;
        for (const auto c : {lease_class::input, lease_class::power})
            for (const auto at : w_.vm) free = free && w_.bus.lease_of(at, c).owner.who != origin();
        out_.check(free, "host", "what it held is free again");
    }

    world& w_;
    timeline& out_;
    std::unique_ptr<private_folder> folder_ = std::make_unique<private_folder>();
    operator_process process_;
    uid_t uid_ = static_cast<uid_t>(-1);
    std::optional<door> door_;
};

} // namespace

std::unique_ptr<operator_player> operator_of_its_own(world& w, timeline& out) {
    return std::make_unique<of_its_own>(w, out);
}

} // namespace demo
