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

int cposix_peek_status(pid_t pid, int *status) {
    siginfo_t info = {0};
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != pid) return 0;
    // As wait(2) encodes it.
    *status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status & 0x7f;
    return 1;
}
