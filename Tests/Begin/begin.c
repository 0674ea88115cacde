// A program that begins in cposix_begin.c: signals are blocked until cposix_end_begin, and the dynamic loader has done its work.
#include "cposix.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

static int failed;

static void expect(int holds, const char *what) {
    if (!holds) {
        printf("not so: %s\n", what);
        failed = 1;
    }
}

static int blocks(int number) {
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    return sigismember(&mask, number);
}

int main(int count, char **arguments) {
    expect(blocks(SIGTERM) && blocks(SIGHUP) && blocks(SIGUSR2), "signals are blocked from the first instruction on");
    expect(!blocks(SIGSEGV) && !blocks(SIGCHLD), "others are not");
    cposix_end_begin();
    expect(!blocks(SIGTERM) && !blocks(SIGHUP) && !blocks(SIGUSR2), "the mask is what it was before");
    expect(count == 2 && strcmp(arguments[1], "argument") == 0, "the arguments are there");
    expect(getauxval(AT_BASE) != 0, "the loader knows where it lies");
    // Loads another library.
    expect(getpwnam("no-such-user") == NULL, "libraries can be loaded");
    return failed;
}
