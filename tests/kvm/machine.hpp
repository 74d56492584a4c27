// A running machine for a test: gathers what it says, looks at its memory through the library's own
// view, and waits with a deadline, never for a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>

#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/view.hpp>
#include <vmsig/kvm/probe.hpp>
#include <vmsig/kvm/vm.hpp>

#include "support/catch.hpp"

namespace vmsig::test {

inline const kvm::probe_result& kvm_probe() {
    static const kvm::probe_result result = kvm::probe(seconds(30));
    return result;
}

/// First line of a test case that runs a machine.
#define VMSIG_NEEDS_KVM()                                                                          \
    if (!::vmsig::test::kvm_probe()) VMSIG_SKIP(to_string(::vmsig::test::kvm_probe()))

#define STATE_OFFSET(member) offsetof(vmsig_guest_state, member)

class machine {
public:
    explicit machine(const kvm::vm_options& options = {})
        : vm{options} {}

    /// Takes what has come, within `limit_ms`.
    void pump(int limit_ms) {
        pollfd fds[] = {{.fd = vm.status_fd(), .events = POLLIN, .revents = 0},
                        {.fd = vm.doorbell_fd(), .events = POLLIN, .revents = 0}};
        ::poll(fds, 2, limit_ms);
        eventfd_t rung = 0;
        if (::eventfd_read(vm.doorbell_fd(), &rung) == 0) bells += rung;
        while (const auto record = vm.next_status()) {
            if (record->kind == kvm::status_kind::console_readable) drain_console();
            if (record->kind == kvm::status_kind::reset_requested && proceed_at_once)
                vm.proceed(record->incarnation);
            seen.push_back(*record);
        }
    }
    bool wait(const std::function<bool()>& reached) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!reached()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            pump(5);
        }
        return true;
    }
    std::size_t count(kvm::status_kind kind) const {
        std::size_t n = 0;
        for (const kvm::status& s : seen) n += s.kind == kind;
        return n;
    }
    const kvm::status* last(kvm::status_kind kind) const {
        const kvm::status* found = nullptr;
        for (const kvm::status& s : seen)
            if (s.kind == kind) found = &s;
        return found;
    }
    /// Until one more record of that kind than before the call `act`.
    template <class Act>
    bool after(Act&& act, kvm::status_kind kind) {
        const std::size_t before = count(kind);
        act();
        return wait([&] { return count(kind) > before; });
    }
    bool says(const std::string& words) {
        return wait([&] { return console.find(words) != std::string::npos; });
    }

    bool boot() { return vm.start() && ready(1); }
    /// Ready for the n-th time since power on, and its registers are fresh.
    bool ready(unsigned boots) {
        char line[32];
        std::snprintf(line, sizeof line, "ready boot=%04x", boots);
        return says(line) && refresh();
    }
    bool refresh() {
        using kvm::status_kind;
        return after([&] { vm.request_registers(); }, status_kind::registers_read);
    }
    bool pause() {
        return vm.request_pause() || wait([&] { return vm.state() == kvm::run_state::paused; });
    }

    memctx_locator locator() const {
        memctx_locator where;
        const kvm::registers now = vm.last_registers();
        where.paging = now.paging();
        for (const ram_region& region : vm.regions()) REQUIRE(where.add(region));
        where.fd_count = 1;
        return where;
    }
    template <class T>
    T read(std::size_t offset) const {
        const int fd = vm.ram_fd();
        const auto view = pread_view::open(locator(), std::span{&fd, 1});
        REQUIRE(view);
        const auto value = view->read_object<T>(at(offset));
        REQUIRE(value);
        return *value;
    }
    std::uint64_t word(std::size_t offset) const { return read<std::uint64_t>(offset); }
    guest_address at(std::size_t offset) const {
        return {virtual_address{VMSIG_GUEST_STATE_ADDRESS + offset}, vm.last_registers().cr3};
    }
    std::uint64_t gpa(std::size_t offset) const {
        const int fd = vm.ram_fd();
        const auto view = pread_view::open(locator(), std::span{&fd, 1});
        REQUIRE(view);
        const auto page = view->translate(at(offset));
        REQUIRE(page);
        return page->gpa;
    }
    bool store(std::size_t offset, std::uint64_t value) {
        return vm.store(gpa(offset), std::as_bytes(std::span{&value, 1})).has_value();
    }
    /// Puts a word into the mailbox and kicks.
    bool mail(std::uint64_t value) {
        const bool stored = store(STATE_OFFSET(mailbox), value);
        vm.kick();
        return stored;
    }
    bool acknowledged(std::uint64_t value) {
        return wait([&] { return word(STATE_OFFSET(mailbox_seen)) == value; });
    }

    kvm::vm vm;
    std::vector<kvm::status> seen;
    std::string console;
    std::uint64_t bells = 0;
    bool proceed_at_once = true;

private:
    void drain_console() {
        char text[4096];
        while (const std::size_t got = vm.read_console(text)) console.append(text, got);
    }
};

} // namespace vmsig::test
