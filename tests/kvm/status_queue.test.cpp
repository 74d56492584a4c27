// The descriptor is readable exactly while a record waits, and there is always room for one more.
#include "status_queue.hpp"

#include <poll.h>

#include "support/catch.hpp"

using vmsig::kvm::status_kind;
using vmsig::kvm::status_queue;

namespace {

bool readable(const status_queue& queue) {
    pollfd entry{.fd = queue.fd(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
}

} // namespace

TEST_CASE("records come out in order and the descriptor follows") {
    status_queue queue;
    CHECK_FALSE(readable(queue));
    CHECK_FALSE(queue.pop());
    queue.push({.kind = status_kind::paused});
    queue.push({.kind = status_kind::resumed});
    CHECK(readable(queue));
    CHECK(queue.pop()->kind == status_kind::paused);
    CHECK(readable(queue));
    CHECK(queue.pop()->kind == status_kind::resumed);
    CHECK_FALSE(readable(queue));
}

TEST_CASE("what coalesces is queued once") {
    status_queue queue;
    queue.push_once(status_kind::console_readable);
    queue.push_once(status_kind::leds_changed);
    queue.push_once(status_kind::console_readable);
    CHECK(queue.pop()->kind == status_kind::console_readable);
    queue.push_once(status_kind::console_readable);
    CHECK(queue.pop()->kind == status_kind::leds_changed);
    CHECK(queue.pop()->kind == status_kind::console_readable);
    CHECK_FALSE(queue.pop());
}

TEST_CASE("a queue that is not crowded has room for one record and all that coalesces") {
    status_queue queue;
    std::size_t pushed = 0;
    for (; !queue.crowded(); ++pushed) queue.push({.kind = status_kind::paused});
    queue.push_once(status_kind::console_readable);
    queue.push_once(status_kind::leds_changed);
    queue.push_once(status_kind::keys_taken);
    while (pushed-- > 0) CHECK(queue.pop()->kind == status_kind::paused);
    CHECK(queue.pop()->kind == status_kind::console_readable);
}
