// Rule: what is posted runs, or is destroyed unrun, exactly once: with a doorbell that is full to
// the brim, and from several threads while the loop is stopped, restarted and destroyed.
#include <memory>

#include "child.hpp"
#include "workload.hpp"

using namespace vmsig;
using namespace vmsig::test;

namespace {

std::atomic<int> alive{0};
/// Counts its living copies.
struct token {
    token() { ++alive; }
    token(const token&) { ++alive; }
    token(token&&) noexcept { ++alive; }
    ~token() { --alive; }
};

/// The eventfds of this process.
std::vector<int> bells() {
    std::vector<int> all;
    for (int fd = 0; fd < 256; ++fd) {
        char target[64] = {};
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        if (::readlink(path.c_str(), target, sizeof target - 1) < 0) continue;
        if (std::string{target} == "anon_inode:[eventfd]") all.push_back(fd);
    }
    return all;
}

} // namespace

TEST_CASE("with a doorbell that cannot count any further no post and no stop is lost") {
    const auto others = bells();
    workload w;
    const auto all = bells();
    REQUIRE(all.size() == others.size() + 1);
    int bell = -1;
    for (const int fd : all)
        if (std::find(others.begin(), others.end(), fd) == others.end()) bell = fd;
    const auto saturate = [bell] {
        for (std::uint64_t most = ~std::uint64_t{0} - 1; most != 0; most /= 2)
            while (::write(bell, &most, sizeof most) > 0) {}
    };
    saturate();
    w.post_from_beside(2'000);
    w.drives.after_round = saturate;
    w.run(50);
    w.dispatch(50);
    w.check_all();
}

TEST_CASE("posts of several threads while the bus stops and ends run or are dropped, once") {
    for (int round = 0; round < 30; ++round) {
        std::atomic<int> ran{0}, accepted{0}, tried{0};
        std::atomic<bool> over{false};
        {
            auto w = std::make_unique<workload>();
            std::vector<std::thread> posters;
            for (int t = 0; t < 3; ++t)
                posters.emplace_back([&] {
                    while (!over) {
                        ++tried;
                        const bool taken = w->bus.post([&ran, mine = token{}] { ++ran; });
                        accepted += taken ? 1 : 0;
                        if (!taken) std::this_thread::yield();
                    }
                });
            std::thread stopper{[&] {
                while (ran < 20) std::this_thread::yield();
                w->bus.stop();
            }};
            w->bus.run();
            stopper.join();
            const int after_stop = accepted;
            while (accepted < after_stop + 20) // the ring fills up while nobody runs it
                if (tried > accepted + 20) break;
            over = true;
            for (std::thread& p : posters) p.join();
            CHECK(ran <= accepted);
            if (round % 2 == 0) w->turn_until([&] { return ran == accepted; });
        }
        CHECK(ran <= accepted);
        CHECK(alive == 0);
    }
}
