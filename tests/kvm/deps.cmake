# The devices are tested where no machine can run.
target_include_directories(${test_target} PRIVATE ${PROJECT_SOURCE_DIR}/src/kvm)
vmsig_compile_together(${test_target} 5)
