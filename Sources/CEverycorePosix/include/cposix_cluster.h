// Processes: fork and what belongs to it, the end of a process, and descriptors between processes.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Whether several sockets may listen on one TCP port (SO_REUSEPORT of socket(7)).
int cposix_has_reuse_port(void);

// --- Making a worker: in the master before, in the child after ---

// Cores in the affinity mask of this process, or -1 with errno. Also right on machines with more than 1024 cores.
int cposix_usable_cpus(void);
// fork(2) with all signals blocked on both sides. The child calls cposix_unblock_signals when it is ready for them.
pid_t cposix_fork_blocking_signals(void);
// Unblocks every signal.
void cposix_unblock_signals(void);
// Gives /dev/null the numbers 0 to 2 where nothing has them, so that no socket gets one and with it what is printed or logged.
void cposix_fill_standard_descriptors(void);
// SIGKILL for this process when its parent thread ends (PR_SET_PDEATHSIG): 0, or -1 with errno.
int cposix_die_with_parent(void);
// The name in ps, top and /proc/self/comm; cut to 15 bytes by the kernel.
void cposix_set_process_name(const char *name);

// --- A worker that crashes ---

// Installs handlers for SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE and SIGABRT over whatever is there. They store the signal's number
// in `mark` (in the upper half the sender's process id, 0 where this process raised it; with `cposix_crash_in_another_thread` where it
// is not the process' first thread that crashes), close every descriptor above 2 and then let the previous handler, or the default, have
// the signal.
enum { cposix_crash_in_another_thread = 0x10000 };
void cposix_close_descriptors_on_crash(uint64_t *mark);

// Has those handlers let the previous one, which may write a backtrace, have no more than one signal per endpoint and minute; the others
// end the process at once. `table` is shared by all workers; `since` is not 0 while a request runs, whose endpoint is `endpoint`.
enum { cposix_backtrace_table_count = 1024, cposix_backtrace_table_size = 8192 };
void cposix_limit_backtraces(uint64_t *table, const uint64_t *since, const uint64_t *endpoint);

// --- The end of a child ---

// The wait status of a child that has ended, which stays to be reaped: 1 and `status`, or 0 while it lives. Never waits.
int cposix_peek_status(pid_t pid, int *status);
int cposix_wait_exit_status(int status);
int cposix_wait_signal(int status);
// "SIGSEGV" and the like, NULL for an unknown number.
const char *cposix_signal_name(int number);

// --- Descriptors ---

// socketpair(2), nonblocking and close-on-exec, with send and receive buffers of `buffer` bytes where the kernel's limits
// allow it: 0, or -1 with errno.
int cposix_socketpair(int type, int buffer, int descriptors[2]);
// socket(2), nonblocking and close-on-exec: a descriptor, or -1 with errno.
int cposix_stream_socket(int family);
// Sends a packet without waiting and without SIGPIPE.
ssize_t cposix_send(int descriptor, const void *bytes, size_t count);
// Receives a packet without waiting. A longer one is cut; the result is then its full length.
ssize_t cposix_receive(int descriptor, void *bytes, size_t count);
// Makes pages of this process's view of shared memory unwritable: 0, or -1 with errno.
int cposix_protect_from_writing(void *memory, size_t count);
// Zeroed memory shared with the children of this process, page-aligned; NULL with errno.
void *cposix_map_shared(size_t count);
// Columns and rows of the terminal: 0, or -1 when it is none.
int cposix_terminal_size(int descriptor, unsigned short *columns, unsigned short *rows);
