// Rule: an incarnation stands for the bus's epoch while it lives and nothing is about to end it.
#include <vmsig/kvm/incarnation.hpp>

static_assert(!vmsig::kvm::incarnation{}.settled());
static_assert(vmsig::kvm::incarnation{.number = 1, .ending = 0, .alive = true}.settled());
static_assert(!vmsig::kvm::incarnation{.number = 1, .ending = 1, .alive = true}.settled());
static_assert(!vmsig::kvm::incarnation{.number = 1, .ending = 0, .alive = false}.settled());
