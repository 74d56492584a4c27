// memory: the adapter that shows the RAM of a stub machine and writes to it.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/stub/vm.hpp>

namespace vmsig::stub {

/// What a receipt says of a write that guest memory refused.
constexpr completion write_failed(const guest_error& e) {
    switch (e.fault) {
    case guest_fault::outside_ram: return completion::failed(failure::outside_ram);
    case guest_fault::misaligned: return completion::failed(failure::misaligned);
    case guest_fault::bad_length: return completion::failed(failure::unsupported);
    case guest_fault::mismatch: return completion::failed(failure::mismatch);
    case guest_fault::truncated: return completion::failed(failure::unavailable);
    case guest_fault::unreadable: return completion::failed(failure::io, e.code);
    default: return completion::failed(failure::not_translated);
    }
}

class memory_adapter final : private performer {
public:
    static constexpr roles serves = role::memctx_provider | role::memory_writer;

    explicit memory_adapter(vm& machine)
        : vm_{machine} {}

    void on_attach(adapter_handle bus) {
        vm_.lines.memory = bus;
        vm_.script.enter(device::memory, hook::on_attach);
        vm_.ask(bus.epoch());
        vm_.publish_due();
    }
    void on_detached() {
        vm_.lines.memory = {};
        vm_.script.enter(device::memory, hook::on_detached);
    }
    void execute(fenced_command c, adapter_handle bus) {
        vm_.script.enter(device::memory, hook::execute);
        vm_.accept(*this, c, bus);
        vm_.react();
    }

    expected<memctx_locator, os_error> describe() {
        vm_.script.enter(device::memory, hook::describe);
        if (vm_.script.describe_error != 0)
            return unexpected<os_error>{os_error{vm_.script.describe_error, "describe"}};
        if (!vm_.powered()) return unexpected<os_error>{os_error{ENODATA, "describe"}};
        memctx_locator where;
        where.paging = paging_mode::x86_64_4_level;
        for (const ram_region& r : vm_.memory.regions()) (void)where.add(r);
        where.fd_count = static_cast<std::uint16_t>(vm_.memory.fds().size());
        address_space_root cpu;
        cpu.root = vm_.program.cpu.root;
        cpu.taken = vm_.lines.memory.now();
        (void)where.add(cpu);
        return where;
    }
    expected<ram_fds, os_error> share_fds() {
        vm_.script.enter(device::memory, hook::share_fds);
        if (vm_.script.share_error != 0)
            return unexpected<os_error>{os_error{vm_.script.share_error, "share_fds"}};
        ram_fds out;
        for (const int fd : vm_.memory.fds()) out.fd[out.count++] = fd;
        return out;
    }
    void invalidate(epoch_number e, adapter_handle) {
        vm_.script.enter(device::memory, hook::invalidate);
        if (e != vm_.asked()) vm_.fail_open(*this); // another incarnation: none of it any more
        vm_.ask(e);
    }

private:
    void begin(const taken_command& t) override {
        if (t.command.mode == write_mode::paused) (void)vm_.pauses.take(pause_reason::memory_write);
    }
    void abandon(const taken_command& t) override {
        if (t.command.mode == write_mode::paused) (void)vm_.pauses.drop(pause_reason::memory_write);
    }
    completion perform(const taken_command& t) override {
        const completion how = write(t);
        abandon(t); // the pause is over
        return how;
    }

    completion write(const taken_command& t) const {
        if (!vm_.powered()) return completion::failed(failure::unavailable);
        const memory_access& m = t.command.memory;
        std::span<const std::byte> value =
            t.bulk.first(std::min<std::size_t>(m.length, t.bulk.size()));
        std::span<const std::byte> wanted = t.bulk.subspan(value.size());
        if (t.bulk.empty()) {
            value = std::as_bytes(std::span{&m.value, 1}).first(m.length);
            wanted = std::as_bytes(std::span{&m.expected, 1}).first(m.length);
        }
        const guest_address to = guest_address::of(m.address, m.root);
        const auto done = store(t.command, to, value, wanted);
        if (done) return {.bytes = m.length};
        completion why = write_failed(done.error());
        if (why.failure == failure::mismatch && m.length <= sizeof why.value)
            why.value = seen(to, m.length);
        return why;
    }
    expected<void, guest_error> store(const command& c, const guest_address& to,
                                      std::span<const std::byte> value,
                                      std::span<const std::byte> wanted) const {
        const ram_writer ram = vm_.memory.writer();
        if (c.mode == write_mode::atomic)
            return c.compare ? ram.compare_exchange(to, wanted, value) : ram.store(to, value);
        return c.compare ? ram.write_compare(to, wanted, value) : ram.write(to, value);
    }
    /// What is there, little-endian.
    std::uint64_t seen(const guest_address& at, std::size_t length) const {
        std::uint64_t value = 0;
        const ram_writer ram = vm_.memory.writer();
        const auto found = ram.plan(at, length);
        if (!found) return 0;
        auto* into = reinterpret_cast<std::byte*>(&value);
        for (const std::span<std::byte> piece : found->pieces()) {
            std::memcpy(into, piece.data(), piece.size());
            into += piece.size();
        }
        return value;
    }

    vm& vm_;
};

} // namespace vmsig::stub
