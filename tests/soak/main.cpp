// soak: several machines and a crowd of controls for VMSIG_SOAK_SECONDS (600 unless said), on one
// bus with the real reactor. It must end with every command accounted for, as many descriptors as
// it had, no more memory than after the warm-up, and not one allocation in a turn. Not a benchmark.
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <vmsig/core/core.hpp>
#include <vmsig/stub/machine.hpp>

#ifdef VMSIG_SOAK_KVM
#include <vmsig/kvm/machine.hpp>
#include <vmsig/kvm/probe.hpp>
#endif

#include <support/alloc_guard.hpp>
#include <support/fd_count.hpp>

#include "actor.hpp"

namespace {

using namespace vmsig;

constexpr std::size_t stubs = 4;
constexpr std::size_t actors_per_machine = 4;
/// Of resident memory, from the end of the warm-up to the end; in a short soak the tables of the
/// bus are still touched for the first time.
constexpr long most_growth_kib(double length) { return length < 60 ? 16 * 1024 : 2 * 1024; }

struct traits : default_traits {
    using observer = counting_observer;
};
using soak_core = core<traits>;

double now_s() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
long resident_kib() {
    long pages = 0;
    if (std::FILE* f = std::fopen("/proc/self/statm", "r")) {
        if (std::fscanf(f, "%*s %ld", &pages) != 1) pages = 0;
        std::fclose(f);
    }
    return pages * (::sysconf(_SC_PAGESIZE) / 1024);
}

class soaking {
public:
    soaking() {
        for (std::size_t i = 0; i < stubs; ++i) {
            stub_machines_.push_back(
                std::make_unique<stub::machine>(stub::machine_options{.period = milliseconds(2)}));
            add(*stub_machines_.back());
        }
#ifdef VMSIG_SOAK_KVM
        if (kvm::probe(seconds(10))) {
            kvm_machine_ = std::make_unique<kvm::machine>();
            add(*kvm_machine_);
            if (!kvm_machine_->start()) t_.wrong = "the KVM machine does not start";
        }
        std::printf("%zu stub machines, %s\n", stubs, kvm_machine_ ? "one KVM machine" : "no KVM");
#endif
    }
    ~soaking() {
        for (auto& m : stub_machines_) m->unplug();
#ifdef VMSIG_SOAK_KVM
        if (kvm_machine_) kvm_machine_->unplug();
#endif
    }

