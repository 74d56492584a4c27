// kvm::vm: one small virtual machine inside this process, with the guest that is built into the
// library: sealed RAM in two regions, serial console, PS/2 keyboard, power button, doorbell. It
// knows no bus; the adapters beside it do.
//
// One thread per machine runs the vCPU. Every function here is called from one thread, the owner's,
// and none waits for the guest: `request_*` asks, and the answer is a status record. A lock is held
// for the length of a register access at most. Only construction and destruction take time.
//
// The vCPU is interrupted by SIGSTKFLT, sent to its thread alone, where it is blocked and taken by
// sigtimedwait: no handler is installed and the host's dispositions do not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <vmsig/base/expected.hpp>
#include <vmsig/base/os_error.hpp>
#include <vmsig/kvm/registers.hpp>
#include <vmsig/kvm/status.hpp>
#include <vmsig/memctx/locator.hpp>

namespace vmsig::kvm {

inline constexpr std::uint64_t high_ram_start = std::uint64_t{1} << 32;
inline constexpr std::uint64_t min_ram_bytes = std::uint64_t{2} << 20;
inline constexpr std::uint64_t max_ram_bytes = std::uint64_t{1} << 30;
inline constexpr std::size_t max_waiting_keys_bytes = 1024;
inline constexpr std::size_t max_console_bytes = 64 * 1024;

/// Bytes, whole pages, within the limits above.
struct vm_options {
    std::uint64_t low_ram = std::uint64_t{16} << 20; ///< at guest physical 0
    std::uint64_t high_ram = min_ram_bytes;          ///< at `high_ram_start`
};

enum class memory_error : std::uint8_t {
    off,          ///< no incarnation: off, or between two of them after `proceed()`
    not_stopped,  ///< the vCPU runs
    out_of_range, ///< not wholly inside one region
    misaligned,   ///< not 1, 2, 4 or 8 bytes at a multiple of that
};
enum class key_error : std::uint8_t { off, full };

struct vm_counters {
    std::uint64_t exits = 0;
    std::uint64_t unknown_ports = 0;   ///< accesses; they read as ones
    std::uint64_t stray_memory = 0;    ///< accesses outside of RAM; they read as ones
    std::uint64_t console_dropped = 0; ///< bytes
};

class vm {
public:
    /// Off. Throws std::system_error; ENOTSUP when KVM lacks a capability.
    explicit vm(const vm_options& options = {});
    static expected<vm, os_error> create(const vm_options& options = {}) noexcept;
    vm(vm&&) noexcept;
    vm& operator=(vm&&) noexcept;
    /// Ends the guest wherever it is. Does nothing in a forked child: the machine stays the
    /// parent's.
    ~vm();

    /// Power on. False when it is on already.
    bool start();
    /// Pauses are counted. True when the vCPU stands still already (no `paused` follows).
    bool request_pause();
    /// Gives one pause back; the last one given back leads to `resumed`.
    void request_resume();
    /// Leads to `reset_requested` and, after `proceed()`, to `was_reset`. False when off.
    bool request_reset();
    /// Lets the next incarnation begin, in whatever pause is in force. Ignored unless `incarnation`
    /// is the one that stands at its reset: late or repeated calls do nothing.
    void proceed(std::uint64_t incarnation);
    /// Cuts the power: RAM is lost at the next start. False when off. Answers whatever is pending.
    bool request_power_off();
    /// What the guest makes of it is its affair; the tiny guest powers off.
    void press_power_button();
    /// Leads to `registers_read`, without a pause. False when off.
    bool request_registers();

    /// Readable as long as a record is queued. Borrowed.
    int status_fd() const;
    std::optional<status> next_status();
    run_state state() const;
    /// True when the vCPU executes nothing and will not before a call of the owner.
    bool stopped() const;
    /// As of the last record that is not of a device; of `incarnation` 0 before the first.
    registers last_registers() const;

    /// Read-only and sealed (F_SEAL_FUTURE_WRITE, SHRINK, GROW, SEAL). Borrowed; the same inode for
    /// the life of the machine.
    int ram_fd() const;
    /// `fd_index` is 0.
    std::span<const ram_region> regions() const;
    bool contains(std::uint64_t gpa, std::uint64_t length) const;
    /// One single-copy-atomic store as seen by the running vCPU.
    expected<void, memory_error> store(std::uint64_t gpa, std::span<const std::byte> value);
    /// False when the memory held something else; `want` and `value` are equally long.
    expected<bool, memory_error> compare_exchange(std::uint64_t gpa,
                                                  std::span<const std::byte> want,
                                                  std::span<const std::byte> value);
    /// Only while `stopped()`: the vCPU sees all of it or, before it goes on, none.
    expected<void, memory_error> write_stopped(std::uint64_t gpa, std::span<const std::byte> bytes);
    /// A running vCPU may see parts.
    expected<void, memory_error> write(std::uint64_t gpa, std::span<const std::byte> bytes);
    expected<void, memory_error> read(std::uint64_t gpa, std::span<std::byte> bytes) const;

    /// Raises the mailbox interrupt.
    void kick();
    /// An eventfd that counts the guest's doorbell writes. Borrowed; the owner reads it.
    int doorbell_fd() const;

    /// Scancode set 1; all or nothing. The next byte is shown when the guest has read the last; a
    /// reset drops what is waiting. Nothing is shown before the guest enables the keyboard.
    expected<void, key_error> push_keys(std::span<const std::uint8_t> bytes);
    std::size_t waiting_keys() const;
    /// PS/2 order: bit 0 scroll, 1 num, 2 caps.
    std::uint8_t leds() const;

    /// Takes up to `into.size()` bytes; 0: nothing is left.
    std::size_t read_console(std::span<char> into);
    vm_counters counters() const;

private:
    class impl;
    explicit vm(std::unique_ptr<impl> self) noexcept;
    std::unique_ptr<impl> self_;
};

} // namespace vmsig::kvm
