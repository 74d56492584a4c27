# Install rules. Each component is one library with one export file, which vmsigConfig.cmake loads.
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
