// VMSIG_ASSERT: a bug of the caller, checked in debug builds. Never for conditions or for faults
// of the system, which have types.
#pragma once

#include <cassert>

#ifndef VMSIG_ASSERT
#define VMSIG_ASSERT(condition) assert(condition)
#endif