    void run(double length) {
        const double start = now_s(), warm = start + length / 5;
        double mark = 0;
        for (double now = start; now < start + length; now = now_s()) {
            round();
            if (now >= warm && fds_ == 0) {
                fds_ = settled_fds();
                resident_ = resident_kib();
            }
            if (now - start < mark) continue;
            print(now - start);
            mark += length >= 100 ? 10 : length / 2;
        }
        finish();
        print(length);
    }
    /// 0, or 1 and what is wrong.
    int verdict(double length) {
        const long growth = resident_kib() - resident_;
        const int fds = settled_fds();
        std::uint64_t abandoned = 0;
        for (const auto& a : actors_) abandoned += a->abandoned();
        const char* wrong = t_.wrong;
        if (t_.accepted != t_.receipts + abandoned) wrong = "a command has not ended, or twice";
        if (fds != fds_) wrong = "descriptors were gained or lost";
        if (growth > most_growth_kib(length)) wrong = "memory grows";
        if (allocations_ != 0) wrong = "a turn allocated";
        std::printf(
            "descriptors %d, then %d; resident %+ld KiB since the warm-up; %llu allocations "
            "in turns\nresult: %s\n",
            fds_, fds, growth, static_cast<unsigned long long>(allocations_),
            wrong ? wrong : "held");
        return wrong ? 1 : 0;
    }

private:
    template <class Machine>
    void add(Machine& m) {
        char name[16];
        std::snprintf(name, sizeof name, "vm-%zu", machines_.size());
        const endpoint_id vm = bus_.add_endpoint(name);
        m.plug_into(bus_, vm);
        machines_.push_back(vm);
        for (std::size_t i = 0; i < actors_per_machine; ++i) {
            actors_.push_back(std::make_unique<soak::actor>());
            actors_.back()->start(t_, vm, actors_.size());
            attach(*actors_.back(), i);
        }
    }
    void attach(soak::actor& a, std::size_t n) {
        const auto all = right::observe | right::memctx | right::memread | right::memwrite |
                         right::input | right::power;
        a.attached(bus_.attach(
            a, grant{}.on(machines_[n_of(a)]).allow(all).rank(static_cast<std::uint32_t>(n % 4))));
    }
    std::size_t n_of(const soak::actor& a) const {
        for (std::size_t i = 0; i < actors_.size(); ++i)
            if (actors_[i].get() == &a) return i / actors_per_machine;
        return 0;
    }
    void round() {
        for (auto& a : actors_) a->tick();
        pollfd p{bus_.fd(), POLLIN, 0};
        (void)::poll(&p, 1, 1);
        turn();
        if (++rounds_ % 64 != 0) return;
        const std::size_t n = rounds_ / 64 % actors_.size(); // one leaves, or comes back
        if (actors_[n]->attached())
            actors_[n]->handle().detach();
        else
            attach(*actors_[n], n);
    }
    void turn() {
        test::no_allocations counted;
        bus_.dispatch();
        if (fds_ != 0) allocations_ += counted.count();
    }
    /// Everybody is away, so that what is open belongs to the machines and the bus.
    int settled_fds() {
        for (auto& a : actors_) a->handle().detach();
        for (int i = 0; i < 100; ++i) bus_.dispatch();
        const int open = test::open_fd_count();
        for (std::size_t n = 0; n < actors_.size(); ++n) attach(*actors_[n], n);
        return open;
    }
    void finish() {
        const double deadline = now_s() + 30;
        const auto open = [this] {
            std::uint64_t n = 0;
            for (const auto& a : actors_) n += a->pending();
            return n;
        };
        while (open() != 0 && now_s() < deadline) {
            pollfd p{bus_.fd(), POLLIN, 0};
            (void)::poll(&p, 1, 10);
            turn();
        }
        if (open() != 0) t_.wrong = "commands do not end";
    }
    void print(double at) {
        const auto u = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
        std::printf("%6.1f s  events %llu, exports %llu, looks %llu; commands %llu, refused %llu; "
                    "done %llu, failed %llu, expired %llu, cancelled %llu, stale_epoch %llu, "
                    "lease_lost %llu, other %llu; resident %ld KiB, %d descriptors\n",
                    at, u(t_.events), u(t_.exports), u(t_.looks), u(t_.accepted), u(t_.refused),
                    u(t_.by_outcome[1]), u(t_.by_outcome[2]), u(t_.by_outcome[3]),
                    u(t_.by_outcome[4]), u(t_.by_outcome[5]), u(t_.by_outcome[6]),
                    u(t_.by_outcome[7] + t_.by_outcome[8] + t_.by_outcome[9]), resident_kib(),
                    test::open_fd_count());
        std::fflush(stdout);
    }

    soak::tally t_;
    std::vector<std::unique_ptr<stub::machine>> stub_machines_;
#ifdef VMSIG_SOAK_KVM
    std::unique_ptr<kvm::machine> kvm_machine_;
#endif
    std::vector<std::unique_ptr<soak::actor>> actors_;
    soak_core bus_;
    std::vector<endpoint_id> machines_;
    std::uint64_t rounds_ = 0, allocations_ = 0;
    int fds_ = 0;
    long resident_ = 0;
};

} // namespace

int main() {
    const char* wish = std::getenv("VMSIG_SOAK_SECONDS");
    const double length = wish ? std::strtod(wish, nullptr) : 600;
    soaking s;
    s.run(length);
    return s.verdict(length);
}
