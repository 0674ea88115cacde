#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

void cposix_name_successor(pid_t guardian, pid_t successor) {
    union sigval value = {.sival_int = successor};
    sigqueue(guardian, SIGUSR1, value);
}

// The process that orders go to; 0 while this one takes them.
static atomic_int heir;
static pid_t owner;

static void pass_on(const siginfo_t *info) {
    pid_t successor = atomic_load(&heir);
    if (info->si_signo == SIGUSR1 && info->si_code == SI_QUEUE && info->si_pid == successor) {
        atomic_store(&heir, info->si_value.sival_int);
    } else if (info->si_signo != SIGCHLD && successor > 0) {
        kill(successor, info->si_signo);
    }
}

static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};
#define NUMBER_COUNT (sizeof numbers / sizeof numbers[0])

static void on_order(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    int code = errno;
    // The terminal's own, for output or input of this process, are no orders.
    int is_terminals = (number == SIGTTIN || number == SIGTTOU) && info->si_code == SI_KERNEL;
    if (!is_terminals && getpid() == owner) pass_on(info);
    errno = code;
}

void cposix_pass_on_orders(pid_t successor) {
    owner = getpid();
    atomic_store(&heir, successor);
    struct sigaction action = {0};
    action.sa_sigaction = on_order;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        sigaction(numbers[i], &action, NULL);
        // Those that the loop has not come to.
        unsigned by_kernel, count = cposix_take_signal(numbers[i], &by_kernel);
        // Of the others several say no more than one.
        if (count > 1 && numbers[i] != SIGTTIN && numbers[i] != SIGTTOU) count = 1;
        for (unsigned k = 0; k < count && k < 64; k++) kill(successor, numbers[i]);
    }
    signal(SIGCHLD, SIG_DFL);
    cposix_unblock_signals();
}

// Keeps the memory and the descriptors of its parent, which it shares, until that one has ended.
static int outlive(void *parent) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int tries = 0; getppid() == (pid_t)(intptr_t)parent && tries < 10000; tries++) usleep(100);
    _exit(0);
}

// kill(2) succeeds for a process that ends, and the kernel drops the signal, for as long as it frees the process's memory: a millisecond.
// Where another process keeps the memory, it is some microseconds.
static void end_quickly(int status, void *unused) {
    (void)unused;
    if (atomic_load(&heir) == 0 || getpid() != owner) return;
    fflush(NULL);
    static char stack[32768] __attribute__((aligned(16)));
    clone(outlive, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_FS, (void *)(intptr_t)owner);
    _exit(status);
}

// First, so that it runs after all others.
__attribute__((constructor(102))) static void prepare_end(void) { on_exit(end_quickly, NULL); }

void cposix_stand_by(void) {
    sigset_t awaited;
    sigemptyset(&awaited);
    for (size_t i = 0; i < NUMBER_COUNT; i++) sigaddset(&awaited, numbers[i]);
    sigaddset(&awaited, SIGCHLD);
    sigprocmask(SIG_SETMASK, &awaited, NULL);
    for (;;) {
        siginfo_t info;
        // A successor is named before the process that names it ends: signals first, the dead after them.
        while (sigtimedwait(&awaited, &info, &(struct timespec){0}) > 0) pass_on(&info);
        int status;
        pid_t pid;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            if (pid == atomic_load(&heir)) _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
        }
        if (sigwaitinfo(&awaited, &info) > 0) pass_on(&info);
    }
}

// --- A file in memory that a successor takes on ---

// Its pages are there from the start, so that no later access can fail, and its size stays.
int cposix_memory_file(size_t count) {
    int file = memfd_create("everycore-history", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (file < 0 && errno == EINVAL) file = memfd_create("everycore-history", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0) return -1;
    if (fallocate(file, 0, 0, (off_t)count) == 0 && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) == 0) return file;
    int code = errno;
    close(file);
    errno = code;
    return -1;
}

void *cposix_map_file(int file, size_t count) {
    struct stat status;
    int seals = fcntl(file, F_GET_SEALS);
    if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(file, &status) != 0 || (size_t)status.st_size != count) return NULL;
    void *memory = mmap(NULL, count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void cposix_unmap(void *memory, size_t count) { munmap(memory, count); }
