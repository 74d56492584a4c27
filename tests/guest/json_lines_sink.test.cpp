// Whatever the descriptor does (slow, full, closed, partial), the sink never waits, raises no
// signal, keeps what it accepted in whole lines, and what it could not keep shows as LOST(n) (72).
#include <vmsig/guest/json_lines_sink.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <memory>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <support/alloc_guard.hpp>
#include <support/catch.hpp>
#include <support/fd_count.hpp>

#include <vmsig/audit/auditor.hpp>

#include "audit/flat_json.hpp"

using namespace vmsig;

namespace {

struct pipe_pair {
    unique_fd reader;
    unique_fd writer;
    pipe_pair() {
        int fds[2];
        REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
        reader.reset(fds[0]);
        writer.reset(fds[1]);
        ::fcntl(fds[0], F_SETFL, O_NONBLOCK);
    }
    std::string read_all() {
        std::string text;
        char bytes[4096];
        for (ssize_t n = 0; (n = ::read(reader.get(), bytes, sizeof bytes)) > 0;)
            text.append(bytes, static_cast<std::size_t>(n));
        return text;
    }
};

audit_record numbered(std::uint64_t n) {
    audit_record r = audit_record::of(decision::attached);
    r.number = n;
    return r;
}

/// The whole lines of `text`; a piece of a line fails the test.
std::vector<vmsig::test::flat_json> lines(const std::string& text) {
    std::vector<vmsig::test::flat_json> all;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        REQUIRE(end != text.npos);
        auto line = vmsig::test::read_flat_json(text.substr(at, end + 1 - at));
        if (!line) FAIL(text.substr(at, end + 1 - at));
        all.push_back(*line);
        at = end + 1;
    }
    return all;
}

/// write(2) as the test wants it.
struct scripted {
    static inline std::string out;
    static inline std::size_t most = 0; ///< bytes per call; 0: fails with `error`
    static inline int error = EAGAIN;
    static inline int interruptions = 0;
    static inline int calls = -1; ///< that take anything; -1: all

    static ssize_t write(int, const void* bytes, std::size_t length) noexcept {
        if (interruptions > 0) {
            --interruptions;
            errno = EINTR;
            return -1;
        }
        if (most == 0 || calls == 0) {
            errno = error;
            return -1;
        }
        if (calls > 0) --calls;
        const std::size_t n = std::min(length, most);
        out.append(static_cast<const char*>(bytes), n);
        return static_cast<ssize_t>(n);
    }
    static void reset(std::size_t bytes_per_call) {
        out.clear();
        out.reserve(1 << 20);
        most = bytes_per_call;
        error = EAGAIN;
        interruptions = 0;
        calls = -1;
    }
};
using scripted_sink = basic_json_lines_sink<scripted, 1024>;

} // namespace

TEST_CASE("json_lines_sink: a record is a line in the pipe when write returns") {
    pipe_pair pipe;
    json_lines_sink sink{std::move(pipe.writer)};
    CHECK(sink.reserve(0, ~0u));
    CHECK(sink.write(numbered(1), audit_room::free));
    CHECK(sink.write(numbered(2), audit_room::reserved));
    const auto read = lines(pipe.read_all());
    REQUIRE(read.size() == 2);
    CHECK(read[1].at("number") == "2");
    CHECK(sink.error().code == 0);
    CHECK(sink.buffered_bytes() == 0);
}

TEST_CASE("json_lines_sink: a reader that never reads is never waited for, and recovers") {
    pipe_pair pipe;
    basic_auditor<basic_json_lines_sink<line_calls, 1024>> audit{std::move(pipe.writer)};
    ::fcntl(audit.sink().fd(), F_SETPIPE_SZ, 4096);
    for (int i = 0; i < 5000; ++i) audit.note(audit_record::of(decision::lease_ended));
    CHECK(audit.sink().error().code == EAGAIN);
    const std::uint64_t lost = audit.lost(audit_host_share);
    CHECK(lost > 0);
    CHECK(lost + audit.number() == 5000);
    CHECK(audit.admit(3)); // not fail-closed
    audit.withdraw(3, 2);

    std::string text = pipe.read_all();
    audit.settle(instant{7});
    text += pipe.read_all();
    const auto read = lines(text);
    REQUIRE(read.size() == audit.number());
    for (std::size_t i = 0; i < read.size(); ++i)
        REQUIRE(read[i].at("number") == std::to_string(i + 1));
    CHECK(read.back().at("decision") == "lost");
    CHECK(read.back().at("records") == std::to_string(lost));
}

