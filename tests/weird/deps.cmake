# The program that the hostile clients are sent at.
target_compile_definitions(${test_target} PRIVATE VMSIG_HOST_PROGRAM="$<TARGET_FILE:vmsig-host>")
add_dependencies(${test_target} vmsig-host)
