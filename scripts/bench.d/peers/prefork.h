// What the two C peers share: a listener of its own for each worker process (SO_REUSEPORT) and the master that
// forks them, waits, and ends them on SIGTERM. Errors end the program: a peer that doesn't start isn't measured.
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static inline int listen_on(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) err(1, "socket");
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on)) err(1, "SO_REUSEPORT");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // accepted sockets inherit it
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&address, sizeof address)) err(1, "bind 127.0.0.1:%d", port);
    if (listen(fd, 4096)) err(1, "listen");
    return fd;
}

/// Forks `workers` processes that run `serve(port)`; the master stays here until SIGTERM, then ends them.
static inline void prefork(int workers, int port, void (*serve)(int)) {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    sigprocmask(SIG_BLOCK, &wanted, NULL);  // before the forks, so that no early signal is missed
    pid_t *children = calloc(workers, sizeof *children);
    for (int i = 0; i < workers; i++) {
        children[i] = fork();
        if (children[i] < 0) err(1, "fork");
        if (children[i] == 0) {
            sigprocmask(SIG_UNBLOCK, &wanted, NULL);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(port);
            _exit(0);
        }
    }
    int received;
    sigwait(&wanted, &received);
    for (int i = 0; i < workers; i++) kill(children[i], SIGTERM);
    while (wait(NULL) > 0) {}
}
