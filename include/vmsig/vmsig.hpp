// vmsig: everything that a host needs, with the stub back end left out.
#pragma once

#include <vmsig/adapter/adapter.hpp>
#include <vmsig/control/build.hpp>
#include <vmsig/control/control.hpp>
#include <vmsig/core/core.hpp>
