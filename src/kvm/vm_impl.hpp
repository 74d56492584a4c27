// The machine: what the owner asks for and what the vCPU's thread makes of it, under one lock.
//
// The owner sets a wish and wakes the thread. The thread alone changes `state_`, in `act()`: one
// wish or one piece of the guest's doing at a time, each with its record. The lock is not held
// while the guest runs or while an incarnation is loaded.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>

#include <pthread.h>

#include <vmsig/base/unique_fd.hpp>
#include <vmsig/kvm/vm.hpp>

#include "board.hpp"
#include "chips.hpp"
#include "ram.hpp"
#include "status_queue.hpp"
#include "vcpu.hpp"

namespace vmsig::kvm {

/// What the owner may do with the memory now.
enum class memory_access : std::uint8_t { none, running, stopped };

class vm::impl {
public:
    /// Throws system_fault.
    explicit impl(const vm_options& options);
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;
    ~impl();
    /// True in a child of the process that made it.
    bool forked() const;

    bool start();
    bool request_pause();
    void request_resume();
    bool request_reset();
    void proceed(std::uint64_t incarnation);
    bool request_power_off();
    void press_power_button();
    bool request_registers();
    std::optional<status> next_status();
    run_state state() const;
    bool stopped() const;
    vmsig::kvm::registers last_registers() const;
    expected<void, key_error> push_keys(std::span<const std::uint8_t> bytes);
    std::size_t waiting_keys() const;
    std::uint8_t leds() const;
    std::size_t read_console(std::span<char> into);
    vm_counters counters() const;
    void kick() { mailbox_line_.pulse(); }

    int status_fd() const { return statuses_.fd(); }
    int doorbell_fd() const { return doorbell_.get(); }
    const ram& memory() const { return ram_; }
    memory_access access() const { return access_.load(std::memory_order_acquire); }

private:
    using held_lock = std::unique_lock<std::mutex>;
    struct wishes {
        unsigned pauses = 0;
        bool start = false;
        bool reset = false;
        bool proceed = false;
        bool power_off = false;
        bool registers = false;
        bool quit = false;
    };
    /// What the guest did that the thread has not acted upon.
    struct doings {
        std::optional<stop_cause> reset;
        bool power_off = false;
    };

    // The owner's side: vm_impl.cpp.
    void map_regions();
    void create_thread();
    void wake();
    bool on() const { return state_ != run_state::off || wishes_.start; }
    bool still() const;
    void settle_access();
    void tell_devices_news();

    // The thread: vm_thread.cpp. All with the lock held.
    void serve();
    bool act(held_lock& lock);
    bool stop_wanted() const;
    void begin_incarnation(held_lock& lock, status_kind kind, stop_cause cause);
    expected<void, os_error> load(bool from_power_on);
    void stop_for_reset(stop_cause cause);
    void switch_off(stop_cause cause);
    /// Also reads the registers: the vCPU stands still at each change.
    void change(run_state state, status record);
    void fail(os_error error, std::uint32_t exit_reason);
    void run_guest(held_lock& lock);
    void finish_access();
    void handle_exit();
    void handle_port_access();

    const pid_t owner_;
    ram ram_;
    unique_fd kvm_;
    unique_fd vm_;
    chips chips_;
    interrupt_line keyboard_line_;
    interrupt_line mailbox_line_;
    interrupt_line power_line_;
    unique_fd doorbell_;
    vcpu vcpu_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    status_queue statuses_;
    board board_;
    wishes wishes_;
    doings doings_;
    run_state state_ = run_state::off;
    stop_cause reset_cause_ = stop_cause::host;
    std::uint64_t incarnation_ = 0;
    vmsig::kvm::registers registers_;
    std::uint64_t exits_ = 0;
    std::uint64_t stray_memory_ = 0;
    bool in_guest_ = false;
    bool kicked_ = false;         // the signal was sent and not yet taken
    bool access_pending_ = false; // KVM finishes the last exit's access on the next run
    std::atomic<memory_access> access_{memory_access::none};
    pthread_t thread_{};
};

} // namespace vmsig::kvm
