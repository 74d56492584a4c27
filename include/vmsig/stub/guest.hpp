// guest: the program that a stub machine runs, a script with the manners of the tiny KVM guest: the
// same words at the same virtual address (guest/guest_state.hpp), the same lines on the console. It
// executes in `step` and at no other time. Not a CPU: it keeps its page tables for those who read
// its memory, and itself remembers where its pages are.
//
// It lives at one of a few places in RAM and moves to the next one at each boot, each switch of its
// root and after a restore, so that nobody gets by with an address from before.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <vmsig/base/bits.hpp>
#include <vmsig/guest/guest_state.hpp>
#include <vmsig/guest/page_tables.hpp>
#include <vmsig/stub/key_queue.hpp>
#include <vmsig/stub/ram.hpp>

namespace vmsig::stub {

inline constexpr std::size_t min_low_ram = 1024 * 1024;
inline constexpr std::size_t min_high_ram = 64 * 1024;

/// What a step of the guest leads to.
enum class guest_wish : std::uint8_t { nothing, moved, reset, power_off };

/// All of the guest that is not in RAM; what a snapshot keeps beside the memory.
struct cpu_state {
    std::uint64_t root = 0; ///< CR3
    std::uint64_t low_page = 0;
    std::uint64_t high_page = 0;
    std::uint64_t boots = 0;
    std::array<std::uint64_t, 4> down{}; ///< keys: by scancode, extended ones from 128 on
    std::uint64_t buttons = 0;           ///< bits from BTN_LEFT on
    std::int64_t pointer_x = 0;
    std::int64_t pointer_y = 0;
    std::int64_t wheel = 0;
    bool prefix = false; ///< a scancode byte 0xe0 came last
};

class guest {
public:
    explicit guest(const ram& memory)
        : ram_{memory} {
        console.reserve(max_console_bytes); // printing allocates nothing
    }

    void power_on() {
        ram_.clear();
        cpu = {};
        boot();
    }
    /// Another incarnation: nothing of the old one is kept but the count of boots.
    void boot() {
        cpu_state fresh;
        fresh.boots = cpu.boots + 1;
        cpu = fresh;
        keys.clear();
        button_ = false;
        settle();
        set(offsetof(vmsig_guest_state, boots), cpu.boots);
        std::memcpy(at(offsetof(vmsig_guest_state, straddle)), "across-t", 8);
        std::memcpy(at(page_bytes), "he-pages", 8);
        set(offsetof(vmsig_guest_state, magic), VMSIG_GUEST_STATE_MAGIC);
        print_number("ready boot=", cpu.boots, 4);
        print_number(" cr3=", cpu.root, 16);
        print("\n");
        ++rings_;
    }
    /// The same state on other pages under another root.
    void move() {
        std::array<std::byte, 2 * page_bytes> state;
        std::memcpy(state.data(), ram_.at(cpu.low_page), page_bytes);
        std::memcpy(state.data() + page_bytes, ram_.at(cpu.high_page), page_bytes);
        settle();
        std::memcpy(ram_.at(cpu.low_page), state.data(), page_bytes);
        std::memcpy(ram_.at(cpu.high_page), state.data() + page_bytes, page_bytes);
    }

    /// Keys, mailbox, power button; with `beat`, the heartbeat first.
    guest_wish step(bool beat) {
        if (beat) {
            add(offsetof(vmsig_guest_state, heartbeat));
            add(offsetof(vmsig_guest_state, ticks));
            if (word(offsetof(vmsig_guest_state, mode)) == VMSIG_GUEST_MODE_BUSY) compare_pair();
        }
        while (!keys.empty()) key(keys.pop());
        const std::uint64_t mail = word(offsetof(vmsig_guest_state, mailbox));
        if (mail != word(offsetof(vmsig_guest_state, mailbox_seen))) return open_mail(mail);
        if (!button_) return guest_wish::nothing;
        button_ = false;
        print("power button\n");
        return guest_wish::power_off;
    }
    void press_power_button() { button_ = true; }

    /// Of `vmsig_guest_state`, 8 bytes at an offset.
    std::uint64_t word(std::size_t offset) const {
        return __atomic_load_n(reinterpret_cast<std::uint64_t*>(at(offset)), __ATOMIC_ACQUIRE);
    }
    void set(std::size_t offset, std::uint64_t value) {
        __atomic_store_n(reinterpret_cast<std::uint64_t*>(at(offset)), value, __ATOMIC_RELEASE);
    }
    /// Whether the guest believes that a key is down.
    bool holds(std::uint16_t key) const {
        const unsigned n = number(scancode_of(key));
        return n != 0 && has_bit(cpu.down[n / 64], n % 64);
    }
    /// How often the guest said: look at my memory.
    std::uint64_t rings() const { return rings_; }
    /// LED_* bits.
    std::uint32_t leds() const {
        const std::uint64_t ps2 = word(offsetof(vmsig_guest_state, leds));
        return (ps2 & 2 ? 1u << LED_NUML : 0) | (ps2 & 4 ? 1u << LED_CAPSL : 0) |
               (ps2 & 1 ? 1u << LED_SCROLLL : 0);
    }
    /// What it printed and nobody took; what is over the limit is lost.
    std::string console;
    key_queue keys;
    cpu_state cpu;

private:
    static constexpr std::size_t page_bytes = 4096;
    static constexpr std::uint64_t places = 16;
    static constexpr std::uint64_t first_place = 0x10000;
    static constexpr std::uint64_t tables_bytes = 7 * page_bytes;
    static constexpr std::uint64_t place_bytes = 8 * page_bytes; ///< tables, then the low page
    static constexpr std::size_t max_console_bytes = 64 * 1024;
    static_assert(first_place + places * place_bytes <= min_low_ram);
    static_assert(places * page_bytes <= min_high_ram);

