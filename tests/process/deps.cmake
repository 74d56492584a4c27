# The page whose lists of system calls are tried out.
target_compile_definitions(${test_target} PRIVATE
    VMSIG_SYSTEM_CALLS_PAGE="${PROJECT_SOURCE_DIR}/docs/system-calls.md")
vmsig_compile_together(${test_target} 4)
