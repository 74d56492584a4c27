// The owner's side of the machine: set-up, wishes, devices.
#include "vm_impl.hpp"

#include <csignal>

#include <fcntl.h>
#include <unistd.h>

#include <vmsig/base/assert.hpp>

#include "image.hpp"
#include "kvm_call.hpp"

namespace vmsig::kvm {

namespace {

constexpr unsigned long tss_address =
    0xfffb'd000; // three pages that Intel's KVM wants, off the RAM

unique_fd open_kvm() {
    unique_fd kvm{checked(::open("/dev/kvm", O_RDWR | O_CLOEXEC), "open /dev/kvm")};
    if (kvm_must(kvm.get(), KVM_GET_API_VERSION, 0, "KVM_GET_API_VERSION") != KVM_API_VERSION)
        throw system_fault{{ENOTSUP, "KVM_GET_API_VERSION"}};
    struct capability {
        int number;
        const char* name;
    };
    constexpr capability needed[] = {
        {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
        {KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP"},
        {KVM_CAP_PIT2, "KVM_CAP_PIT2"},
        {KVM_CAP_PIT_STATE2, "KVM_CAP_PIT_STATE2"},
        {KVM_CAP_IRQFD, "KVM_CAP_IRQFD"},
        {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"},
        {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
        {KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS"},
        {KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS"},
        {KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR"},
        {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    };
    for (const capability& c : needed)
        if (kvm_must(kvm.get(), KVM_CHECK_EXTENSION, c.number, c.name) == 0)
            throw system_fault{{ENOTSUP, c.name}};
    return kvm;
}

unique_fd create_vm(int kvm) {
    unique_fd vm{kvm_must(kvm, KVM_CREATE_VM, 0, "KVM_CREATE_VM")};
    kvm_must(vm.get(), KVM_SET_TSS_ADDR, tss_address, "KVM_SET_TSS_ADDR");
    return vm;
}

} // namespace

vm::impl::impl(const vm_options& options)
    : owner_{::getpid()}
    , ram_{options}
    , kvm_{open_kvm()}
    , vm_{create_vm(kvm_.get())}
    , chips_{vm_.get()}
    , keyboard_line_{vm_.get(), VMSIG_GUEST_IRQ_KEYBOARD}
    , mailbox_line_{vm_.get(), VMSIG_GUEST_IRQ_MAILBOX}
    , power_line_{vm_.get(), VMSIG_GUEST_IRQ_POWER}
    , doorbell_{make_doorbell(vm_.get(), VMSIG_GUEST_PORT_DOORBELL)}
    , vcpu_{kvm_.get(), vm_.get()} {
    VMSIG_ASSERT(guest_header().magic == VMSIG_IMAGE_MAGIC);
    VMSIG_ASSERT(guest_header().end <= min_ram_bytes);
    map_regions();
    create_thread();
}

vm::impl::~impl() {
    {
        const held_lock lock{mutex_};
        wishes_.quit = true;
        wake();
    }
    ::pthread_join(thread_, nullptr);
}

bool vm::impl::forked() const { return ::getpid() != owner_; }

void vm::impl::map_regions() {
    std::uint32_t slot = 0;
    for (const ram_region& region : ram_.regions()) {
        kvm_userspace_memory_region map{};
        map.slot = slot++;
        map.guest_phys_addr = region.start;
        map.memory_size = region.length;
        map.userspace_addr = reinterpret_cast<std::uint64_t>(ram_.at(region.start, 1));
        kvm_must(vm_.get(), KVM_SET_USER_MEMORY_REGION, &map, "KVM_SET_USER_MEMORY_REGION");
    }
}

void vm::impl::create_thread() {
    // With every signal blocked from its first instruction on: the host's handlers never run in it.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const auto body = [](void* self) -> void* {
        static_cast<impl*>(self)->serve();
        return nullptr;
    };
    const int error = ::pthread_create(&thread_, nullptr, body, this);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != 0) throw system_fault{{error, "pthread_create"}};
    ::pthread_setname_np(thread_, "vmsig-vcpu");
}

void vm::impl::wake() {
    settle_access();
    changed_.notify_one();
    if (!in_guest_ || kicked_) return;
    kicked_ = true;
    ::pthread_kill(thread_, kick_signal);
}

bool vm::impl::still() const {
    switch (state_) {
    case run_state::off: return !wishes_.start;
    case run_state::running: return false;
    case run_state::paused: return wishes_.pauses > 0;
    case run_state::at_reset: return !wishes_.proceed;
    case run_state::failed: return true;
    }
    return false;
}

void vm::impl::settle_access() {
    auto access = still() ? memory_access::stopped : memory_access::running;
    if (state_ == run_state::off || (state_ == run_state::at_reset && wishes_.proceed))
        access = memory_access::none;
    access_.store(access, std::memory_order_release);
}

bool vm::impl::start() {
    const held_lock lock{mutex_};
    if (on()) return false;
    wishes_.start = true;
    wake();
    return true;
}

bool vm::impl::request_pause() {
    const held_lock lock{mutex_};
    ++wishes_.pauses;
    wake();
    return still();
}

void vm::impl::request_resume() {
    const held_lock lock{mutex_};
    VMSIG_ASSERT(wishes_.pauses > 0);
    if (wishes_.pauses > 0) --wishes_.pauses;
    wake();
}

bool vm::impl::request_reset() {
    const held_lock lock{mutex_};
    if (!on()) return false;
    wishes_.reset = true;
    wake();
    return true;
}

void vm::impl::proceed(std::uint64_t incarnation) {
    const held_lock lock{mutex_};
    if (state_ != run_state::at_reset || incarnation != incarnation_) return;
    wishes_.proceed = true;
    wake();
}

bool vm::impl::request_power_off() {
    const held_lock lock{mutex_};
    if (!on()) return false;
    wishes_.power_off = true;
    wake();
    return true;
}

void vm::impl::press_power_button() {
    const held_lock lock{mutex_};
    if (state_ == run_state::off) return;
    board_.power.press_button();
    power_line_.pulse();
}

bool vm::impl::request_registers() {
    const held_lock lock{mutex_};
    if (!on()) return false;
    wishes_.registers = true;
    wake();
    return true;
}

std::optional<status> vm::impl::next_status() {
    const held_lock lock{mutex_};
    const bool crowded = statuses_.crowded();
    std::optional<status> record = statuses_.pop();
    if (crowded) wake();
    return record;
}

run_state vm::impl::state() const {
    const held_lock lock{mutex_};
    return state_;
}

bool vm::impl::stopped() const {
    const held_lock lock{mutex_};
    return still();
}

registers vm::impl::last_registers() const {
    const held_lock lock{mutex_};
    return registers_;
}

void vm::impl::tell_devices_news() {
    if (board_.keyboard.take_interrupt()) keyboard_line_.pulse();
    if (board_.keyboard.take_leds_changed()) statuses_.push_once(status_kind::leds_changed);
    if (board_.keyboard.take_keys_taken()) statuses_.push_once(status_kind::keys_taken);
    if (board_.serial.take_news()) statuses_.push_once(status_kind::console_readable);
}

expected<void, key_error> vm::impl::push_keys(std::span<const std::uint8_t> bytes) {
    const held_lock lock{mutex_};
    if (state_ == run_state::off) return unexpected{key_error::off};
    if (!board_.keyboard.push_keys(bytes)) return unexpected{key_error::full};
    tell_devices_news();
    return {};
}

std::size_t vm::impl::waiting_keys() const {
    const held_lock lock{mutex_};
    return board_.keyboard.waiting_keys();
}

std::uint8_t vm::impl::leds() const {
    const held_lock lock{mutex_};
    return board_.keyboard.leds();
}

std::size_t vm::impl::read_console(std::span<char> into) {
    const held_lock lock{mutex_};
    auto& output = board_.serial.output();
    std::size_t count = 0;
    while (count < into.size() && !output.empty()) into[count++] = static_cast<char>(output.pop());
    return count;
}

vm_counters vm::impl::counters() const {
    const held_lock lock{mutex_};
    return {.exits = exits_,
            .unknown_ports = board_.unknown_ports(),
            .stray_memory = stray_memory_,
            .console_dropped = board_.serial.dropped()};
}

} // namespace vmsig::kvm
