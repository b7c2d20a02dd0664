/* SPDX-License-Identifier: MIT */
/* What this process has room for: ThreadSanitizer leaves a program few terabytes of addresses, 32 bits four gigabytes. */
#ifndef TEST_ROOM_H
#define TEST_ROOM_H

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

/* A test of machines that want more addresses than a 32-bit process has: in one it is not in the list, for cmocka
 * leaves out what has no function. Every other test boots its machines everywhere, or fails. */
#define TEST_WIDE(fn) (sizeof(void *) == 8 ? (fn) : NULL)
#define wide_unit_test(f) { #f, TEST_WIDE(f), NULL, NULL, NULL }
#define wide_unit_test_setup_teardown(f, setup, teardown)                                          \
	{ #f, TEST_WIDE(f), TEST_WIDE(setup), TEST_WIDE(teardown), NULL }

#endif
