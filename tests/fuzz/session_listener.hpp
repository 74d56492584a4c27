// session_listener: a peer that reads what a session sends it, and holds it to its promises.
#pragma once

#include "drawn_frame.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include <vmsig/client/inbox.hpp>

namespace vmsig::fuzz {

class listener {
protected:
    struct waiting_answer {
        unsigned times = 0;
    };
    void hear_anew() { *this = {}; }
    bool memctx_acknowledged() const { return memctxs_ == acknowledged_.memctxs; }
    bool window_open() const { return events_ - acknowledged_.events < wire::event_window; }

    /// A datagram of the session's.
    void read(std::span<const std::byte> d, instant now) {
        for (auto left = d; !left.empty();) {
            wire::frame_view f;
            require(wire::next_frame(left, f), "a session sends no frame");
            if (f.type == wire::frame_type::event) read_event(f);
            std::span<const std::byte> tail;
            if (wire::endpoint_named n; f.type == n.type && wire::parse(f, n, tail))
                named_.insert(n.endpoint.value);
            if (f.type >= wire::frame_type::answer) read_answer(f);
        }
        memctxs_ += memctx_filled_ ? 1 : 0;
        require(inbox_->receive(d, {}), "a session sends what no client reads");
        learn(now);
    }
    void read_event(const wire::frame_view& f) {
        event e;
        std::span<const std::byte> payload;
        require(wire::get_event(f, e, payload), "a session sends no event");
        if (e.kind == kind::console_output)
            require(window_open() || promoted_, "60: the window is overrun");
        ++events_;
        require(!e.endpoint || e.kind == kind::receipt || named_.count(e.endpoint.value) != 0,
                "58: told of an endpoint without a name");
        const auto* g = e.as<grant_changed>();
        if (e.kind == kind::endpoint_removed || (g && g->rights == 0))
            named_.erase(e.endpoint.value);
        if (e.kind == kind::receipt) {
            unsigned& times = ended_[e.correlation.value];
            require(times++ == 0, "I8: a command ends twice");
            return;
        }
        if (e.sequence == 0) return;
        std::uint64_t& last = numbers_[e.endpoint.value];
        require(e.sequence == last + 1, "2: numbers have holes");
        last = e.sequence;
    }
    void read_answer(const wire::frame_view& f) {
        wire::reader from{f.body};
        std::uint32_t request = 0;
        require(wire::get(from, request), "an answer to nothing");
        require(forbidden_.count(request) == 0 || asked_.count(request) != 0 || raw_,
                "9: what is behind the end of a connection is done");
        const auto asked = asked_.find(request);
        require(asked != asked_.end() || raw_, "an answer that nobody asked for");
        if (asked == asked_.end() || f.type == wire::frame_type::audit_entry) return;
        require(asked->second.times++ == 0 || raw_, "a question is answered twice");
        std::span<const std::byte> tail;
        if (wire::submitted s; f.type == s.type && wire::parse(f, s, tail) && s.correlation)
            heard_.commands[request % heard_.commands.size()] = s.correlation;
        if (wire::found n; f.type == n.type && wire::parse(f, n, tail) && n.endpoint)
            named_.insert(n.endpoint.value);
        if (wire::acquired a; f.type == a.type && wire::parse(f, a, tail)) {
            if (a.serial) heard_.serials[request % heard_.serials.size()] = a.serial;
            if (a.wait) heard_.waits[request % heard_.waits.size()] = a.wait;
        }
    }
    /// What the peer knows now.
    void learn(instant now) {
        while (inbox_->next()) {}
        unsigned n = 0;
        inbox_->for_each_endpoint([&](endpoint_id handle, const inbox::endpoint_view& v) {
            heard_.handles[n++ % heard_.handles.size()] = handle;
            heard_.epoch = std::max(heard_.epoch, v.seen);
        });
        heard_.now = now;
    }

    std::unique_ptr<inbox> inbox_ = std::make_unique<inbox>();
    heard heard_;
    std::map<std::uint32_t, waiting_answer> asked_, forbidden_;
    std::map<std::uint64_t, unsigned> ended_;
    std::map<std::uint64_t, std::uint64_t> numbers_;
    std::set<std::uint64_t> named_;
    std::uint64_t events_ = 0, memctxs_ = 0;
    wire::acknowledge acknowledged_;
    wire::acknowledge said_;     ///< among other things, and perhaps not heard
    bool memctx_filled_ = false; ///< a memctx with descriptors is to be read next
    bool raw_ = false;           ///< something was said whose meaning is not known
    bool promoted_ = false;      ///< what waited when a snapshot or a removal came goes first
};

} // namespace vmsig::fuzz
