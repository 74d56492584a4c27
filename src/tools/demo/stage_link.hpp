// stage_link: what the host and the operator's own process say to each other beside the bus, on a
// private pair of sockets: cues in one direction; in the other who the operator is, what it says,
// what it has checked, and that a piece is played. A real operator has nothing of the kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <vmsig/base/unique_fd.hpp>

namespace demo {

/// The descriptor on which the operator's process finds its end.
inline constexpr int operators_end = 3;

struct word {
    enum class tag : char { cue, identity, said, held, failed, played };

    tag what{};
    std::string text;
};

class stage_link {
public:
    explicit stage_link(vmsig::unique_fd end)
        : end_{std::move(end)} {}
    /// The host's end, and the operator's. Throws std::system_error.
    static std::pair<vmsig::unique_fd, vmsig::unique_fd> pair();

    int fd() const { return end_.get(); }
    /// What nobody is there to hear is lost; `gone` says so.
    void send(word::tag what, std::string_view text = {});
    /// The next word, if it has come.
    std::optional<word> receive();
    /// Whether nothing more will come.
    bool gone() const { return !end_; }
    void hang_up() { end_.reset(); }

private:
    vmsig::unique_fd end_;
};

} // namespace demo
