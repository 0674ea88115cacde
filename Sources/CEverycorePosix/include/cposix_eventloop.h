// Waking a loop: from another thread, and at regular times.
#pragma once
#include <stdint.h>
#include <time.h>

// Nanoseconds of CLOCK_MONOTONIC (clock_gettime(2)). Inlined: each request reads it twice.
static inline uint64_t cposix_monotonic_nanoseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

// A descriptor to read from and one to write to, nonblocking and close-on-exec: of an eventfd(2), twice the same, or of a pipe where the
// kernel or a sandbox refuses that. 0, or -1 with errno.
int cposix_wake_up_pair(int *reader, int *writer);
// A timer that becomes readable every so many nanoseconds (timerfd_create(2)), nonblocking and close-on-exec: a descriptor,
// or -1 with errno.
int cposix_periodic_timer(uint64_t nanoseconds);
