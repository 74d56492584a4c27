# VMSIG_HAVE_KVM_HEADERS: the in-process KVM adapter can be compiled here. Whether /dev/kvm can be
# opened is a question for run time.
include(CheckIncludeFileCXX)

set(VMSIG_HAVE_KVM_HEADERS OFF)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    check_include_file_cxx(linux/kvm.h VMSIG_FOUND_LINUX_KVM_H)
    set(VMSIG_HAVE_KVM_HEADERS ${VMSIG_FOUND_LINUX_KVM_H})
endif()
