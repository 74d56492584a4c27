# The program itself, which some of the tests start, and what it is made of.
target_link_libraries(${test_target} PRIVATE vmsig_host)
target_compile_definitions(${test_target} PRIVATE
    VMSIG_HOST_PROGRAM="$<TARGET_FILE:vmsig-host>"
    VMSIG_HOST_EXAMPLES="${PROJECT_SOURCE_DIR}/src/tools/host/examples"
    VMSIG_HOST_MANUAL="${PROJECT_SOURCE_DIR}/docs/man")
add_dependencies(${test_target} vmsig-host)
