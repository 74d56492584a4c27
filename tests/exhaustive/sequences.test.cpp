// I1-I26: whatever follows whatever, every sequence of five operations leaves every invariant of
// the core true, and in the end everything that was accepted has ended once and is refunded.
#include "report.hpp"
#include "search.hpp"

#include <support/sanitizers.hpp>

namespace {

using namespace vmsig;
using namespace vmsig::exhaustive;

#if VMSIG_TEST_SANITIZED || !defined(__OPTIMIZE__)
constexpr unsigned longest = 4;
#else
constexpr unsigned longest = 5;
#endif

unsigned number_from(const char* name, unsigned otherwise) {
    const char* text = std::getenv(name);
    return text ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}
unsigned length() { return number_from("VMSIG_EXHAUSTIVE_LENGTH", longest); }
/// Of this length it is known what must be met.
bool is_usual() { return length() == 5; }
void run(search& s) {
    s.run();
    if (number_from("VMSIG_EXHAUSTIVE_VERBOSE", 0) != 0) print(s, std::cout);
}
/// `never`: what these operations cannot bring about, or not in so few steps.
void search_part(opening o, unsigned part, unsigned parts, const char* never) {
    if (std::getenv("VMSIG_EXHAUSTIVE_SEQUENCE")) return;
    search s{o, interacting, length(), part, parts};
    run(s);
    if (!is_usual()) return;
    for (std::size_t i = 0; i < interacting; ++i) {
        INFO(operations[i].name);
        const std::uint64_t least = o == opening::worn ? s.of(i).tried / 20 : 1;
        CHECK(s.of(i).applied >= least);
        if (operations[i].does != &scene::time_passes) CHECK(s.of(i).told >= least);
    }
    CHECK(never_met(s.met()) == never);
}
/// One step shorter, of more operations.
void search_all(opening o, const char* never) {
    search s{o, operations.size(), length() - 1};
    if (const char* names = std::getenv("VMSIG_EXHAUSTIVE_SEQUENCE"))
        return s.replay(names, std::cout);
    run(s);
    if (!is_usual()) return;
    for (std::size_t i = 0; i < operations.size(); ++i) {
        INFO(operations[i].name);
        CHECK(s.of(i).applied > 0);
    }
    CHECK(never_met(s.met()) == never);
}
void search_fresh(unsigned part) {
    search_part(opening::fresh, part, 2,
                "refusal held, refusal audit_unavailable, lease end forced, lease end epoch, "
                "lease end exhausted, decision adapter_quarantined, limit of versions, "
                "limit of epochs");
}
void search_worn(unsigned part) {
    search_part(opening::worn, part, 8,
                "refusal invalid, refusal held, refusal audit_unavailable, lease end forced, "
                "lease end epoch, lease end cancelled, lease end exhausted");
}

} // namespace

TEST_CASE("every sequence of many operations keeps the invariants", "[fresh]") {
    search_all(opening::fresh, "refusal exhausted, refusal audit_unavailable, lease end epoch, "
                               "lease end exhausted, limit of versions, limit of epochs");
}
TEST_CASE("every sequence of many operations near the limits keeps the invariants", "[worn]") {
    search_all(opening::worn, "refusal invalid, refusal audit_unavailable, lease end epoch, "
                              "lease end cancelled, lease end exhausted");
}
TEST_CASE("every sequence keeps the invariants, 1 of 2", "[long]") { search_fresh(0); }
TEST_CASE("every sequence keeps the invariants, 2 of 2", "[long]") { search_fresh(1); }
TEST_CASE("every sequence near the limits keeps the invariants, 1 of 8", "[long]") {
    search_worn(0);
}
TEST_CASE("every sequence near the limits keeps the invariants, 2 of 8", "[long]") {
    search_worn(1);
}
TEST_CASE("every sequence near the limits keeps the invariants, 3 of 8", "[long]") {
    search_worn(2);
}
TEST_CASE("every sequence near the limits keeps the invariants, 4 of 8", "[long]") {
    search_worn(3);
}
TEST_CASE("every sequence near the limits keeps the invariants, 5 of 8", "[long]") {
    search_worn(4);
}
TEST_CASE("every sequence near the limits keeps the invariants, 6 of 8", "[long]") {
    search_worn(5);
}
TEST_CASE("every sequence near the limits keeps the invariants, 7 of 8", "[long]") {
    search_worn(6);
}
TEST_CASE("every sequence near the limits keeps the invariants, 8 of 8", "[long]") {
    search_worn(7);
}
