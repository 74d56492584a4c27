// Equality of plain data: two values are equal exactly if each of their parts is.
#pragma once

#include <support/catch.hpp>

namespace vmsig::test {

/// Each of `change` alters one part of a copy, which is then another value than the original.
template <class T, class... Change>
void check_every_part_counts(const T& value, Change... change) {
    const T same = value;
    CHECK(same == value);
    const auto differs = [&](auto alter) {
        T other = value;
        alter(other);
        CHECK_FALSE(other == value);
        CHECK(other == other);
    };
    (differs(change), ...);
}

} // namespace vmsig::test
