// sweep: one scenario again and again, with each errno of a call site at its first, second, ...
// call, once and from then on, until the scenario passes without meeting the fault. What the
// scenario must not do is said by the scenario; that nothing is leaked is checked here.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>
#include <support/fd_count.hpp>

#include "injection.hpp"

namespace vmsig::test {

inline const call_site& site_of(std::string_view function, std::uint64_t which) {
    for (const call_site& s : call_sites)
        if (s.function == function && s.which == which) return s;
    FAIL("no such call site: " << function << ' ' << which);
    return call_sites[0];
}

/// What a scenario must leave as it was. Not the pages of the anchors, which are kept on purpose.
struct footprint {
    int descriptors = open_fd_count();
    std::size_t mapped = mapped_bytes(backing::file);
    std::int64_t blocks = live_blocks();

    friend bool operator==(const footprint&, const footprint&) = default;
};

/// One run of a scenario. It asserts by `expect`, which allocates nothing.
class trial {
public:
    trial(const call_site& site, int code, unsigned kth, lasting how)
        : site_{site}
        , code_{code}
        , kth_{kth}
        , how_{how} {}
    /// From here on calls are counted, and the k-th fails. Once.
    void arm() {
        if (kth_ == 0) return;
        armed_ = true;
        injection_.arm(site_, code_, kth_, how_);
    }
    /// From here on nothing fails.
    void heal() { injection_.disarm(); }

    bool hit() const { return hits() != 0; }
    unsigned hits() const { return armed_ ? injection_.hits() : 0; }
    int code() const { return code_; }
    lasting how() const { return how_; }
    void expect(bool holds, const char* what) {
        if (!holds && complaint_[0] == '\0') complaint_ = what;
    }
    const char* complaint() const { return complaint_; }

private:
    const call_site& site_;
    int code_;
    unsigned kth_;
    lasting how_;
    bool armed_ = false;
    injection injection_;
    const char* complaint_ = "";
};

struct extent {
    unsigned calls = 0; ///< of a scenario that makes the call without end: how many are tried
    bool onward = true; ///< false: it makes no call after the first that failed
};

/// `scenario(trial&)` sets up, arms, acts, heals, acts again and cleans up after itself. It must
/// make the call at all.
template <class Scenario>
void sweep(std::string_view function, std::uint64_t which, Scenario&& scenario,
           const extent& reach = {}) {
    const unsigned most = reach.calls != 0 ? reach.calls : 500;
    const call_site& site = site_of(function, which);
    {
        trial warm_up{site, 0, 0, lasting::once};
        scenario(warm_up);
        CHECK(std::string{warm_up.complaint()} == "");
    }
    for (const int code : site.errnos) {
        for (const lasting how : {lasting::once, lasting::onward}) {
            // Signals that come for ever are no fault of a call.
            const bool endless = how == lasting::onward && (code == EINTR || !reach.onward);
            if (code == 0 || endless) continue;
            unsigned kth = 0;
            for (bool met = true; met && kth < most;) {
                ++kth;
                CAPTURE(function, which, code, kth, how == lasting::onward);
                trial t{site, code, kth, how};
                const footprint before;
                scenario(t);
                t.heal();
                const footprint after;
                met = t.hit();
                CHECK(std::string{t.complaint()} == "");
                CHECK(after.descriptors == before.descriptors);
                CHECK(after.mapped == before.mapped);
                CHECK(after.blocks == before.blocks);
            }
            CAPTURE(function, which, code);
            CHECK(kth > 1);
            CHECK((reach.calls != 0 || kth < most));
        }
    }
}
template <class Scenario>
void sweep(std::string_view function, Scenario&& scenario) {
    sweep(function, call_site::any, scenario);
}

} // namespace vmsig::test
