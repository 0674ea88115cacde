#define _GNU_SOURCE
#include "cposix.h"

#include <sys/resource.h>
#include <sys/wait.h>

pid_t cposix_reap(pid_t pid, int options, int *status, uint64_t *peak_resident_bytes) {
    struct rusage usage = {0};
    pid_t result = wait4(pid, status, options, &usage);
    // Linux counts it in KiB: getrusage(2).
    *peak_resident_bytes = usage.ru_maxrss > 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
    return result;
}
