// The program itself, as a service manager starts it: its files in a folder of their own, what it
// tells the manager, what it logs, and how it ends.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vmsig/client/client.hpp>

#include <support/catch.hpp>

namespace vmsig::test {

inline const std::string grant_all = R"([[grant]]
users = ["*"]
rank = 1
on = [{ endpoints = ["*"], rights = ["observe", "memctx", "memread", "input", "power", "admin"] }]
)";
inline const std::string two_machines = R"([[machine]]
name = "build-7"
backend = "stub"
[[machine]]
name = "db-1"
backend = "stub"
start = false
tick_ms = 5
)";

/// A folder with what a host needs, gone at the end.
class host_folder {
public:
    host_folder() {
        char name[] = "/tmp/vmsig-host-XXXXXX";
        REQUIRE(::mkdtemp(name) != nullptr);
        path_ = name;
        write("grants.toml", grant_all);
        write_config(two_machines);
    }
    ~host_folder() { std::filesystem::remove_all(path_); }
    host_folder(const host_folder&) = delete;
    host_folder& operator=(const host_folder&) = delete;

    std::string at(const std::string& name) const { return path_ + "/" + name; }
    std::string socket() const { return at("bus.sock"); }
    void write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
        std::ofstream{at(name)} << text;
        REQUIRE(::chmod(at(name).c_str(), mode) == 0);
    }
    /// With the socket here; `more` are the machines.
    void write_config(const std::string& more, const std::string& mode = "0o600") const {
        write("host.toml", "grants = \"grants.toml\"\naudit = \"" + at("audit.jsonl") +
                               "\"\n[socket]\npath = \"" + socket() + "\"\nmode = " + mode + "\n" +
                               more);
    }
    std::string read(const std::string& name) const {
        std::stringstream all;
        all << std::ifstream{at(name)}.rdbuf();
        return all.str();
    }
    bool has(const std::string& name) const {
        struct stat s {};
        return ::lstat(at(name).c_str(), &s) == 0;
    }

private:
    std::string path_;
};

/// A unix socket of any type at a path.
inline unique_fd bound_to(const std::string& path, int type) {
    unique_fd s{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    ::sockaddr_un here{};
    here.sun_family = AF_UNIX;
    path.copy(here.sun_path, sizeof here.sun_path - 1);
    REQUIRE(::bind(s.get(), reinterpret_cast<::sockaddr*>(&here), sizeof here) == 0);
    return s;
}

class program {
public:
    /// `prepare` runs in the child, before the program.
    explicit program(const host_folder& in, std::vector<std::string> more = {},
                     const std::function<void()>& prepare = {})
        : in_{in}
        , log_{"log-" + std::to_string(++started)}
        , notices_{bound_to(in.at(log_ + ".notify"), SOCK_DGRAM)} {
        more.insert(more.begin(), {VMSIG_HOST_PROGRAM, "--config", in.at("host.toml")});
        std::vector<char*> arguments;
        for (std::string& one : more) arguments.push_back(one.data());
        arguments.push_back(nullptr);
        child_ = ::fork();
        REQUIRE(child_ >= 0);
        if (child_ != 0) return;
        const int log = ::open(in.at(log_).c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        ::dup2(log, STDERR_FILENO);
        ::dup2(log, STDOUT_FILENO);
        ::close(log);
        ::setenv("NOTIFY_SOCKET", in.at(log_ + ".notify").c_str(), 1);
        ::setenv("VMSIG_HIDE_KVM", "1", 0);
        if (prepare) prepare();
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    ~program() {
        if (child_ <= 0) return;
        ::kill(child_, SIGKILL);
        ::waitpid(child_, nullptr, 0);
    }
    program(const program&) = delete;
    program& operator=(const program&) = delete;

    /// What it tells the service manager next; "" if it ends, or is silent for long.
    std::string notice() {
        for (int tries = 0; tries < 3000; ++tries) {
            ::pollfd readable{notices_.get(), POLLIN, 0};
            if (::poll(&readable, 1, 20) == 1) {
                char text[512];
                const ssize_t n = ::recv(notices_.get(), text, sizeof text, 0);
                return {text, n > 0 ? static_cast<std::size_t>(n) : 0};
            }
            if (ended()) break;
        }
        return {};
    }
    bool ready() { return notice().starts_with("READY=1\n"); }
    void signal(int which) const { REQUIRE(::kill(child_, which) == 0); }
    /// The exit code, once it has ended; or -signal, of one that does not end by itself too.
    int wait() {
        for (int tries = 0; tries < 10'000 && !ended(); ++tries) ::usleep(2000);
        if (!ended()) ::kill(child_, SIGKILL);
        while (!ended()) ::usleep(2000);
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
    }
    int stop() {
        signal(SIGTERM);
        return wait();
    }
    /// After a SIGHUP: until it is ready again.
    void reload() {
        signal(SIGHUP);
        CHECK(notice().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        CHECK(ready());
    }
    std::string log() const { return in_.read(log_); }
    bool logged(const std::string& what) const { return log().find(what) != std::string::npos; }

private:
    bool ended() {
        if (child_ > 0 && ::waitpid(child_, &status_, WNOHANG) == child_) child_ = 0;
        return child_ == 0;
    }

    static inline int started = 0;
    const host_folder& in_;
    std::string log_;
    unique_fd notices_;
    pid_t child_ = 0;
    int status_ = -1;
};

/// A peer that has been told of so many machines.
inline std::unique_ptr<client> attached(const std::string& path, int machines = 2) {
    auto c = client::connect(path, {"test", seconds(20)});
    REQUIRE(c);
    while (machines > 0) {
        const event* e = (*c)->next_event(seconds(20));
        REQUIRE(e);
        machines -= e->is(kind::replay_end) ? 1 : 0;
    }
    return std::move(*c);
}
/// The next event of which that holds, or null.
template <class Predicate>
const event* next(client& c, Predicate&& p) {
    while (const event* e = c.next_event(seconds(20)))
        if (p(*e)) return e;
    return nullptr;
}
inline const event* next(client& c, kind k) {
    return next(c, [k](const event& e) { return e.kind == k; });
}

} // namespace vmsig::test