    static unsigned number(scancode s) { return s.code + (s.extended ? 128u : 0u); }

    /// Fresh pages at the next place, and tables that lead to them.
    void settle() {
        const std::uint64_t place = next_place_++ % places;
        const std::uint64_t tables = first_place + place * place_bytes;
        cpu.low_page = tables + tables_bytes;
        cpu.high_page = high_ram_start + (places - 1 - place) * page_bytes;
        std::memset(ram_.at(cpu.low_page), 0, page_bytes);
        std::memset(ram_.at(cpu.high_page), 0, page_bytes);
        page_table_builder build{ram_.low(), 0, paging_mode::x86_64_4_level, tables, tables_bytes};
        const std::uint64_t state = VMSIG_GUEST_STATE_ADDRESS;
        constexpr std::uint64_t large = 2 * 1024 * 1024;
        const bool mapped =
            build.map(state, cpu.low_page, page_bytes, page_access::write) &&
            build.map(state + page_bytes, cpu.high_page, page_bytes, page_access::write) &&
            build.map(0, 0, large, page_access::write);
        VMSIG_ASSERT(mapped);
        (void)mapped;
        cpu.root = build.root();
    }
    std::byte* at(std::size_t offset) const {
        return offset < page_bytes ? ram_.at(cpu.low_page + offset)
                                   : ram_.at(cpu.high_page + offset - page_bytes);
    }
    void add(std::size_t offset) { set(offset, word(offset) + 1); }
    void compare_pair() {
        const std::uint64_t low = word(offsetof(vmsig_guest_state, pair_low));
        if (low != word(offsetof(vmsig_guest_state, pair_high)))
            add(offsetof(vmsig_guest_state, torn));
    }

    void key(std::uint8_t byte) {
        const std::uint64_t count = word(offsetof(vmsig_guest_state, key_count));
        *at(offsetof(vmsig_guest_state, key_log) + count % VMSIG_GUEST_KEY_LOG) = std::byte{byte};
        set(offsetof(vmsig_guest_state, key_count), count + 1);
        ++rings_;
        print_number("key ", byte, 2);
        print("\n");
        if (byte == scancode_extension) {
            cpu.prefix = true;
            return;
        }
        const bool up = (byte & scancode_release) != 0;
        const unsigned n = (byte & 0x7fu) + (cpu.prefix ? 128u : 0u);
        cpu.prefix = false;
        cpu.down[n / 64] &= ~bit(n % 64);
        if (!up) cpu.down[n / 64] |= bit(n % 64);
        if (byte == 0x3a) // caps lock
            set(offsetof(vmsig_guest_state, leds), word(offsetof(vmsig_guest_state, leds)) ^ 4);
    }

    guest_wish open_mail(std::uint64_t mail) {
        const auto argument = static_cast<std::uint32_t>(mail);
        guest_wish wish = guest_wish::nothing;
        switch (mail - argument) {
        case VMSIG_GUEST_SWITCH_ROOT:
            move();
            add(offsetof(vmsig_guest_state, root_switches));
            print_number("cr3 ", cpu.root, 16);
            print("\n");
            wish = guest_wish::moved;
            break;
        case VMSIG_GUEST_SET_MODE: set(offsetof(vmsig_guest_state, mode), argument); break;
        case VMSIG_GUEST_TRIPLE_FAULT:
        case VMSIG_GUEST_RESET: return guest_wish::reset;
        case VMSIG_GUEST_POWER_OFF: return guest_wish::power_off;
        case VMSIG_GUEST_STRAY: print("stray ffffffffffffffff 00000001000100fe\n"); break;
        case VMSIG_GUEST_FLOOD:
            for (auto n = std::min<std::size_t>(argument, max_console_bytes); n != 0; --n)
                print("#");
            print("\n");
            break;
        default: break;
        }
        set(offsetof(vmsig_guest_state, mailbox_seen), mail);
        add(offsetof(vmsig_guest_state, mailbox_count));
        ++rings_;
        print_number("mailbox ", mail, 16);
        print("\n");
        return wish;
    }

    void print(std::string_view text) {
        console.append(
            text.substr(0, max_console_bytes - std::min(console.size(), max_console_bytes)));
    }
    void print_number(std::string_view text, std::uint64_t value, unsigned digits) {
        print(text);
        while (digits-- > 0) {
            const char digit = "0123456789abcdef"[value >> (digits * 4) & 15];
            print({&digit, 1});
        }
    }

    const ram& ram_;
    std::uint64_t next_place_ = 0; ///< not rewound by a restore
    std::uint64_t rings_ = 0;
    bool button_ = false;
};

} // namespace vmsig::stub
