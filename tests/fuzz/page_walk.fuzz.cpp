// Whatever the tables, the root, the address and the regions: a walk answers as the reference does,
// asks for each entry once, for no more than five and for none outside RAM, also when the memory
// differs with every read.
#include "harness.hpp"
#include "reference_walk.hpp"

#include <map>
#include <vector>

#include <vmsig/guest/page_walk.hpp>

namespace {

using namespace vmsig;
using fuzz::require;

constexpr std::uint64_t page_bytes = 4096;

/// RAM whose words are decided when they are first asked for: then they are the next of the input.
class memory {
public:
    explicit memory(fuzz::bytes& in)
        : in_{in} {
        const unsigned count = 1 + in_.byte() % 4;
        std::uint64_t from = 0;
        for (unsigned i = 0; i < count; ++i) {
            const std::uint8_t shape = in_.byte();
            const std::uint64_t gap = std::uint64_t{in_.byte()} << (shape & 15) * 3;
            const std::uint64_t start = from + gap * page_bytes;
            const std::uint64_t length = (1u + (shape >> 4)) * page_bytes;
            if (start < from || start + (length - 1) < start) break;
            regions_.push_back({.start = start, .length = length, .offset = from});
            from = start + length;
            if (from == 0) break;
        }
        for (std::uint64_t offset = 0; ram_region & r : regions_) {
            r.offset = offset;
            offset += r.length;
        }
        require(check_regions(regions_, 1).has_value(), "regions that were made well are well");
        changes_ = in_.byte() % 2 == 1;
        const std::uint8_t when = in_.byte();
        fails_at_ = when < 16 ? when : ~0u;
    }

    region_map map() const { return region_map{regions_}; }
    bool has(std::uint64_t gpa) const {
        for (const ram_region& r : regions_)
            if (gpa >= r.start && gpa <= r.start + (r.length - 1)) return true;
        return false;
    }
    /// A word whose address bits may have been turned towards RAM, so that walks get somewhere.
    std::uint64_t word() {
        const std::uint8_t steer = in_.byte();
        const auto raw = in_.take<std::uint64_t>();
        if (steer == 0 || regions_.empty()) return raw;
        const ram_region& r = regions_[steer % regions_.size()];
        const std::uint64_t frame = r.start + (steer >> 4) % (r.length / page_bytes) * page_bytes;
        return (raw & 0xfff0'0000'0000'0fff) | frame;
    }

    // What the walk asks.
    bool read_u64(std::uint64_t gpa, std::uint64_t& value) {
        require(gpa % 8 == 0, "only aligned entries are read");
        require(has(gpa) && has(gpa + 7), "no entry outside RAM is read");
        require(log_.size() < 5, "a walk reads at most five entries");
        if (log_.size() == fails_at_) {
            log_.push_back({gpa, 0, false});
            return false;
        }
        const auto known = words_.find(gpa);
        value = known == words_.end() || changes_ ? word() : known->second;
        words_[gpa] = value;
        log_.push_back({gpa, value, true});
        return true;
    }
    // What the reference asks: it gets what the walk got, and must ask for the same.
    expected<std::uint64_t, guest_fault> entry(std::uint64_t gpa) {
        if (!has(gpa)) return unexpected<guest_fault>{guest_fault::outside_ram};
        require(replayed_ < log_.size(), "the walk goes on as long as the reference");
        const load& l = log_[replayed_++];
        require(l.gpa == gpa, "the walk reads the entries that the reference reads, each once");
        if (!l.answered) return unexpected<guest_fault>{guest_fault::unreadable};
        return l.value;
    }
    void check_replayed() const {
        require(replayed_ == log_.size(), "the walk ends where the reference does");
    }

private:
    struct load {
        std::uint64_t gpa;
        std::uint64_t value;
        bool answered;
    };

    fuzz::bytes& in_;
    std::vector<ram_region> regions_;
    std::map<std::uint64_t, std::uint64_t> words_;
    std::vector<load> log_;
    std::size_t replayed_ = 0;
    std::size_t fails_at_ = 0;
    bool changes_ = false;
};

struct question {
    table_roots roots{0};
    std::uint64_t va = 0;
    mask<page_access> need;
    std::uint64_t tcr = aarch64_control::default_tcr;
};

question ask(fuzz::bytes& in, memory& ram) {
    question q;
    q.roots = {ram.word(), ram.word()};
    const std::uint8_t widen = in.byte();
    q.va = in.take<std::uint64_t>();
    const unsigned spare = widen % 40; // the bits above equal the one below them
    q.va = static_cast<std::uint64_t>(static_cast<std::int64_t>(q.va << spare) >> spare);
    if (widen >= 200) q.va ^= std::uint64_t{widen} << 56; // a tag
    const std::uint8_t need = in.byte();
    for (unsigned n = 0; n < 4; ++n)
        if (need >> 4 == n + 1 || (need & 0xf0) == 0xf0)
            q.need = q.need | static_cast<page_access>(n);
    return q;
}

fuzz::walk_result walk_arm(memory& ram, question& q, fuzz::bytes& in) {
    const std::uint64_t sizes = in.byte() % 48 | std::uint64_t{in.byte()} % 48 << 16;
    q.tcr = (q.tcr & ~std::uint64_t{63 | 63 << 16}) | sizes;
    q.tcr ^= std::uint64_t{in.byte()} << 35 & bit(39);                                 // HA
    q.tcr ^= std::uint64_t{in.byte()} << 37 & (bit(37) | bit(38) | bit(41) | bit(42)); // TBI, HPD
    if (in.byte() % 16 == 1) q.tcr ^= in.take<std::uint64_t>();
    return walk_aarch64(ram, ram.map(), aarch64_control{q.tcr}, q.roots, q.va, q.need);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::bytes in{{data, size}};
    const std::uint8_t mode = in.byte();
    memory ram{in};
    question q = ask(in, ram);
    const auto walk = [&](paging_mode paging) {
        return walk_page(ram, ram.map(), paging, q.roots, q.va, q.need);
    };
    const auto compare = [&](const fuzz::walk_result& found, const fuzz::walk_result& wanted) {
        require(found == wanted, "the walk answers as the reference does");
        ram.check_replayed();
        if (found) require(ram.has(found->gpa), "a page outside RAM is not found");
    };
    fuzz::x86_reference x86{ram, q.va, q.need};
    switch (mode % 5) {
    case 0: {
        const auto found = walk(paging_mode::x86_64_4_level);
        compare(found, x86.run(4, q.roots.lower));
        break;
    }
    case 1: {
        const auto found = walk(paging_mode::x86_64_5_level);
        compare(found, x86.run(5, q.roots.lower));
        break;
    }
    case 2: {
        const auto found = walk(paging_mode::aarch64_4k);
        fuzz::arm_reference arm{ram, q.va, q.need, q.tcr};
        compare(found, arm.run(q.roots.lower, q.roots.upper));
        break;
    }
    case 3: {
        const auto found = walk_arm(ram, q, in);
        fuzz::arm_reference arm{ram, q.va, q.need, q.tcr};
        compare(found, arm.run(q.roots.lower, q.roots.upper));
        break;
    }
    default:
        compare(walk(static_cast<paging_mode>(4 + mode / 5)),
                fuzz::fault(guest_fault::unsupported_paging, 0));
    }
    return 0;
}
