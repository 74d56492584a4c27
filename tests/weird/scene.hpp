// A host as the program that it is, with a healthy control beside which hostile ones run, as
// another user. The healthy one drives the machine "db-1"; the hostile ones may look at "build-7"
// and type on it. Where nobody can become another user the hostile ones are of the same one, with
// the same rights, and what is about rights is left out.
#pragma once

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <grp.h>
#include <sys/wait.h>

#include <host/program.hpp>

#include "raw_client.hpp"

namespace vmsig::test {

inline constexpr uid_t nobody = 65534;
inline const std::string grant_of_nobody = R"(
[[grant]]
users = [65534]
rank = 5
on = [{ endpoints = ["build-7"], rights = ["observe", "memctx", "memread", "input"] }]
)";
inline const std::string grant_of_all = R"(
[[grant]]
users = ["*"]
rank = 50
on = [{ endpoints = ["*"], rights = ["observe", "memctx", "memread", "memwrite",
                                     "input", "power", "admin"] }]
)";
inline const std::string hostile_config = R"(
[peers]
unauthenticated = 8
greeting_ms = 300
per_user = 16
[[machine]]
name = "build-7"
backend = "stub"
[[machine]]
name = "db-1"
backend = "stub"
tick_ms = 5
)";

inline bool may_become_another() { return ::geteuid() == 0; }

/// What a process holds, as the kernel counts it.
struct holdings {
    std::size_t descriptors = 0;
    std::size_t resident_kib = 0;

    static holdings of(pid_t pid) {
        const std::string proc = "/proc/" + std::to_string(pid);
        holdings h;
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator{proc + "/fd", none})
            h.descriptors += entry.path().empty() ? 0 : 1;
        std::ifstream status{proc + "/status"};
        for (std::string word; status >> word;)
            if (word == "VmRSS:") status >> h.resident_kib;
        return h;
    }
};

class scene {
public:
    scene() {
        REQUIRE(::chmod(in.at("").c_str(), 0755) == 0);
        in.write("grants.toml", (may_become_another() ? grant_of_nobody : "") + grant_of_all);
        in.write_config(hostile_config, "0o666");
        host = std::make_unique<program>(in);
        REQUIRE(host->ready());
        control = attached(in.socket());
        const auto found = control->find("db-1");
        REQUIRE(found);
        machine = *found;
        const auto got = control->acquire(machine, lease_class::input);
        REQUIRE(got);
        lease = got.lease;
        ::ucred who{};
        ::socklen_t size = sizeof who;
        REQUIRE(::getsockopt(control->fd(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0);
        host_pid = who.pid;
        (void)rounds(20);
        before = holdings::of(host_pid);
    }
    std::string path() const { return in.socket(); }

    /// In a process of a hostile user, if there can be one. Becomes 0 when it has ended well.
    template <class F>
    pid_t start(F&& hostile) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child != 0) return child;
        (void)control.release(); // its descriptor is the parent's
        must(!may_become_another() ||
                 (::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0),
             "can not become another user");
        hostile(path());
        ::_exit(0);
    }
    void await_end(pid_t child) {
        int status = -1;
        while (::waitpid(child, &status, WNOHANG) == 0) (void)rounds(1);
        CHECK(status == 0);
    }
    /// The hostile client runs, and the healthy one goes on beside it and loses nothing.
    template <class F>
    void beside(const char* name, F&& hostile) {
        const auto quiet = rounds(50);
        const pid_t child = start(hostile);
        std::vector<std::int64_t> disturbed;
        int status = -1;
        while (::waitpid(child, &status, WNOHANG) == 0) {
            const auto more = rounds(1);
            disturbed.insert(disturbed.end(), more.begin(), more.end());
        }
        CHECK(status == 0);
        std::printf("%s: median %ld us alone, %ld us beside it\n", name, median(quiet),
                    median(disturbed));
        finish();
    }
    /// Nothing is left of whoever was there, and the host ends as it should.
    void finish() {
        holdings after;
        for (int tries = 0; tries < 1000; ++tries) {
            (void)rounds(1);
            after = holdings::of(host_pid);
            if (after.descriptors <= before.descriptors) break;
            ::usleep(10'000);
        }
        CHECK(after.descriptors == before.descriptors);
        CHECK(after.resident_kib < before.resident_kib + 32 * 1024);
        control.reset();
        CHECK(host->stop() == 0);
    }
    /// Keys pressed and released; how long each took, in microseconds.
    std::vector<std::int64_t> rounds(int n) {
        std::vector<std::int64_t> took;
        for (; n > 0; --n) {
            const auto from = std::chrono::steady_clock::now();
            for (const bool down : {true, false}) {
                const auto sent =
                    control->submit(frame_of(lease, {input_change::key(KEY_A, down)}));
                REQUIRE(sent);
                await_receipt(sent.id);
            }
            const auto d = std::chrono::steady_clock::now() - from;
            took.push_back(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
        }
        return took;
    }
    /// Events were taken elsewhere: from here on numbers are counted anew.
    void look_away() { last_ = 0; }
    /// What the host has audited, one line each.
    bool audited(const std::string& what) const {
        return in.read("audit.jsonl").find(what) != std::string::npos;
    }

    host_folder in;
    std::unique_ptr<program> host;
    std::unique_ptr<client> control;
    endpoint_id machine;
    vmsig::lease lease;
    pid_t host_pid = 0;
    holdings before;

private:
    static std::int64_t median(std::vector<std::int64_t> v) {
        if (v.empty()) return 0;
        std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
        return v[v.size() / 2];
    }
    /// Numbers have no holes on the way, and nothing is said to be lost.
    void await_receipt(correlation_id id) {
        for (;;) {
            const event* e = control->next_event(seconds(20));
            if (!e) FAIL("the host is silent");
            if (e->endpoint == machine && e->sequence != 0) {
                if (last_ != 0 && e->sequence != last_ + 1) FAIL("numbers have holes");
                last_ = e->sequence;
            }
            if (e->kind == kind::gap && e->endpoint == machine) FAIL("events are lost");
            const auto* r = e->as<receipt>();
            if (!r || e->correlation != id) continue;
            REQUIRE(r->outcome == outcome::done);
            return;
        }
    }
    std::uint64_t last_ = 0;
};

/// The hostile one as another user if that can be, else as the same.
template <class F>
void run_beside(const char* name, F&& hostile) {
    if (!may_become_another()) std::printf("%s: as the same user\n", name);
    scene{}.beside(name, hostile);
}
/// As another user, with fewer rights, or not at all.
template <class F>
void run_as_another(const char* name, F&& hostile) {
    if (!may_become_another()) VMSIG_SKIP("only root can become another user");
    scene{}.beside(name, hostile);
}

} // namespace vmsig::test
