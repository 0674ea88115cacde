// Waking a loop: from another thread, and at regular times.
#pragma once
#include <stdint.h>

// A descriptor to read from and one to write to, nonblocking and close-on-exec: of an eventfd(2), twice the same, or of a pipe where the
// kernel or a sandbox refuses that. 0, or -1 with errno.
int cposix_wake_up_pair(int *reader, int *writer);
// A timer that becomes readable every so many nanoseconds (timerfd_create(2)), nonblocking and close-on-exec: a descriptor,
// or -1 with errno.
int cposix_periodic_timer(uint64_t nanoseconds);
