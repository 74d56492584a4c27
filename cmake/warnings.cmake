# vmsig_warnings: link it privately, to our own targets only. In a library that is installed write
# $<BUILD_INTERFACE:vmsig_warnings>, so that it stays out of the export. The development presets
# make every warning an error (CMAKE_COMPILE_WARNING_AS_ERROR); a host's build is not ours to break.
set(VMSIG_WARNING_FLAGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow)

add_library(vmsig_warnings INTERFACE)
target_compile_options(vmsig_warnings INTERFACE ${VMSIG_WARNING_FLAGS})
