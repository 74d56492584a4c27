// Row 3: many descriptors ready at once, per descriptor; and whether idle ones cost anything. The
// limit is a level-triggered epoll loop that takes 64 at a time and reads each eventfd.
#include "ratio.hpp"

#include <vmsig/vmsig.hpp>

#include <deque>

namespace {

void ring(int fd) {
    const std::uint64_t one = 1;
    if (write(fd, &one, sizeof one) != sizeof one) std::abort();
}
void silence(int fd) {
    std::uint64_t count = 0;
    benchmark::DoNotOptimize(read(fd, &count, sizeof count));
}

/// The descriptors of one benchmark, of which the first `Active` are rung in each iteration.
struct eventfds {
    std::vector<vmsig::unique_fd> all;
    explicit eventfds(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            all.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    }
    void ring_first(std::size_t active) {
        for (std::size_t i = 0; i < active; ++i) ring(all[i].get());
    }
};

struct raw_watch {
    void (*call)(raw_watch&) = nullptr;
    int fd = -1;
    std::uint64_t* calls = nullptr;
};
[[gnu::noinline]] void raw_ready(raw_watch& w) {
    silence(w.fd);
    ++*w.calls;
}

template <std::size_t Watched, std::size_t Active>
void limit(benchmark::State& state) {
    eventfds fds{Watched};
    const vmsig::unique_fd epoll{epoll_create1(EPOLL_CLOEXEC)};
    std::vector<raw_watch> watches(Watched);
    std::uint64_t calls = 0;
    for (std::size_t i = 0; i < Watched; ++i) {
        watches[i] = {&raw_ready, fds.all[i].get(), &calls};
        epoll_event e{};
        e.events = EPOLLIN;
        e.data.ptr = &watches[i];
        if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, watches[i].fd, &e) != 0) std::abort();
    }
    for (auto _ : state) {
        fds.ring_first(Active);
        for (calls = 0; calls < Active;) {
            epoll_event got[64];
            const int n = epoll_wait(epoll.get(), got, 64, 0);
            for (int i = 0; i < n; ++i) {
                auto& w = *static_cast<raw_watch*>(got[i].data.ptr);
                w.call(w);
            }
        }
    }
}

struct device {
    std::uint64_t* calls = nullptr;
    vmsig::adapter_handle bus;
    void on_attach(vmsig::adapter_handle b) { bus = b; }
    void on_ready(vmsig::cookie c, vmsig::adapter_handle) {
        silence(static_cast<int>(c.value));
        ++*calls;
    }
};

template <std::size_t Watched, std::size_t Active>
void ours(benchmark::State& state) {
    constexpr std::size_t each = vmsig::default_limits::watches_per_adapter;
    eventfds fds{Watched};
    vmsig::core<> bus;
    const auto vm = bus.add_endpoint("a");
    std::deque<device> devices;
    std::uint64_t calls = 0;
    for (std::size_t i = 0; i < Watched; ++i) {
        if (i % each == 0) bus.attach_adapter(devices.emplace_back(device{&calls, {}}), vm);
        const int fd = fds.all[i].get();
        if (!devices.back().bus.watch(fd, vmsig::interest::read, {static_cast<std::uint64_t>(fd)}))
            std::abort();
    }
    while (bus.dispatch()) {}
    for (auto _ : state) {
        fds.ring_first(Active);
        for (calls = 0; calls < Active;) bus.dispatch();
    }
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("3  8 ready at once", 1.03, 8, limit<8, 8>, ours<8, 8>);
    bench::pair("3  64 ready at once", 1.03, 64, limit<64, 64>, ours<64, 64>);
    bench::pair("3  768 ready at once", 1.03, 768, limit<768, 768>, ours<768, 768>);
    bench::pair("3  1 ready of 769, by 1 of 1", 1.03, 1, ours<1, 1>, ours<769, 1>);
    return bench::run(argc, argv);
}
