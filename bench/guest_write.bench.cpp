// Row 8: a guest write of 8 bytes, with every check: length, alignment, the region that it is in.
// The limits are a store through the mapping, and pwrite(2) on the memory's descriptor.
#include "ratio.hpp"

#include <vmsig/guest/ram_writer.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace {

constexpr std::uint64_t low_bytes = std::uint64_t{48} << 20;
constexpr std::uint64_t high_bytes = std::uint64_t{16} << 20;
constexpr std::uint64_t high_start = std::uint64_t{4} << 30;
constexpr std::size_t writes = 4096;

/// A guest's RAM in two regions of one descriptor, below and above 4 GiB, and where to write.
struct guest_ram {
    int fd = memfd_create("guest", MFD_CLOEXEC);
    std::span<std::byte> mapping;
    std::vector<std::uint64_t> gpas;

    guest_ram() {
        constexpr std::size_t length = low_bytes + high_bytes;
        if (fd < 0 || ftruncate(fd, length) != 0) std::abort();
        void* at = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at == MAP_FAILED) std::abort();
        mapping = {static_cast<std::byte*>(at), length};
        for (std::size_t i = 0; i < length; i += 4096) mapping[i] = std::byte{1};
        std::uint64_t x = 88172645463325252u;
        for (std::size_t i = 0; i < writes; ++i) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            const std::uint64_t at_offset = x % length & ~std::uint64_t{7};
            gpas.push_back(at_offset < low_bytes ? at_offset : high_start + at_offset - low_bytes);
        }
    }
    guest_ram(const guest_ram&) = delete;
    guest_ram& operator=(const guest_ram&) = delete;
    ~guest_ram() {
        munmap(mapping.data(), mapping.size());
        close(fd);
    }
    static std::uint64_t offset_of(std::uint64_t gpa) {
        return gpa < low_bytes ? gpa : gpa - high_start + low_bytes;
    }
};

void limit_store(benchmark::State& state) {
    const guest_ram ram;
    std::vector<std::uint64_t> offsets;
    for (const std::uint64_t gpa : ram.gpas) offsets.push_back(guest_ram::offset_of(gpa));
    std::uint64_t value = 0;
    for (auto _ : state)
        for (const std::uint64_t at : offsets)
            __atomic_store_n(reinterpret_cast<std::uint64_t*>(ram.mapping.data() + at), ++value,
                             __ATOMIC_RELEASE);
}

void limit_pwrite(benchmark::State& state) {
    const guest_ram ram;
    std::vector<std::uint64_t> offsets;
    for (const std::uint64_t gpa : ram.gpas) offsets.push_back(guest_ram::offset_of(gpa));
    std::uint64_t value = 0;
    for (auto _ : state) {
        for (const std::uint64_t at : offsets) {
            ++value;
            if (pwrite(ram.fd, &value, sizeof value, static_cast<off_t>(at)) != sizeof value)
                std::abort();
        }
    }
}

void ours(benchmark::State& state) {
    const guest_ram ram;
    const vmsig::ram_region regions[] = {
        {.start = 0, .length = low_bytes, .offset = 0},
        {.start = high_start, .length = high_bytes, .offset = low_bytes},
    };
    const auto writer = vmsig::ram_writer::over(regions, {&ram.mapping, 1});
    std::uint64_t value = 0;
    for (auto _ : state) {
        for (const std::uint64_t gpa : ram.gpas) {
            ++value;
            if (!writer->store(gpa, std::as_bytes(std::span{&value, 1}))) std::abort();
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    bench::pair("8  guest write, against a store", 5.0, static_cast<int>(writes), limit_store,
                ours);
    bench::pair("8  guest write, against pwrite", 1.0 / 34, static_cast<int>(writes), limit_pwrite,
                ours);
    return bench::run(argc, argv);
}
