// Programs that a process starts: another one in its place, and what they inherit. And the threads that stand in the way of a fork.
#pragma once
#include <stddef.h>
#include <sys/types.h>

// --- Threads ---

// Threads of this process by /proc/self/task, without opening anything; or -1 with errno.
int cposix_thread_count(void);
// 1 where there is a second thread, 0 where there is none; asks the kernel where /proc can't be read (unshare(2)). -1 where neither tells.
int cposix_has_several_threads(void);

// --- Limits ---

// The limits of open files of this process: 0, or -1 with errno. Without a limit it is the greatest number.
int cposix_open_file_limits(long *soft, long *hard);
// Sets the soft limit: 0, or -1 with errno.
int cposix_limit_open_files(long soft);
// The lowest number that no descriptor of this process has; -1 where the limit leaves none.
int cposix_lowest_free_descriptor(void);
// Closes every descriptor from `first` on at the next execve(2), also of a program that posix_spawn(3) starts.
void cposix_close_on_exec_from(int first);

// --- A program in this one's place ---

// The path that the program was started by, as execve(2) got it (AT_EXECFN, getauxval(3)); NULL where there is none.
const char *cposix_executed_path(void);
// Whether two paths lead to the same file.
int cposix_is_same_file(const char *one, const char *other);

typedef struct {
    const char *path;
    char *const *arguments;
    char *const *environment;
    // These outlive the exec.
    const int *kept;
    size_t kept_count;
    // The soft limit of open files that it begins with; -1 for this process's.
    long open_files;
} cposix_program;
// Forks and executes. Signals are blocked from before the fork on and stay so in the program; dispositions are the defaults. The child
// makes system calls only, so this process may have several threads. Its process id, or -1 with errno; the child of a program that
// can't be executed ends with 127.
pid_t cposix_start_program(const cposix_program *program);
