# The parts in C, compiled as C: by the compiler at hand, with all warnings.
set(c_flags -x c -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
    -D_POSIX_C_SOURCE=200809L)
separate_arguments(configured UNIX_COMMAND "${CMAKE_CXX_FLAGS}")
foreach(part story layout)
    set(object ${CMAKE_CURRENT_BINARY_DIR}/c_client_${part}.o)
    add_custom_command(
        OUTPUT ${object}
        COMMAND ${CMAKE_CXX_COMPILER} ${configured} ${c_flags} -I${PROJECT_SOURCE_DIR}/include
                -MD -MT ${object} -MF ${object}.d -c ${folder}/${part}.c -o ${object}
        DEPENDS ${folder}/${part}.c
        DEPFILE ${object}.d
        COMMENT "Building C object c_client/${part}.c"
        VERBATIM)
    target_sources(${test_target} PRIVATE ${object})
endforeach()
target_link_libraries(${test_target} PRIVATE vmsig::client)
