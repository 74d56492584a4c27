// participant: a control of the demo. It remembers what it was told, in memory that it took before
// the story began, and the story asks it afterwards. How it was told, in process or over a socket,
// is not its business.
#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <vmsig/vmsig.hpp>

namespace demo {

class participant {
public:
    explicit participant(std::string_view name)
        : name_{name} {
        log_.reserve(most_events);
        for (std::string& t : text_) t.reserve(most_text);
    }

    /// In process, this is how it is told.
    void on_event(const vmsig::event& e, vmsig::control_handle bus) {
        hear(e, e.payload ? bus.bytes(e.payload) : std::span<const std::byte>{});
    }
    void hear(const vmsig::event& e, std::span<const std::byte> payload) {
        if (const auto* c = e.as<vmsig::console_output>()) {
            std::string& t = text_[e.endpoint.slot() % text_.size()];
            if (t.size() + c->size <= most_text) t.append(c->text.data(), c->size);
            return;
        }
        if (payload.size() == sizeof word_read_)
            std::memcpy(&word_read_, payload.data(), sizeof word_read_);
        if (log_.size() < most_events) log_.push_back(e);
    }

    std::string_view name() const { return name_; }
    const std::vector<vmsig::event>& log() const { return log_; }
    /// Where the story stands: what comes later has a higher number.
    std::size_t mark() const { return log_.size(); }

    /// The first event of that kind and endpoint from `mark` on, or null.
    const vmsig::event* find(vmsig::kind k, vmsig::endpoint_id at, std::size_t from = 0) const {
        for (std::size_t i = from; i < log_.size(); ++i)
            if (log_[i].kind == k && log_[i].endpoint == at) return &log_[i];
        return nullptr;
    }
    /// Its place in the log, or the end.
    std::size_t place(vmsig::kind k, vmsig::endpoint_id at, std::size_t from = 0) const {
        const vmsig::event* e = find(k, at, from);
        return e ? static_cast<std::size_t>(e - log_.data()) : log_.size();
    }
    std::size_t count(vmsig::kind k, vmsig::endpoint_id at, std::size_t from = 0) const {
        std::size_t n = 0;
        for (std::size_t i = from; i < log_.size(); ++i)
            n += log_[i].kind == k && log_[i].endpoint == at;
        return n;
    }
    std::optional<vmsig::receipt> receipt_of(vmsig::correlation_id id) const {
        for (const vmsig::event& e : log_)
            if (e.correlation == id)
                if (const auto* r = e.as<vmsig::receipt>()) return *r;
        return std::nullopt;
    }
    bool ended(vmsig::correlation_id id, vmsig::outcome o) const {
        const auto r = receipt_of(id);
        return r && r->outcome == o;
    }
    /// What came beside the receipt of the last read of eight bytes.
    std::uint64_t word_read() const { return word_read_; }
    const std::string& text(vmsig::endpoint_id at) const { return text_[at.slot() % text_.size()]; }
    void clear_text(vmsig::endpoint_id at) { text_[at.slot() % text_.size()].clear(); }

private:
    static constexpr std::size_t most_events = 8192;
    static constexpr std::size_t most_text = 64 * 1024;

    std::string name_;
    std::vector<vmsig::event> log_;
    std::array<std::string, 4> text_;
    std::uint64_t word_read_ = 0;
};

} // namespace demo
