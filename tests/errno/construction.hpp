// construction: how making something ended.
#pragma once

#include <cstring>
#include <new>
#include <system_error>

#include <vmsig/core/setup_error.hpp>

#include "sweep.hpp"

namespace vmsig::test {

/// Makes something with the fault armed: it is made, or std::system_error says the errno and the
/// call. Without the fault, and after an interruption, it must be made.
template <class Make>
void expect_made_or_told(trial& t, std::string_view operation, Make&& make, bool again = true) {
    try {
        t.arm();
        make();
        t.expect(!t.hit() || t.code() == EINTR, "made, although a call failed");
    } catch (const std::system_error& e) {
        t.expect(t.hit(), "threw without a cause");
        t.expect(e.code().value() == t.code(), "another errno than the call's");
        t.expect(std::strstr(e.what(), operation.data()) != nullptr, "another operation");
    } catch (const std::exception&) {
        t.expect(false, "no std::system_error");
    }
    t.heal();
    try {
        if (again) make();
    } catch (const std::exception&) {
        t.expect(false, "afterwards it can not be made either");
    }
}

} // namespace vmsig::test
