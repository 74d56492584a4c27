// backlog: commands that the adapters of a stub machine were handed and have not completed, for a
// machine whose script says that it completes late. First come, first served over all adapters; of
// fixed size.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include <vmsig/adapter/handle.hpp>

namespace vmsig::stub {

/// What an adapter does with a command; the rest is the same for all.
class performer {
public:
    /// It was taken; `perform` or `abandon` follows, once.
    virtual void begin(const taken_command&) {}
    virtual completion perform(const taken_command&) = 0;
    virtual void abandon(const taken_command&) {}
    /// It was completed, or turned out to have ended.
    virtual void over() {}

protected:
    ~performer() = default;
};

/// One command on its way: handed, perhaps taken, perhaps performed.
struct errand {
    performer* by;
    adapter_handle bus;
    fenced_command command;
    std::optional<taken_command> taken{};
    std::optional<completion> result{};

    bool open() const { return taken && !result; }
    /// False: it has ended already.
    bool take() {
        const auto got = command.take();
        if (!got) return false;
        taken.emplace(*got);
        by->begin(*taken);
        return true;
    }
    void perform() { result = by->perform(*taken); }
    void fail(failure why) {
        by->abandon(*taken);
        result = completion::failed(why);
    }
};

class backlog {
public:
    static constexpr std::size_t capacity = 256;

    /// False: full, also when what the bus has ended meanwhile gave way.
    bool push(const errand& e) {
        if (count_ == capacity) drop_ended();
        if (count_ == capacity) return false;
        errands_[(first_ + count_++) % capacity].emplace(e);
        return true;
    }
    std::optional<errand> pop() {
        if (count_ == 0) return {};
        std::optional<errand>& place = errands_[first_];
        std::optional<errand> e{place};
        place.reset();
        first_ = (first_ + 1) % capacity;
        --count_;
        return e;
    }
    std::size_t size() const { return count_; }
    bool holds_any(const performer& of) const {
        for (std::size_t i = 0; i < count_; ++i)
            if (errands_[(first_ + i) % capacity]->by == &of) return true;
        return false;
    }
    /// `f(errand&)` for each that was taken and not performed.
    template <class F>
    void for_each_open(F&& f) {
        for (std::size_t i = 0; i < count_; ++i) {
            errand& e = *errands_[(first_ + i) % capacity];
            if (e.open()) f(e);
        }
    }

private:
    void drop_ended() {
        for (std::size_t left = count_; left > 0; --left) {
            const errand e = *pop();
            if (e.taken || e.command.pending()) errands_[(first_ + count_++) % capacity].emplace(e);
        }
    }

    std::array<std::optional<errand>, capacity> errands_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

} // namespace vmsig::stub
