vmsig_compile_together(${test_target} 6)
