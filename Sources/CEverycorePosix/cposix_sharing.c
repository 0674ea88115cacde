#define _GNU_SOURCE
#include "cposix_sharing.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void cposix_name_successor(pid_t guardian, pid_t successor) {
    union sigval value = {.sival_int = successor};
    sigqueue(guardian, SIGUSR1, value);
}

static void pass_on(pid_t *successor, const siginfo_t *info) {
    if (info->si_signo == SIGUSR1 && info->si_code == SI_QUEUE && info->si_pid == *successor) {
        *successor = info->si_value.sival_int;
    } else if (info->si_signo != SIGCHLD) {
        kill(*successor, info->si_signo);
    }
}

static sigset_t orders(void) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) sigaddset(&set, numbers[i]);
    return set;
}

void cposix_hold_orders(void) {
    sigset_t set = orders();
    sigprocmask(SIG_BLOCK, &set, NULL);
}

int cposix_take_order(void) {
    sigset_t set = orders();
    int number = sigtimedwait(&set, NULL, &(struct timespec){0});
    return number > 0 ? number : 0;
}

void cposix_stand_by(pid_t successor) {
    sigset_t awaited = orders();
    sigaddset(&awaited, SIGCHLD);
    sigprocmask(SIG_SETMASK, &awaited, NULL);
    for (;;) {
        siginfo_t info;
        // A successor is named before the process that names it ends: signals first, the dead after them.
        while (sigtimedwait(&awaited, &info, &(struct timespec){0}) > 0) pass_on(&successor, &info);
        int status;
        pid_t pid;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
            if (pid == successor) _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
        }
        if (sigwaitinfo(&awaited, &info) > 0) pass_on(&successor, &info);
    }
}
