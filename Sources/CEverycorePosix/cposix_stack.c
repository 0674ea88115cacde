// The signal that makes a worker's stack appear in shared memory, and what the process needs that puts names to addresses.
#define _GNU_SOURCE
#include "cposix.h"

#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

// --- The signal ---

static uint64_t *stack_area;
static pid_t stack_thread;
static uintptr_t stack_bottom, stack_top;

int cposix_stack_signal(void) { return SIGRTMAX - 2; }

static void note_stack(int number, siginfo_t *info, void *context) {
    (void)number;
    int error = errno;
    // A process that this one has forked shares the area.
    if (info->si_code == SI_QUEUE && stack_area != NULL && (pid_t)syscall(SYS_gettid) == stack_thread) {
        const mcontext_t *machine = &((const ucontext_t *)context)->uc_mcontext;
        cposix_registers registers = {0};
#if defined(__x86_64__)
        registers.instruction = (uintptr_t)machine->gregs[REG_RIP];
        registers.frame = (uintptr_t)machine->gregs[REG_RBP];
        registers.stack = (uintptr_t)machine->gregs[REG_RSP];
#elif defined(__aarch64__)
        registers.instruction = machine->pc;
        registers.frame = machine->regs[29];
        registers.stack = machine->sp;
        registers.link = machine->regs[30];
#else
        (void)machine;
#endif
        uint64_t mark = (uint64_t)(uint32_t)info->si_value.sival_int << 32;
        __atomic_store_n(&stack_area[0], 0, __ATOMIC_RELEASE);
        uint64_t count = cposix_walk_stack(&registers, stack_bottom, stack_top, stack_area + 1, cposix_stack_frame_limit);
        __atomic_store_n(&stack_area[0], mark | count, __ATOMIC_RELEASE);
    }
    errno = error;
}

__attribute__((no_sanitize("address"))) void cposix_answer_for_stack(uint64_t *area) {
    pthread_attr_t attributes;
    void *address;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return;
    int error = pthread_attr_getstack(&attributes, &address, &size);
    pthread_attr_destroy(&attributes);
    uintptr_t own = (uintptr_t)__builtin_frame_address(0), bottom = (uintptr_t)address, end = bottom + size;
    if (error != 0 || own < bottom || own >= end || end - own < 32) return;
    cposix_find_code();
    // The caller's frame, which it keeps if it is Swift's.
    uintptr_t callers = *(const uintptr_t *)own;
    stack_bottom = bottom;
    stack_top = callers > own && callers < end && (callers & 7) == 0 ? callers : own + 16;
    stack_thread = (pid_t)syscall(SYS_gettid);
    stack_area = area;
    struct sigaction action = {0};
    action.sa_sigaction = note_stack;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(cposix_stack_signal(), &action, NULL);
}

void cposix_show_own_stack(uint32_t number) {
    // A thread of a pool may block it.
    sigset_t own, before;
    sigemptyset(&own);
    sigaddset(&own, cposix_stack_signal());
    pthread_sigmask(SIG_UNBLOCK, &own, &before);
    pthread_sigqueue(pthread_self(), cposix_stack_signal(), (union sigval){.sival_int = (int)number});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int cposix_ask_for_stack(pid_t pid, uint32_t number) {
    siginfo_t info = {0};
    info.si_signo = cposix_stack_signal();
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = (int)number;
    return (int)syscall(SYS_rt_tgsigqueueinfo, pid, pid, info.si_signo, &info);
}

// --- Names ---

// The last one that is at or below the address; -1 for none.
static long last_at(const cposix_symbol *wanted, size_t count, uint64_t limit) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (wanted[middle].wanted < limit) low = middle + 1; else high = middle;
    }
    return (long)low - 1;
}

void cposix_match_symbols(const void *table, size_t count, cposix_symbol *wanted, size_t wanted_count) {
    for (size_t i = 0; i < count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, (const uint8_t *)table + i * sizeof symbol, sizeof symbol);
        int type = ELF64_ST_TYPE(symbol.st_info);
        if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF || symbol.st_size == 0) continue;
        uint64_t end;
        if (__builtin_add_overflow(symbol.st_value, symbol.st_size, &end)) continue;
        for (long index = last_at(wanted, wanted_count, end); index >= 0 && wanted[index].wanted >= symbol.st_value; index--) {
            cposix_symbol *one = &wanted[index];
            if (one->size != 0 && one->begin >= symbol.st_value) continue;
            one->begin = symbol.st_value;
            one->size = symbol.st_size;
            one->name = symbol.st_name;
        }
    }
}

// A program without Swift's runtime has none of it.
__attribute__((weak)) char *swift_demangle(const char *symbol, size_t length, char *text, size_t *size, uint32_t flags);

int cposix_demangle(const char *symbol, char *text, size_t size) {
    if (swift_demangle == NULL || size == 0) return 0;
    text[0] = 0;
    size_t room = size;
    if (swift_demangle(symbol, strlen(symbol), text, &room, 0) == NULL) return 0;
    text[size - 1] = 0;
    return 1;
}

void cposix_become_reader(int descriptor, unsigned seconds) {
    pid_t parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    cposix_reset_signals_for_program();
    signal(SIGPIPE, SIG_DFL);
    if (dup2(descriptor, 3) != 3) _exit(1);
    if (syscall(SYS_close_range, 4u, ~0u, 0u) != 0) {
        for (int other = 4; other < 65536; other++) close(other);
    }
    struct rlimit time = {seconds, seconds}, none = {0, 0}, files = {64, 64};
    setrlimit(RLIMIT_CPU, &time);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &none);
    setrlimit(RLIMIT_NPROC, &none);
    setrlimit(RLIMIT_NOFILE, &files);
    cposix_unblock_signals();
}
