// Bytes that a guest may change are copied once, an aligned word in one load.
#include <vmsig/guest/copy_once.hpp>

#include <array>
#include <atomic>
#include <thread>

#include <support/catch.hpp>
#include <support/repetitions.hpp>

using namespace vmsig;

TEST_CASE("every length and alignment is copied exactly") {
    alignas(8) std::array<std::byte, 64> source{};
    for (std::size_t i = 0; i < source.size(); ++i) source[i] = std::byte(i + 1);
    int wrong = 0;
    for (std::size_t start = 0; start < 16; ++start) {
        for (std::size_t length = 0; length <= 40; ++length) {
            std::array<std::byte, 48> copy{};
            copy_once(copy.data() + 1, source.data() + start, length);
            for (std::size_t i = 0; i < copy.size(); ++i) {
                const bool inside = i >= 1 && i < 1 + length;
                wrong += copy[i] != (inside ? source[start + i - 1] : std::byte{});
            }
        }
    }
    CHECK(wrong == 0);
}

TEST_CASE("an aligned word is never seen half changed") {
    alignas(8) std::array<std::byte, 8> shared{};
    std::atomic<bool> stop = false;
    std::thread guest{[&] {
        auto* word = reinterpret_cast<std::uint64_t*>(shared.data());
        for (int i = 0; !stop; ++i)
            __atomic_store_n(word, i % 2 ? 0 : ~std::uint64_t{0}, __ATOMIC_RELEASE);
    }};
    int torn = 0;
    int changes_seen = 0;
    std::uint64_t last = 0;
    const int wanted = vmsig::test::repetitions(5'000);
    for (int i = 0; i < 50'000'000 && changes_seen < wanted; ++i) {
        std::uint64_t seen = 0;
        copy_once(reinterpret_cast<std::byte*>(&seen), shared.data(), sizeof seen);
        torn += seen != 0 && seen != ~std::uint64_t{0};
        changes_seen += seen != last;
        last = seen;
    }
    stop = true;
    guest.join();
    CHECK(changes_seen > 0);
    CHECK(torn == 0);
}
