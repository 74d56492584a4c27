// participant: a control of the demo. It remembers what it was told, in memory that it took before
// the story began, and the story asks it afterwards.
#pragma once

#include <array>
#include <optional>
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

    void on_event(const vmsig::event& e, vmsig::control_handle) {
        if (const auto* c = e.as<vmsig::console_output>()) {
            std::string& t = text_[e.endpoint.slot() % text_.size()];
            if (t.size() + c->size <= most_text) t.append(c->text.data(), c->size);
            return;
        }
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
    const std::string& text(vmsig::endpoint_id at) const { return text_[at.slot() % text_.size()]; }
    void clear_text(vmsig::endpoint_id at) { text_[at.slot() % text_.size()].clear(); }

    vmsig::control_handle bus;

private:
    static constexpr std::size_t most_events = 8192;
    static constexpr std::size_t most_text = 64 * 1024;

    std::string name_;
    std::vector<vmsig::event> log_;
    std::array<std::string, 4> text_;
};

} // namespace demo
