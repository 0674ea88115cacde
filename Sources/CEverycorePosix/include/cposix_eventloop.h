// Waking a loop: from another thread, and at regular times.
#pragma once
#include <stdint.h>

// eventfd(2), nonblocking and close-on-exec: a descriptor, or -1 with errno.
int cposix_eventfd(void);
// A timer that becomes readable every so many nanoseconds (timerfd_create(2)), nonblocking and close-on-exec: a descriptor,
// or -1 with errno.
int cposix_periodic_timer(uint64_t nanoseconds);
