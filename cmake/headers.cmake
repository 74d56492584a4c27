# vmsig_add_headers(<target> INCLUDE|EXCLUDE <folder>...)
#
# Gives a target its public headers: some folders of include/vmsig/, or everything but them. Two
# file sets:
#   HEADERS    *.hpp, each verified to compile on its own
#   fragments  what cannot stand alone: *.ipp (bodies that a header includes), and the one header
#              that asks for a library of its own, vmsig/fmt.hpp
function(vmsig_add_headers target mode)
    set(root ${PROJECT_SOURCE_DIR}/include)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${root}/vmsig/*.hpp ${root}/vmsig/*.ipp)
    list(JOIN ARGN "|" folders)
    list(FILTER headers ${mode} REGEX "/include/vmsig/(${folders})/")
    set(fragments ${headers})
    list(FILTER headers EXCLUDE REGEX "\\.ipp$|/vmsig/fmt\\.hpp$")
    list(FILTER fragments INCLUDE REGEX "\\.ipp$|/vmsig/fmt\\.hpp$")

    set(visibility PUBLIC)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "INTERFACE_LIBRARY")
        set(visibility INTERFACE)
    endif()
    target_sources(${target} ${visibility}
        FILE_SET HEADERS BASE_DIRS ${root} FILES ${headers}
        FILE_SET fragments TYPE HEADERS BASE_DIRS ${root} FILES ${fragments})
    set_target_properties(${target} PROPERTIES INTERFACE_HEADER_SETS_TO_VERIFY HEADERS)
endfunction()
