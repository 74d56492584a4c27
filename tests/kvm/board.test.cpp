// Ports lead to their devices; where there is none, ones.
#include "board.hpp"

#include <array>

#include "support/catch.hpp"

using vmsig::kvm::board;

namespace {

void out8(board& b, std::uint16_t port, unsigned value) {
    const std::array data{static_cast<std::byte>(value)};
    b.write_port(port, data);
}

template <std::size_t N>
std::array<std::byte, N> in(board& b, std::uint16_t port) {
    std::array<std::byte, N> data{};
    b.read_port(port, data);
    return data;
}

} // namespace

TEST_CASE("text goes to the console, the divisor does not") {
    board b;
    out8(b, 0x3fb, 0x80);
    out8(b, 0x3f8, 1);
    CHECK_FALSE(b.serial.take_news());
    out8(b, 0x3fb, 0x03);
    out8(b, 0x3f8, 'x');
    CHECK(b.serial.take_news());
    CHECK_FALSE(b.serial.take_news());
    REQUIRE(b.serial.output().size() == 1);
    CHECK(b.serial.output().pop() == 'x');
    CHECK(in<1>(b, 0x3fd)[0] == std::byte{0x60});
}

TEST_CASE("a full console drops and counts") {
    board b;
    for (std::size_t i = 0; i < vmsig::kvm::max_console_bytes + 3; ++i) out8(b, 0x3f8, 'x');
    CHECK(b.serial.dropped() == 3);
    b.reset();
    CHECK(b.serial.output().size() == vmsig::kvm::max_console_bytes);
}

TEST_CASE("nobody answers with ones, and is counted") {
    board b;
    CHECK(in<4>(b, 0x1234) ==
          std::array{std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}});
    out8(b, 0x1234, 0);
    CHECK(b.unknown_ports() == 2);
}

TEST_CASE("the power button stays pressed until the guest has seen it, and S5 is off") {
    board b;
    b.power.press_button();
    CHECK(in<2>(b, 0x600) == std::array{std::byte{0}, std::byte{1}});
    b.write_port(0x600, std::array{std::byte{0}, std::byte{1}});
    CHECK(in<2>(b, 0x600) == std::array{std::byte{0}, std::byte{0}});
    b.write_port(0x604, std::array{std::byte{0}, std::byte{0x01}});
    CHECK_FALSE(b.power.take_off());
    b.write_port(0x604, std::array{std::byte{0}, std::byte{0x20}});
    CHECK(b.power.take_off());
    CHECK_FALSE(b.power.take_off());
}
