// Every enumerator that a record can carry has a fixed name; no other byte has one (fault 73).
#include <vmsig/audit/names.hpp>

#include <set>
#include <string_view>

#include <support/catch.hpp>

using namespace vmsig;

namespace {

/// Named from 0 to `last` and nowhere else, each by a word of its own.
template <class Enum>
bool named_up_to(Enum last) {
    std::set<std::string_view> names;
    bool right = true;
    for (unsigned n = 0; n < 256; ++n) {
        const std::string_view name = name_of(static_cast<Enum>(n));
        const bool known = n <= static_cast<unsigned>(last);
        right = right && name.empty() != known;
        right = right && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == name.npos;
        if (known) names.insert(name);
    }
    return right && names.size() == static_cast<unsigned>(last) + 1;
}

} // namespace

TEST_CASE("names: complete, unique, and none beyond") {
    CHECK(named_up_to(refusal::audit_unavailable));
    CHECK(named_up_to(outcome::issuer_gone));
    CHECK(named_up_to(lease_end::exhausted));
    CHECK(named_up_to(verb::mem_read));
    CHECK(named_up_to(lease_class::memwrite));
    CHECK(named_up_to(right::admin));
    CHECK(named_up_to(transition::memory_replaced));
}

TEST_CASE("names: each is the enumerator's own") {
    CHECK(name_of(decision::lost) == "lost");
    CHECK(name_of(refusal::not_holder) == "not_holder");
    CHECK(name_of(refusal::stale_epoch) == "stale_epoch");
    CHECK(name_of(outcome::lease_lost) == "lease_lost");
    CHECK(name_of(outcome::endpoint_gone) == "endpoint_gone");
    CHECK(name_of(lease_end::owner_gone) == "owner_gone");
    CHECK(name_of(lease_end::adapter_gone) == "adapter_gone");
    CHECK(name_of(verb::power_button) == "power_button");
    CHECK(name_of(verb::snapshot_restore) == "snapshot_restore");
    CHECK(name_of(lease_class::power) == "power");
    CHECK(name_of(right::memwrite) == "memwrite");
    CHECK(name_of(transition::migrated_in) == "migrated_in");
}

TEST_CASE("names: a record's verdict and subject are read as its decision says") {
    const audit_record ended =
        audit_record::of(decision::command_ended).with(outcome::expired).with(verb::pause);
    CHECK(verdict_name(ended) == "expired");
    CHECK(subject_name(ended) == "pause");
    const audit_record lease =
        audit_record::of(decision::lease_ended).with(lease_end::preempted).with(lease_class::input);
    CHECK(verdict_name(lease) == "preempted");
    CHECK(subject_name(lease) == "input");
    const audit_record memctx =
        audit_record::of(decision::memctx_refused).with(refusal::gone).with(right::memctx);
    CHECK(verdict_name(memctx) == "gone");
    CHECK(subject_name(memctx) == "memctx");
    CHECK(subject_name(audit_record::of(decision::epoch_raised).with(transition::reset)) ==
          "reset");
    CHECK(verdict_name(audit_record::of(decision::endpoint_added)).empty());
    CHECK(subject_name(audit_record::of(decision::endpoint_added)).empty());
}
