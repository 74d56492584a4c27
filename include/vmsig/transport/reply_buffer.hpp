// reply_buffer: encoded frames that answer a peer, first in, first out, in a fixed number of bytes.
// Not events.
#pragma once

#include <cstring>
#include <memory>

#include <vmsig/base/assert.hpp>
#include <vmsig/transport/frame.hpp>

namespace vmsig {

class reply_buffer {
public:
    explicit reply_buffer(std::size_t capacity)
        : capacity_{capacity}
        , bytes_{new std::byte[capacity]} {}

    bool empty() const { return head_ == tail_; }
    std::size_t size() const { return tail_ - head_; }
    std::size_t room() const { return capacity_ - size(); }
    /// A place for a frame at the end; only where there is room.
    std::span<std::byte> append(std::size_t bytes) {
        VMSIG_ASSERT(room() >= bytes);
        if (capacity_ - tail_ < bytes) {
            std::memmove(bytes_.get(), bytes_.get() + head_, tail_ - head_);
            tail_ -= head_;
            head_ = 0;
        }
        tail_ += bytes;
        return {bytes_.get() + tail_ - bytes, bytes};
    }
    /// The whole frames at the front that fit.
    std::span<const std::byte> front(std::size_t most) const {
        std::span<const std::byte> left{bytes_.get() + head_, tail_ - head_};
        if (left.size() <= most) return left;
        std::size_t fits = 0;
        wire::frame_view f;
        while (wire::next_frame(left, f) && size() - left.size() <= most)
            fits = size() - left.size();
        return {bytes_.get() + head_, fits};
    }
    void pop(std::size_t bytes) {
        head_ += bytes;
        if (head_ == tail_) head_ = tail_ = 0;
    }
    void clear() { head_ = tail_ = 0; }

private:
    std::size_t capacity_;
    std::size_t head_ = 0, tail_ = 0; ///< of what is used
    std::unique_ptr<std::byte[]> bytes_;
};

} // namespace vmsig
