// The records that wait for the owner, and the eventfd that says so. Not locked: the machine's lock
// covers it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/kvm/status.hpp>

namespace vmsig::kvm {

class status_queue {
public:
    /// Throws system_fault.
    status_queue();
    /// Readable while a record waits.
    int fd() const { return fd_.get(); }
    /// The vCPU must not do anything that is worth a record before the owner has taken some. Room
    /// is left for one record and one of each of the kinds that `push_once` takes.
    bool crowded() const { return size() + reserve > capacity; }
    void push(const status& record);
    /// Does nothing when a record of that kind waits already.
    void push_once(status_kind kind);
    std::optional<status> pop();

private:
    static constexpr std::size_t capacity = 32;
    static constexpr std::size_t reserve = 4;

    std::size_t size() const { return written_ - read_; }

    unique_fd fd_;
    std::array<status, capacity> records_{};
    std::size_t read_ = 0;
    std::size_t written_ = 0;
};

} // namespace vmsig::kvm
