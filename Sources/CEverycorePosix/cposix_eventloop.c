#define _GNU_SOURCE
#include "cposix_eventloop.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int cposix_wake_up_pair(int *reader, int *writer) {
    *reader = *writer = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (*reader >= 0) return 0;
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return -1;
    *reader = ends[0];
    *writer = ends[1];
    return 0;
}

int cposix_periodic_timer(uint64_t nanoseconds) {
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0) return -1;
    // A time of zero would disarm it.
    if (nanoseconds == 0) nanoseconds = 1;
    struct timespec time = {.tv_sec = (time_t)(nanoseconds / 1000000000u), .tv_nsec = (long)(nanoseconds % 1000000000u)};
    struct itimerspec rhythm = {.it_interval = time, .it_value = time};
    if (timerfd_settime(timer, 0, &rhythm, NULL) == 0) return timer;
    int code = errno;
    close(timer);
    errno = code;
    return -1;
}
