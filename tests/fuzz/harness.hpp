// harness: what every fuzz harness shares: bytes taken one after the other, and a way to say what
// was broken that both a fuzzer and a plain run of the same inputs notice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

/// One input; defined by each harness. Always 0.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace vmsig::fuzz {

/// Ends the process: the fuzzer keeps the input that led here.
[[noreturn]] inline void broken(const char* rule) {
    std::fprintf(stderr, "broken: %s\n", rule);
    std::abort();
}
inline void require(bool holds, const char* rule) {
    if (!holds) broken(rule);
}

/// Reads from the front; zeros after the end.
class bytes {
public:
    explicit bytes(std::span<const std::uint8_t> from)
        : left_{from} {}

    bool empty() const { return left_.empty(); }
    template <class Word>
    Word take() {
        Word value{};
        const std::size_t n = left_.size() < sizeof value ? left_.size() : sizeof value;
        if (n != 0) std::memcpy(&value, left_.data(), n);
        left_ = left_.subspan(n);
        return value;
    }
    std::uint8_t byte() { return take<std::uint8_t>(); }

private:
    std::span<const std::uint8_t> left_;
};

} // namespace vmsig::fuzz
