#define _GNU_SOURCE
#include "cposix.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

int cposix_thread_count(void) {
    struct stat status;
    if (stat("/proc/self/task", &status) != 0) return -1;
    // A directory of directories has two links and one for each of them (proc_pid_task(5) is one entry a thread).
    if (status.st_nlink >= 3) return (int)status.st_nlink - 2;
    errno = ENOTSUP;
    return -1;
}

int cposix_has_several_threads(void) {
    int count = cposix_thread_count();
    if (count > 0) return count > 1;
    // Changes nothing in a process with one thread, and is refused with EINVAL in any other (unshare(2)).
    if (unshare(CLONE_THREAD) == 0) return 0;
    return errno == EINVAL ? 1 : -1;
}

static long bounded(rlim_t value) { return value == RLIM_INFINITY || value > LONG_MAX ? LONG_MAX : (long)value; }

int cposix_open_file_limits(long *soft, long *hard) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    *soft = bounded(limit.rlim_cur);
    *hard = bounded(limit.rlim_max);
    return 0;
}

int cposix_limit_open_files(long soft) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return -1;
    limit.rlim_cur = soft == LONG_MAX ? limit.rlim_max : (rlim_t)soft;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

int cposix_lowest_free_descriptor(void) {
    int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (copy >= 0) close(copy);
    return copy;
}

static void close_on_exec(int descriptor) {
    int flags = fcntl(descriptor, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) == 0) fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC);
}

void cposix_close_on_exec_from(int first) {
    if (syscall(SYS_close_range, (unsigned)first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
    // Before Linux 5.11, or where a filter refuses it.
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        for (int descriptor = first; descriptor < 1024; descriptor++) close_on_exec(descriptor);
        return;
    }
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.') continue;
        int descriptor = atoi(entry->d_name);
        if (descriptor >= first) close_on_exec(descriptor);
    }
    closedir(directory);
}

const char *cposix_executed_path(void) { return (const char *)getauxval(AT_EXECFN); }

int cposix_is_same_file(const char *one, const char *other) {
    struct stat first, second;
    return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

pid_t cposix_start_program(const cposix_program *program) {
    pid_t pid = cposix_fork_blocking_signals();
    if (pid != 0) return pid;
    cposix_reset_signals_for_program();
    for (size_t i = 0; i < program->kept_count; i++) {
        int flags = fcntl(program->kept[i], F_GETFD);
        if (flags >= 0) fcntl(program->kept[i], F_SETFD, flags & ~FD_CLOEXEC);
    }
    if (program->open_files >= 0) cposix_limit_open_files(program->open_files);
    execve(program->path, program->arguments, program->environment);
    _exit(127);
}
