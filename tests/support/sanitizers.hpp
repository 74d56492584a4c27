// sanitizers: which of them watches this program. Their runtimes allocate, make system calls and
// handle signals of their own.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define VMSIG_TEST_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define VMSIG_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VMSIG_TEST_ASAN 1
#elif __has_feature(thread_sanitizer)
#define VMSIG_TEST_TSAN 1
#endif
#endif
#ifndef VMSIG_TEST_ASAN
#define VMSIG_TEST_ASAN 0
#endif
#ifndef VMSIG_TEST_TSAN
#define VMSIG_TEST_TSAN 0
#endif
#define VMSIG_TEST_SANITIZED (VMSIG_TEST_ASAN || VMSIG_TEST_TSAN)
