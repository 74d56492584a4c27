// The face of the machine, and the owner's hand in guest memory.
#include <vmsig/kvm/vm.hpp>

#include <cstring>
#include <new>

#include "vm_impl.hpp"

namespace vmsig::kvm {

namespace {

/// `length` bytes, the representation of one unsigned integer.
template <class Word>
Word word_of(std::span<const std::byte> bytes) {
    Word word;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
}

/// Calls `f` with a pointer of the unsigned type of that length; false for any other length.
template <class F>
bool with_word(std::byte* at, std::size_t length, F&& f) {
    switch (length) {
    case 1: return f(reinterpret_cast<std::uint8_t*>(at)), true;
    case 2: return f(reinterpret_cast<std::uint16_t*>(at)), true;
    case 4: return f(reinterpret_cast<std::uint32_t*>(at)), true;
    case 8: return f(reinterpret_cast<std::uint64_t*>(at)), true;
    default: return false;
    }
}

template <class Pointer>
using pointee = std::remove_pointer_t<Pointer>;

expected<std::byte*, memory_error> writable(const ram& memory, memory_access access,
                                            std::uint64_t gpa, std::uint64_t length) {
    if (access == memory_access::none) return unexpected{memory_error::off};
    std::byte* at = memory.at(gpa, length);
    if (!at) return unexpected{memory_error::out_of_range};
    return at;
}

bool is_word(std::uint64_t gpa, std::size_t length) {
    return length != 0 && length <= 8 && (length & (length - 1)) == 0 && gpa % length == 0;
}

} // namespace

vm::vm(const vm_options& options)
    : self_{std::make_unique<impl>(options)} {}
vm::vm(std::unique_ptr<impl> self) noexcept
    : self_{std::move(self)} {}
vm::vm(vm&&) noexcept = default;

vm& vm::operator=(vm&& other) noexcept {
    if (this != &other) {
        vm old{std::move(self_)};
        self_ = std::move(other.self_);
    }
    return *this;
}

vm::~vm() {
    // The machine stays the parent's: its thread does not exist here, and its lock may be held.
    if (self_ && self_->forked()) static_cast<void>(self_.release());
}

expected<vm, os_error> vm::create(const vm_options& options) noexcept {
    try {
        return vm{options};
    } catch (const system_fault& fault) {
        return unexpected{fault.error()};
    } catch (const std::bad_alloc&) {
        return unexpected{os_error{ENOMEM, "new"}};
    }
}

bool vm::start() { return self_->start(); }
bool vm::request_pause() { return self_->request_pause(); }
void vm::request_resume() { self_->request_resume(); }
bool vm::request_reset() { return self_->request_reset(); }
void vm::proceed(std::uint64_t incarnation) { self_->proceed(incarnation); }
bool vm::request_power_off() { return self_->request_power_off(); }
void vm::press_power_button() { self_->press_power_button(); }
bool vm::request_registers() { return self_->request_registers(); }

int vm::status_fd() const { return self_->status_fd(); }
std::optional<status> vm::next_status() { return self_->next_status(); }
run_state vm::state() const { return self_->state(); }
bool vm::stopped() const { return self_->stopped(); }
registers vm::last_registers() const { return self_->last_registers(); }

void vm::kick() { self_->kick(); }
int vm::doorbell_fd() const { return self_->doorbell_fd(); }
expected<void, key_error> vm::push_keys(std::span<const std::uint8_t> bytes) {
    return self_->push_keys(bytes);
}
std::size_t vm::waiting_keys() const { return self_->waiting_keys(); }
std::uint8_t vm::leds() const { return self_->leds(); }
std::size_t vm::read_console(std::span<char> into) { return self_->read_console(into); }
vm_counters vm::counters() const { return self_->counters(); }

int vm::ram_fd() const { return self_->memory().fd(); }
std::span<const ram_region> vm::regions() const { return self_->memory().regions(); }
bool vm::contains(std::uint64_t gpa, std::uint64_t length) const {
    return self_->memory().at(gpa, length) != nullptr;
}

expected<void, memory_error> vm::store(std::uint64_t gpa, std::span<const std::byte> value) {
    if (!is_word(gpa, value.size())) return unexpected{memory_error::misaligned};
    return writable(self_->memory(), self_->access(), gpa, value.size()).map([&](std::byte* at) {
        with_word(at, value.size(), [&](auto* word) {
            __atomic_store_n(word, word_of<pointee<decltype(word)>>(value), __ATOMIC_SEQ_CST);
        });
    });
}

expected<bool, memory_error> vm::compare_exchange(std::uint64_t gpa,
                                                  std::span<const std::byte> want,
                                                  std::span<const std::byte> value) {
    if (!is_word(gpa, value.size()) || want.size() != value.size())
        return unexpected{memory_error::misaligned};
    return writable(self_->memory(), self_->access(), gpa, value.size()).map([&](std::byte* at) {
        bool exchanged = false;
        with_word(at, value.size(), [&](auto* word) {
            auto old = word_of<pointee<decltype(word)>>(want);
            exchanged = __atomic_compare_exchange_n(word, &old, word_of<decltype(old)>(value),
                                                    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        });
        return exchanged;
    });
}

expected<void, memory_error> vm::write_stopped(std::uint64_t gpa,
                                               std::span<const std::byte> bytes) {
    if (self_->access() == memory_access::running) return unexpected{memory_error::not_stopped};
    return write(gpa, bytes);
}

expected<void, memory_error> vm::write(std::uint64_t gpa, std::span<const std::byte> bytes) {
    return writable(self_->memory(), self_->access(), gpa, bytes.size()).map([&](std::byte* at) {
        std::memcpy(at, bytes.data(), bytes.size());
    });
}

expected<void, memory_error> vm::read(std::uint64_t gpa, std::span<std::byte> bytes) const {
    const std::byte* at = self_->memory().at(gpa, bytes.size());
    if (!at) return unexpected{memory_error::out_of_range};
    std::memcpy(bytes.data(), at, bytes.size());
    return {};
}

} // namespace vmsig::kvm
