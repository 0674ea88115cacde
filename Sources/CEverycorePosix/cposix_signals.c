// A signal that comes before its handler is there ends the program, or is lost where the program is process 1 (signal(7),
// pid_namespaces(7)). So a constructor notes what masters understand before main begins; until then cposix_begin.c blocks it. Handlers,
// not a mask: execve(2) resets handlers, while a mask would go on to every program that is started from here.
#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

enum { signal_limit = 32 };
static const int watched[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGTTIN, SIGTTOU};
static const int early[] = {SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};
static const int ends[] = {SIGTERM, SIGINT, SIGQUIT};
#define COUNT(list) (sizeof list / sizeof list[0])

static atomic_int event_descriptor = -1;
static atomic_uint noted[signal_limit], noted_of_kernel[signal_limit];
static atomic_int holds_terminal_signals;
static int hangup_was_ignored, began_with_terminal;

int cposix_hangup_was_ignored(void) { return hangup_was_ignored; }

int cposix_has_terminal(void) {
    int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (terminal >= 0) close(terminal);
    return terminal >= 0;
}

static void handle(int number, void (*body)(int, siginfo_t *, void *)) {
    struct sigaction action = {0};
    action.sa_sigaction = body;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigfillset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static int is_terminals(int number) { return number == SIGTTIN || number == SIGTTOU; }

// Blocked, the write goes on and the read fails (termios(3), "Job control"); handled, either would be tried again for ever.
static void let_terminal_access_pass(int number, void *context) {
    sigaddset(&((ucontext_t *)context)->uc_sigmask, number);
    atomic_store(&holds_terminal_signals, 1);
}

void cposix_unblock_terminal_signals(void) {
    if (!atomic_exchange(&holds_terminal_signals, 0)) return;
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGTTIN);
    sigaddset(&both, SIGTTOU);
    sigprocmask(SIG_UNBLOCK, &both, NULL);
}

static void tell(int event) {
    uint64_t one = 1;
    ssize_t result = write(event, &one, sizeof one);
    (void)result;
}

static void note(int number, siginfo_t *info, void *context) {
    int code = errno;
    if (is_terminals(number) && info->si_code == SI_KERNEL) {
        let_terminal_access_pass(number, context);
    } else {
        atomic_fetch_add(info->si_code == SI_KERNEL ? &noted_of_kernel[number] : &noted[number], 1);
        int event = atomic_load(&event_descriptor);
        if (event >= 0) tell(event);
    }
    errno = code;
}

// What would have happened without a handler: stopped until CONT, or ended.
static void act_by_default(int number) {
    sigset_t one, before;
    sigemptyset(&one);
    sigaddset(&one, number);
    signal(number, SIG_DFL);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &one, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

// The program may yet turn out to be no master: what its terminal does to it stays as it was.
static void note_early(int number, siginfo_t *info, void *context) {
    int code = errno;
    int lost_terminal = number == SIGHUP && (info->si_code == SI_KERNEL || (began_with_terminal && !cposix_has_terminal()));
    if (lost_terminal || (is_terminals(number) && info->si_code == SI_KERNEL)) {
        act_by_default(number);
        handle(number, note_early);
    } else {
        note(number, info, context);
    }
    errno = code;
}

// Process 1 has no default action that ends it.
static void end_process_1(int number, siginfo_t *info, void *context) {
    (void)info;
    (void)context;
    _exit(128 + number);
}

__attribute__((constructor(101))) static void begin_noting(void) {
    struct sigaction given;
    hangup_was_ignored = sigaction(SIGHUP, NULL, &given) == 0 && given.sa_handler == SIG_IGN;
    began_with_terminal = cposix_has_terminal();
    int is_successor = getenv("CLUSTER_UPGRADE") != NULL;
    for (size_t i = 0; i < COUNT(early); i++) {
        // Ignored goes on to the programs that this one starts, unless it is a master.
        if (sigaction(early[i], NULL, &given) == 0 && given.sa_handler == SIG_IGN && !is_successor) continue;
        handle(early[i], is_successor ? note : note_early);
    }
    if (getpid() == 1) {
        for (size_t i = 0; i < COUNT(ends); i++) handle(ends[i], end_process_1);
    }
    // The master that started this one blocked everything, so that nothing was lost until here.
    if (is_successor) {
        cposix_unblock_signals();
    } else {
        cposix_end_begin();
    }
}

void cposix_hold_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < COUNT(ends); i++) sigaddset(&set, ends[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static void do_nothing(int number, siginfo_t *info, void *context) {
    if (is_terminals(number) && info->si_code == SI_KERNEL) let_terminal_access_pass(number, context);
}

void cposix_watch_signals(int event) {
    handle(SIGPIPE, do_nothing);
    handle(SIGXFSZ, do_nothing);
    for (size_t i = 0; i < COUNT(watched); i++) handle(watched[i], note);
    atomic_store(&event_descriptor, event);
    tell(event);
    cposix_unblock_signals();
}

unsigned cposix_take_signal(int number, unsigned *by_kernel) {
    *by_kernel = 0;
    if (number <= 0 || number >= signal_limit) return 0;
    *by_kernel = atomic_exchange(&noted_of_kernel[number], 0);
    return atomic_exchange(&noted[number], 0) + *by_kernel;
}

void cposix_stop_watching_signals(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    atomic_store(&event_descriptor, -1);
    for (size_t i = 0; i < COUNT(watched); i++) signal(watched[i], SIG_DFL);
    for (size_t i = 0; i < COUNT(early); i++) handle(early[i], note_early);
    if (hangup_was_ignored) signal(SIGHUP, SIG_IGN);
    cposix_unblock_signals();
}

void cposix_ignore_signal(int number) { handle(number, do_nothing); }

static void reset_all(int (*is_kept)(int)) {
    for (int number = 1; number <= SIGRTMAX; number++) {
        // Two numbers below SIGRTMIN belong to the C library, which refuses to change them.
        if (!is_kept(number)) signal(number, SIG_DFL);
    }
    atomic_store(&event_descriptor, -1);
    for (int number = 0; number < signal_limit; number++) {
        atomic_store(&noted[number], 0);
        atomic_store(&noted_of_kernel[number], 0);
    }
}

static int none(int number) {
    (void)number;
    return 0;
}

void cposix_reset_signals_for_program(void) {
    reset_all(none);
    if (hangup_was_ignored) signal(SIGHUP, SIG_IGN);
}

static int is_crash(int number) {
    return number == SIGILL || number == SIGTRAP || number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGABRT;
}

void cposix_reset_signals_in_worker(void) {
    reset_all(is_crash);
    // A terminal sends INT and HUP to the whole group, and people send the others to all processes of a name.
    static const int masters[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < COUNT(masters); i++) handle(masters[i], do_nothing);
    // nohup(1) applies to the programs that are started from here, too.
    if (hangup_was_ignored) signal(SIGHUP, SIG_IGN);
}
