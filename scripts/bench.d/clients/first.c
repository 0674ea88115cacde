// Runs a server, asks it every 0.2 ms until it answers `200`, prints the microseconds from before its start to that
// answer, and ends it with SIGTERM.
// usage: first PORT COMMAND ARGUMENTS…

#include "client.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

enum { PATIENCE_MICROSECONDS = 10 * 1000 * 1000, POLL_MICROSECONDS = 200 };

static long microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static int answers(int port) {
    int fd = connect_to(port, 1);
    if (fd < 0) return 0;
    struct timeval patience = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char reply[16] = "";
    int good = send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) > 0
        && recv(fd, reply, sizeof reply - 1, MSG_WAITALL) > 0 && !strncmp(reply, "HTTP/1.1 200", 12);
    close(fd);
    return good;
}

/// Waits for the server's end after SIGTERM; a server that stays for 10 s is killed, and that is an error.
static int end(pid_t server) {
    kill(server, SIGTERM);
    for (long begun = microseconds(); microseconds() - begun < PATIENCE_MICROSECONDS; usleep(1000))
        if (waitpid(server, NULL, WNOHANG) != 0) return 0;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    warnx("the server did not leave on SIGTERM");
    return 1;
}

int main(int count, char **arguments) {
    if (count < 3) errx(64, "usage: first PORT COMMAND ARGUMENTS…");
    int port = atoi(arguments[1]);
    long begun = microseconds();
    pid_t server = fork();
    if (server < 0) err(1, "fork");
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        execvp(arguments[2], arguments + 2);
        err(127, "%s", arguments[2]);
    }
    while (!answers(port)) {
        if (waitpid(server, NULL, WNOHANG) != 0) errx(1, "the server left before it answered");
        if (microseconds() - begun > PATIENCE_MICROSECONDS) {
            end(server);
            errx(1, "no answer in 10 s");
        }
        usleep(POLL_MICROSECONDS);
    }
    long taken = microseconds() - begun;
    int failed = end(server);
    printf("%ld\n", taken);
    return failed;
}
