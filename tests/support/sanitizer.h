/* SPDX-License-Identifier: MIT */
/* How large a machine the largest of tests are: ThreadSanitizer leaves a program few terabytes of addresses. */
#ifndef TEST_SANITIZER_H
#define TEST_SANITIZER_H

#if defined(__SANITIZE_THREAD__)
#define TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_TSAN 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_ASAN 1
#endif
#endif

#ifdef TEST_TSAN
#define TEST_HUGE "64G"
#define TEST_HUGE_BYTES (64ull << 30)
#else
#define TEST_HUGE "1T"
#define TEST_HUGE_BYTES (1ull << 40)
#endif

#endif
