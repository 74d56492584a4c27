# Calls of the functions in wrap.txt go to wrapped_calls.cpp, wherever in the program they are made;
# what the C library and the sanitizers call inside stays theirs.
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/wrap.txt wrapped)
list(TRANSFORM wrapped PREPEND "-Wl,--wrap=")
target_link_options(${test_target} PRIVATE ${wrapped})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/wrap.txt)
target_compile_definitions(${test_target} PRIVATE VMSIG_TEST_SOURCES="${PROJECT_SOURCE_DIR}")
if(TARGET vmsig::kvm)
    target_link_libraries(${test_target} PRIVATE vmsig::kvm)
    target_compile_definitions(${test_target} PRIVATE VMSIG_TEST_KVM)
endif()

vmsig_compile_together(${test_target} 4)

# The shared main must fail a test case that leaks, or in which a core allocates in a turn.
foreach(kind IN ITEMS leaks allocates)
    add_test(NAME errno/self_test.${kind} COMMAND ${test_target} "a test case that ${kind}")
    set_tests_properties(errno/self_test.${kind} PROPERTIES LABELS errno WILL_FAIL TRUE TIMEOUT 60)
endforeach()
