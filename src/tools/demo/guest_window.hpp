// guest_window: what the demo reads of a guest, through an exported memctx: the words that the
// guest shows at a virtual address, by a walk of its own page tables.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <vmsig/control/answers.hpp>
#include <vmsig/control/build.hpp>
#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/view.hpp>

namespace demo {

class guest_window {
public:
    /// Takes the descriptors over. False: not a memctx that can be read.
    bool open(vmsig::memctx_export memctx) {
        locator_ = memctx.locator;
        auto opened = view::open(memctx.locator, std::move(memctx.fds));
        if (!opened) return false;
        view_.emplace(std::move(*opened));
        return true;
    }
    const vmsig::memctx_locator& locator() const { return locator_; }

    /// One word of the state, at its offset.
    std::optional<std::uint64_t> word(std::size_t offset) const {
        if (!view_ || locator_.root_count == 0) return std::nullopt;
        const auto got = view_->read_object<std::uint64_t>(address(offset));
        return got ? std::optional{*got} : std::nullopt;
    }
    std::optional<vmsig_guest_state> state() const {
        if (!view_ || locator_.root_count == 0) return std::nullopt;
        const auto got = view_->read_object<vmsig_guest_state>(address(0));
        return got ? std::optional{*got} : std::nullopt;
    }
    std::optional<vmsig::guest_page> translate() const {
        if (!view_ || locator_.root_count == 0) return std::nullopt;
        const auto page = view_->translate(address(0));
        return page ? std::optional{*page} : std::nullopt;
    }
    /// The same for a command.
    vmsig::memory_at place(std::size_t offset) const {
        const std::uint64_t root = locator_.root_count == 0 ? 0 : locator_.roots()[0].root;
        return {VMSIG_GUEST_STATE_ADDRESS + offset, root};
    }
    vmsig::guest_address address(std::size_t offset) const {
        return {vmsig::virtual_address{VMSIG_GUEST_STATE_ADDRESS + offset}, locator_.roots()[0]};
    }

private:
    using view = vmsig::guest_view<vmsig::basic_pread_ram<>>;
    vmsig::memctx_locator locator_;
    std::optional<view> view_;
};

} // namespace demo
