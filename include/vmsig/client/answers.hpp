// answers: the frames with which a server has answered one request, kept as they came until
// somebody takes them apart. One frame, but for `read_audit`. Their memory serves the next request.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/memctx/locator.hpp>
#include <vmsig/transport/frame.hpp>

namespace vmsig {

class answers {
public:
    std::size_t size() const { return frames_.size(); }
    bool empty() const { return frames_.empty(); }
    /// Valid until the next call that is not const.
    wire::frame_view operator[](std::size_t n) const {
        const frame& f = frames_[n];
        return {f.type, false, std::span{bytes_}.subspan(f.first, f.size)};
    }
    wire::frame_view back() const { return (*this)[size() - 1]; }

    /// Copies what it borrows.
    void add(const wire::frame_view& f) {
        const std::size_t first = bytes_.size();
        bytes_.insert(bytes_.end(), f.body.begin(), f.body.end());
        frames_.push_back({f.type, first, f.body.size()});
    }
    /// Those that came with a memctx; from a server that answers twice, with the first.
    void take_fds(std::span<unique_fd> fds) {
        for (unique_fd& fd : fds)
            if (fd && fd_count_ != fds_.size()) fds_[fd_count_++] = std::move(fd);
    }
    std::span<unique_fd> fds() { return std::span{fds_}.first(fd_count_); }

    void clear() {
        frames_.clear();
        bytes_.clear();
        for (unique_fd& fd : fds()) fd.reset();
        fd_count_ = 0;
    }

private:
    struct frame {
        wire::frame_type type = wire::frame_type::none;
        std::size_t first = 0, size = 0; ///< of its body in `bytes_`
    };

    std::vector<frame> frames_;
    std::vector<std::byte> bytes_; ///< the bodies, one behind the other
    std::array<unique_fd, max_ram_fds> fds_{};
    std::uint16_t fd_count_ = 0;
};

} // namespace vmsig