TEST_CASE("json_lines_sink: a closed reader raises no signal, and another descriptor goes on") {
    pipe_pair pipe;
    json_lines_sink sink{std::move(pipe.writer)};
    pipe.reader.reset();
    CHECK(sink.write(numbered(1), audit_room::free)); // SIGPIPE would end the process here
    CHECK(sink.error().code == EPIPE);
    sigset_t pending;
    sigpending(&pending);
    CHECK_FALSE(sigismember(&pending, SIGPIPE));
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    CHECK_FALSE(sigismember(&blocked, SIGPIPE));

    pipe_pair another;
    sink.replace(std::move(another.writer));
    sink.flush();
    CHECK(lines(another.read_all()).size() == 1);
    CHECK(sink.error().code == 0);
}

TEST_CASE("json_lines_sink: a SIGPIPE that was pending before stays pending") {
    sigset_t only;
    sigset_t before;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &only, &before);
    ::raise(SIGPIPE);
    {
        pipe_pair pipe;
        json_lines_sink sink{std::move(pipe.writer)};
        pipe.reader.reset();
        (void)sink.write(numbered(1), audit_room::free);
    }
    sigset_t pending;
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGPIPE));
    const timespec at_once{};
    CHECK(sigtimedwait(&only, nullptr, &at_once) == SIGPIPE);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("json_lines_sink: a file at its size limit raises no signal") {
    unique_fd file{::memfd_create("lines", MFD_CLOEXEC)};
    REQUIRE(file);
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit tiny{100, 100};
        ::setrlimit(RLIMIT_FSIZE, &tiny);
        json_lines_sink sink{std::move(file)};
        for (std::uint64_t n = 1; n < 5; ++n) (void)sink.write(numbered(n), audit_room::free);
        ::_exit(sink.error().code == EFBIG ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("json_lines_sink: a socket, a full device, and no descriptor at all") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    json_lines_sink to_socket{unique_fd{ends[0]}};
    ::close(ends[1]);
    CHECK(to_socket.write(numbered(1), audit_room::free));
    CHECK(to_socket.error().code == EPIPE);

    unique_fd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    if (full) {
        json_lines_sink to_full{std::move(full)};
        CHECK(to_full.write(numbered(1), audit_room::free));
        CHECK(to_full.error().code == ENOSPC);
    }
    json_lines_sink nowhere{unique_fd{}};
    CHECK(nowhere.write(numbered(1), audit_room::free));
    CHECK(nowhere.error().code == EBADF);
    CHECK(std::string{nowhere.error().operation} == "write");
}

TEST_CASE("json_lines_sink: lines arrive whole however few bytes each write takes") {
    std::mt19937_64 dice{8};
    scripted::reset(0);
    scripted_sink sink{unique_fd{}};
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
    const auto allocations = vmsig::test::allocations_in([&] {
        for (int n = 0; n < 3000; ++n) {
            scripted::most = 1 + dice() % 90;
            scripted::calls = static_cast<int>(dice() % 3);
            scripted::interruptions = static_cast<int>(dice() % 3);
            (sink.write(numbered(accepted + 1), audit_room::free) ? accepted : refused) += 1;
        }
    });
    scripted::most = 7;
    scripted::calls = -1;
    sink.flush();
    const auto read = lines(scripted::out);
    REQUIRE(read.size() == accepted);
    for (std::size_t i = 0; i < read.size(); ++i)
        REQUIRE(read[i].at("number") == std::to_string(i + 1));
    CHECK(refused > 0);
    CHECK(sink.lost() == refused);
    CHECK(allocations == 0);
}

TEST_CASE("json_lines_sink: a new descriptor begins with the line that was cut") {
    scripted::reset(0);
    scripted_sink sink{unique_fd{}};
    for (std::uint64_t n = 1; n <= 3; ++n) REQUIRE(sink.write(numbered(n), audit_room::free));
    const std::size_t one = sink.buffered_bytes() / 3;
    scripted::most = one + 5; // the first line and a piece of the second
    scripted::calls = 1;
    sink.flush();
    CHECK(sink.buffered_bytes() == 2 * one - 5);
    CHECK(sink.error().code == EAGAIN);

    scripted::reset(1024);
    sink.replace(unique_fd{});
    sink.flush();
    const auto read = lines(scripted::out);
    REQUIRE(read.size() == 2);
    CHECK(read[0].at("number") == "2");
    CHECK(read[1].at("number") == "3");
}

TEST_CASE("json_lines_sink: a write of nothing does not spin") {
    struct stuck {
        static ssize_t write(int, const void*, std::size_t) noexcept { return 0; }
    };
    basic_json_lines_sink<stuck, 1024> sink{unique_fd{}};
    CHECK(sink.write(numbered(1), audit_room::free));
    CHECK(sink.error().code == ENOSPC);
}

TEST_CASE("json_lines_sink: the descriptor is consumed and closed once") {
    const int before = vmsig::test::open_fd_count();
    {
        pipe_pair pipe;
        json_lines_sink sink{std::move(pipe.writer)};
        CHECK((::fcntl(sink.fd(), F_GETFL) & O_NONBLOCK) != 0);
        pipe_pair another;
        sink.replace(std::move(another.writer));
    }
    CHECK(vmsig::test::open_fd_count() == before);
}
