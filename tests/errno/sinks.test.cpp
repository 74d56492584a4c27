// Rule: a sink that the system refuses neither stops the bus nor loses what it accepted, says the
// errno, and goes on by itself; one that can not be made says why.
#include "stage.hpp"

#include <vmsig/guest/journal_sink.hpp>
#include <vmsig/guest/json_lines_sink.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>

#include "construction.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

struct lines_traits : stage_traits {
    using audit_sink = json_lines_sink;
};
struct journal_traits : stage_traits {
    using audit_sink = journal_sink;
};

/// Of a pipe: whole lines that have come.
unsigned lines_in(int fd) {
    char text[4096];
    unsigned n = 0;
    for (ssize_t got; (got = ::read(fd, text, sizeof text)) > 0;)
        for (ssize_t i = 0; i < got; ++i) n += text[i] == '\n';
    return n;
}

/// A journal of the test's own, at an address of the process's own.
struct journal {
    journal() {
        std::snprintf(path, sizeof path, "/tmp/vmsig-errno-%d", static_cast<int>(::getpid()));
        ::unlink(path);
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, path, sizeof path);
        bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    }
    journal(const journal&) = delete;
    ~journal() { ::unlink(path); }
    unsigned datagrams() {
        char text[max_journal_datagram_bytes];
        unsigned n = 0;
        while (::recv(socket.get(), text, sizeof text, 0) > 0) ++n;
        return n;
    }
    char path[64] = "";
    unique_fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    bool bound = false;
};

/// Attaches and detaches a control: two decisions.
template <class Core>
void decide_twice(Core& bus, endpoint_id vm) {
    listener ears;
    const control_handle me = bus.attach(ears, grant{}.on(vm).allow(everything));
    settle(bus);
    me.detach();
    settle(bus);
}

} // namespace

TEST_CASE("lines that can not be written wait, in order and whole, and go out later") {
    sweep("write", [](trial& t) {
        int ends[2] = {-1, -1};
        t.expect(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "no pipe");
        const unique_fd reader{ends[0]};
        core<lines_traits> bus{{}, unique_fd{ends[1]}};
        const endpoint_id vm = bus.add_endpoint("vm");
        auto& sink = bus.audit().sink();
        settle(bus);
        sink.flush();
        (void)lines_in(reader.get());
        t.arm();
        decide_twice(bus, vm);
        decide_twice(bus, vm);
        const bool waits = t.hit() && t.how() == lasting::onward;
        if (waits && sink.buffered_bytes() != 0)
            t.expect(sink.error() == os_error{t.code(), "write"}, "another errno");
        t.heal();
        sink.flush();
        t.expect(lines_in(reader.get()) >= 4, "a line was lost");
        t.expect(sink.lost() == 0, "a line was counted as lost");
        t.expect(sink.buffered_bytes() == 0 && sink.error().code == 0, "not written afterwards");
    });
}

TEST_CASE("a descriptor that can not be made non-blocking is not written to, and another one is") {
    const auto live = [](trial& t) {
        int ends[2] = {-1, -1};
        t.expect(::pipe2(ends, O_CLOEXEC) == 0, "no pipe");
        const unique_fd reader{ends[0]};
        unique_fd writer{ends[1]};
        unique_fd again{::dup(writer.get())};
        json_lines_sink* sink = nullptr;
        t.arm();
        core<lines_traits> bus{{}, std::move(writer)};
        sink = &bus.audit().sink();
        const endpoint_id vm = bus.add_endpoint("vm");
        decide_twice(bus, vm);
        const bool refused = t.hit();
        t.heal();
        if (refused) {
            t.expect(sink->error() == os_error{t.code(), "fcntl"}, "another errno");
            t.expect(sink->buffered_bytes() != 0, "written, and might have waited");
            sink->replace(std::move(again));
        }
        t.expect((::fcntl(sink->fd(), F_GETFL) & O_NONBLOCK) != 0, "it would wait");
        again.reset();
        sink->flush();
        ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
        t.expect(lines_in(reader.get()) >= 2 && sink->lost() == 0, "a line was lost");
    };
    sweep("fcntl", F_GETFL, live);
    sweep("fcntl", F_SETFL, live);
}

TEST_CASE("a journal sink that has no socket says so, and is made the next time") {
    sweep("socket", [](trial& t) {
        expect_made_or_told(t, "socket", [] { const core<journal_traits> bus; });
    });
}

TEST_CASE("records that the journal refuses wait in order and go out later") {
    sweep("sendto", [](trial& t) {
        journal there;
        t.expect(there.bound, "no journal");
        core<journal_traits> bus{{}, "test", there.path};
        const endpoint_id vm = bus.add_endpoint("vm");
        auto& sink = bus.audit().sink();
        sink.flush();
        (void)there.datagrams();
        t.arm();
        decide_twice(bus, vm);
        decide_twice(bus, vm);
        const bool waits = t.hit() && t.how() == lasting::onward;
        if (waits) {
            t.expect(sink.waiting() != 0, "not kept");
            t.expect(sink.error() == os_error{t.code(), "sendto"}, "another errno");
        }
        t.heal();
        unsigned came = there.datagrams();
        for (unsigned n = 0; sink.waiting() != 0 && n < 100; ++n) {
            sink.flush();
            came += there.datagrams();
        }
        t.expect(came >= 4 && sink.lost() == 0, "a record was lost");
        t.expect(sink.waiting() == 0 && sink.error().code == 0, "not sent afterwards");
    });
}
