# Install rules. Each component is one library with one export file, which vmsigConfig.cmake loads.
# What needs no cmake finds core, kvm and client by pkg-config: vmsig.pc, vmsig-kvm.pc,
# vmsig-client.pc.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vmsig)

function(vmsig_install target component)
    install(TARGETS ${target} EXPORT vmsig-${component}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT vmsig-${component}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT vmsig-${component}
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT vmsig-${component}
        FILE_SET fragments DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT vmsig-${component})
    install(EXPORT vmsig-${component}
        FILE vmsig-${component}.cmake
        NAMESPACE vmsig::
        DESTINATION ${package_dir}
        COMPONENT vmsig-${component})
endfunction()

vmsig_install(vmsig core)
vmsig_install(vmsig_testing testing)
if(TARGET vmsig_kvm)
    vmsig_install(vmsig_kvm kvm)
endif()
if(TARGET vmsig_client)
    vmsig_install(vmsig_client client)
endif()

configure_package_config_file(cmake/vmsigConfig.cmake.in
    ${PROJECT_BINARY_DIR}/vmsigConfig.cmake
    INSTALL_DESTINATION ${package_dir}
    NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/vmsigConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES
        ${PROJECT_BINARY_DIR}/vmsigConfig.cmake
        ${PROJECT_BINARY_DIR}/vmsigConfigVersion.cmake
    DESTINATION ${package_dir}
    COMPONENT vmsig-core)

# For pkg-config. The paths are said relative to the file, so that the tree can be moved; one that
# was configured as absolute stays so.
set(pc_folder ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
set(pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE ${pc_folder})
    file(RELATIVE_PATH pc_up /${pc_folder} /)
    string(REGEX REPLACE "/$" "" pc_up ${pc_up})
    set(pc_prefix "\${pcfiledir}/${pc_up}")
endif()
cmake_path(APPEND pc_includedir "\${prefix}" ${CMAKE_INSTALL_INCLUDEDIR})
cmake_path(APPEND pc_libdir "\${prefix}" ${CMAKE_INSTALL_LIBDIR})

function(vmsig_install_pc pc_name component)
    cmake_parse_arguments(PARSE_ARGV 2 pc "" "description;requires;cflags;libs" "")
    configure_file(cmake/vmsig.pc.in ${PROJECT_BINARY_DIR}/${pc_name}.pc @ONLY)
    install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc
        DESTINATION ${pc_folder}
        COMPONENT vmsig-${component})
endfunction()

# A later -std= on the command line has its way.
vmsig_install_pc(vmsig core
    description ${PROJECT_DESCRIPTION}
    cflags "-I\${includedir} -std=c++20 -pthread"
    libs -pthread)
if(TARGET vmsig_kvm)
    vmsig_install_pc(vmsig-kvm kvm
        description "The in-process KVM adapter of vmsig"
        requires "vmsig = ${PROJECT_VERSION}"
        libs "-L\${libdir} -lvmsig_kvm")
endif()
if(TARGET vmsig_client)
    vmsig_install_pc(vmsig-client client
        description "A control of vmsig in a process of its own, for C"
        cflags "-I\${includedir}"
        libs "-L\${libdir} -lvmsig-client")
endif()
