// The keyboard controller loses no key and shows one byte at a time.
#include "i8042.hpp"

#include <array>
#include <vector>

#include "support/catch.hpp"

using vmsig::kvm::i8042;

namespace {

constexpr std::uint8_t acknowledge = 0xfa;

bool full(const i8042& device) { return (device.read_status() & 1) != 0; }

void enable(i8042& device) {
    device.write_command(0x60);
    device.write_data(0x41);
    device.write_data(0xf4);
    REQUIRE(device.read_data() == acknowledge);
    device.take_interrupt();
}

} // namespace

TEST_CASE("nothing is shown before the keyboard may send") {
    i8042 device;
    REQUIRE(device.push_keys(std::array<std::uint8_t, 1>{0x1e}));
    CHECK_FALSE(full(device));
    CHECK_FALSE(device.take_interrupt());
    device.write_command(0x60);
    device.write_data(0x41);
    device.write_data(0xf4);
    CHECK(device.take_interrupt());
    CHECK(device.read_data() == acknowledge);
    CHECK(full(device));
    CHECK(device.take_interrupt());
    CHECK(device.read_data() == 0x1e);
    CHECK_FALSE(full(device));
    CHECK(device.take_keys_taken());
    CHECK_FALSE(device.take_keys_taken());
}

TEST_CASE("each byte interrupts once, as it is shown") {
    i8042 device;
    enable(device);
    REQUIRE(device.push_keys(std::array<std::uint8_t, 3>{1, 2, 3}));
    CHECK(device.waiting_keys() == 3);
    for (const unsigned expected : {1u, 2u, 3u}) {
        CHECK(device.take_interrupt());
        CHECK_FALSE(device.take_interrupt());
        CHECK(device.read_data() == expected);
    }
    CHECK_FALSE(device.take_interrupt());
    CHECK(device.waiting_keys() == 0);
    CHECK(device.read_data() == 3); // the register keeps its last byte
}

TEST_CASE("a queue without room for all takes none") {
    i8042 device;
    const std::vector<std::uint8_t> all(vmsig::kvm::max_waiting_keys_bytes, 1);
    REQUIRE(device.push_keys(all));
    CHECK_FALSE(device.push_keys(std::array<std::uint8_t, 1>{2}));
    CHECK(device.waiting_keys() == all.size());
}

TEST_CASE("a keyboard that is turned off keeps its keys") {
    i8042 device;
    enable(device);
    device.write_command(0xad);
    REQUIRE(device.push_keys(std::array<std::uint8_t, 1>{7}));
    CHECK_FALSE(full(device));
    device.write_command(0xae);
    CHECK(device.read_data() == 7);
}

TEST_CASE("LEDs change when the keyboard is told, and are reported once") {
    i8042 device;
    enable(device);
    device.write_data(0xed);
    CHECK(device.read_data() == acknowledge);
    device.write_data(0x02);
    CHECK(device.read_data() == acknowledge);
    CHECK(device.leds() == 2);
    CHECK(device.take_leds_changed());
    device.write_data(0xed);
    device.write_data(0x02);
    CHECK_FALSE(device.take_leds_changed());
    device.reset();
    CHECK(device.take_leds_changed());
    CHECK(device.leds() == 0);
}

TEST_CASE("the controller answers its commands, and a guest that reads none loses only answers") {
    i8042 device;
    device.write_command(0xaa);
    CHECK(device.read_data() == 0x55);
    device.write_command(0xab);
    CHECK(device.read_data() == 0x00);
    device.write_command(0x60);
    device.write_data(0x41);
    device.write_command(0x20);
    CHECK(device.read_data() == 0x41);
    for (int i = 0; i < 1000; ++i) device.write_command(0xaa);
    for (int i = 0; i < 100; ++i) device.read_data();
    CHECK_FALSE(full(device));
}

TEST_CASE("the reset line is pulled once") {
    i8042 device;
    CHECK_FALSE(device.take_reset_line());
    device.write_command(0xfe);
    CHECK(device.take_reset_line());
    CHECK_FALSE(device.take_reset_line());
}
