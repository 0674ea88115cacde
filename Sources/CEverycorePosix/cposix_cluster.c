#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int cposix_usable_cpus(void) {
    // EINVAL means that the kernel's mask has more bits than the one given: sched_setaffinity(2), notes.
    for (int bits = 1024; bits <= 1 << 20; bits *= 2) {
        cpu_set_t *set = CPU_ALLOC(bits);
        if (set == NULL) return -1;
        size_t size = CPU_ALLOC_SIZE(bits);
        int result = sched_getaffinity(0, size, set);
        int count = result == 0 ? CPU_COUNT_S(size, set) : -1;
        int code = errno;
        CPU_FREE(set);
        errno = code;
        if (result == 0 || code != EINVAL) return count;
    }
    return -1;
}

static const int crash_signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT};
enum { crash_signal_count = sizeof crash_signals / sizeof crash_signals[0] };

static int crash_index(int number) {
    for (int i = 0; i < crash_signal_count; i++) {
        if (crash_signals[i] == number) return i;
    }
    return -1;
}

pid_t cposix_fork_blocking_signals(void) {
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid != 0) {
        int code = errno;
        sigprocmask(SIG_SETMASK, &before, NULL);
        errno = code;
    }
    return pid;
}

void cposix_unblock_signals(void) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void cposix_fill_standard_descriptors(void) {
    for (int number = 0; number <= 2; number++) {
        if (fcntl(number, F_GETFD) >= 0) continue;
        // The lowest free number is taken: this one, unless all below it are open and none was to be had.
        int null = open("/dev/null", O_RDWR);
        if (null > number) close(null);
    }
}

int cposix_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }

void cposix_set_process_name(const char *name) { prctl(PR_SET_NAME, name); }

static struct sigaction previous_actions[crash_signal_count];
static volatile uint64_t *crash_mark;
static pid_t crash_mark_owner;

static uint64_t *backtraces;
static const uint64_t *request_since, *request_endpoint;
enum { backtrace_seconds = 60 };

// Whether the request's endpoint, or what is no request's, has had no backtrace for a while. Of several processes that crash at a time,
// one has it.
static int may_backtrace(int in_request) {
    if (backtraces == NULL) return 1;
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) return 1;
    uint64_t second = (uint64_t)now.tv_sec + 1, key = in_request && *request_since != 0 ? *request_endpoint : 0;
    uint64_t *word = &backtraces[(key ^ key >> 32) % cposix_backtrace_table_count];
    uint64_t last = __atomic_load_n(word, __ATOMIC_RELAXED);
    if (last != 0 && second - last < backtrace_seconds) return 0;
    return __atomic_compare_exchange_n(word, &last, second, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void cposix_limit_backtraces(uint64_t *table, const uint64_t *since, const uint64_t *endpoint) {
    request_since = since;
    request_endpoint = endpoint;
    backtraces = table;
}

// Async-signal-safe: system calls only. The peers of a crashing worker see the end of their connections at once, and the
// master that of the channel, however long the previous handler (Swift's backtracer) then takes.
static void close_descriptors_and_pass_on(int number, siginfo_t *info, void *context) {
    (void)context;
    int code = errno;
    // The loop has the process' first thread.
    pid_t thread = (pid_t)syscall(SYS_gettid);
    int is_loop = thread == getpid();
    // The first signal of a crash counts: the previous handler may raise others. A process that this one has forked shares the word.
    if (crash_mark != NULL && *crash_mark == 0 && getpid() == crash_mark_owner) {
        pid_t sender = info->si_code <= 0 && info->si_pid != crash_mark_owner ? info->si_pid : 0;
        uint32_t elsewhere = is_loop ? 0 : cposix_crash_in_another_thread;
        *crash_mark = (uint64_t)(uint32_t)sender << 32 | elsewhere | (uint32_t)number;
    }
    syscall(SYS_close_range, 3u, ~0u, 0u);
    int index = crash_index(number);
    if (index >= 0 && may_backtrace(is_loop)) {
        sigaction(number, &previous_actions[index], NULL);
    } else {
        signal(number, SIG_DFL);
    }
    // A faulting instruction runs again after the return and faults into the previous handler. A signal that was sent
    // (abort, raise, kill) would be over, and so would x86's breakpoint instruction, so these are sent again: the
    // signal is blocked in here and comes when this handler returns.
    int again = info->si_code <= 0;
#if defined(__x86_64__)
    again = again || number == SIGTRAP;
#endif
    if (again) syscall(SYS_tgkill, getpid(), thread, number);
    errno = code;
}

void cposix_close_descriptors_on_crash(uint64_t *mark) {
    crash_mark = mark;
    crash_mark_owner = getpid();
    // A stack overflow leaves no room for a handler on the stack that it overflowed.
    static _Alignas(16) char stack[65536];
    stack_t current;
    if (sigaltstack(NULL, &current) == 0 && (current.ss_flags & SS_DISABLE)) {
        stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
        sigaltstack(&own, NULL);
    }
    struct sigaction action = {0};
    action.sa_sigaction = close_descriptors_and_pass_on;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < crash_signal_count; i++) sigaction(crash_signals[i], &action, &previous_actions[i]);
}

int cposix_wait_exit_status(int status) { return WEXITSTATUS(status); }
int cposix_wait_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

const char *cposix_signal_name(int number) {
    switch (number) {
    case SIGHUP: return "SIGHUP";
    case SIGINT: return "SIGINT";
    case SIGQUIT: return "SIGQUIT";
    case SIGILL: return "SIGILL";
    case SIGTRAP: return "SIGTRAP";
    case SIGABRT: return "SIGABRT";
    case SIGBUS: return "SIGBUS";
    case SIGFPE: return "SIGFPE";
    case SIGKILL: return "SIGKILL";
    case SIGUSR1: return "SIGUSR1";
    case SIGSEGV: return "SIGSEGV";
    case SIGUSR2: return "SIGUSR2";
    case SIGPIPE: return "SIGPIPE";
    case SIGALRM: return "SIGALRM";
    case SIGTERM: return "SIGTERM";
    case SIGTTIN: return "SIGTTIN";
    case SIGTTOU: return "SIGTTOU";
    case SIGXCPU: return "SIGXCPU";
    case SIGXFSZ: return "SIGXFSZ";
    case SIGSYS: return "SIGSYS";
    default: return NULL;
    }
}

int cposix_socketpair(int type, int buffer, int descriptors[2]) {
    if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, descriptors) != 0) return -1;
    for (int i = 0; i < 2; i++) {
        // Without the privilege for more, the kernel takes what net.core.wmem_max allows.
        if (setsockopt(descriptors[i], SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0) {
            setsockopt(descriptors[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        }
        if (setsockopt(descriptors[i], SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) != 0) {
            setsockopt(descriptors[i], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        }
    }
    return 0;
}

int cposix_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

ssize_t cposix_send(int descriptor, const void *bytes, size_t count) {
    return send(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

ssize_t cposix_receive(int descriptor, void *bytes, size_t count) {
    return recv(descriptor, bytes, count, MSG_DONTWAIT | MSG_TRUNC);
}

int cposix_protect_from_writing(void *memory, size_t count) { return mprotect(memory, count, PROT_READ); }

void *cposix_map_shared(size_t count) {
    void *memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

int cposix_terminal_size(int descriptor, unsigned short *columns, unsigned short *rows) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return -1;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return 0;
}

int cposix_has_reuse_port(void) {
    int on = 1;
    int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return 1;
    int result = setsockopt(probe, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    close(probe);
    return result == 0;
}
