// Sends requests until it gets SIGTERM, and counts each of them. A group is NAME=PATH,KEEP,SHORT,PAUSE,SLOW: KEEP connections that stay open
// and SHORT ones that are made anew for every request; between two requests a connection pauses for a random time of up to twice PAUSE
// milliseconds, so that some are idle at any moment. Or NAME=PATH@RATE: so many requests a second (a fraction is one), each on a connection
// of its own, whether earlier ones are answered or not; a # in the path is the request's number. SIGTERM lets what is outstanding of the first
// kind finish, for at most five seconds; then one JSON object is printed. What was lost is listed, and every answer that took longer than
// SLOW milliseconds.
// usage: storm PORT GROUP…

#include "../bench.d/clients/client.h"
#include "figures.h"
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

enum { MOST_CONNECTIONS = 8192, AT_A_RATE = 1024, PATIENCE_MS = 5000, REFUSED_PAUSE_MS = 10 };
static const uint64_t NEVER = UINT64_MAX;

struct connection {
    int fd, keeps;
    enum state state;
    struct group *group;
    uint64_t begun, due;
    size_t filled;
    char buffer[1024];
};

static struct connection connections[MOST_CONNECTIONS];
static int total, set, port;
static volatile sig_atomic_t ending;

static void on_end(int number) { ending = number; }

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void pauses(struct connection *it, uint64_t at, int most_ms) {
    it->due = it->group->rate > 0 ? NEVER : at + (most_ms ? (uint64_t)random() % (most_ms * 1000000ull) : 0);
    it->state = it->fd < 0 ? ABSENT : PAUSING;
}

static void leave(struct connection *it) {
    close(it->fd);
    it->fd = -1;
}

/// The cause of a loss is errno, 0 for an end in order.
static void note(const struct connection *it, uint64_t at, int cause) {
    if (noted == MOST_NOTES) unnoted++;
    else notes[noted++] = (struct note){at, at - it->begun, it->group, it->keeps, cause, it->filled, it->state};
}

/// The connection ended although a request was outstanding, or about to be.
static void lose(struct connection *it, int cause) {
    uint64_t at = now();
    note(it, at, cause);
    it->group->lost++;
    leave(it);
    pauses(it, at, 2 * it->group->pause_ms);
}

static void is_refused(struct connection *it) {
    it->group->refused++;
    leave(it);
    pauses(it, now(), 2 * REFUSED_PAUSE_MS);
}

static void begin(struct connection *it) {
    it->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (it->fd < 0) err(1, "socket");
    int on = 1;
    setsockopt(it->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(it->fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    // Many source addresses, for each has some ten thousand ports only.
    static unsigned turn;
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(0x7f000002 + turn++ % 64);
    if (bind(it->fd, (struct sockaddr *)&address, sizeof address)) err(1, "bind");
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP, .data.ptr = it};
    if (epoll_ctl(set, EPOLL_CTL_ADD, it->fd, &event)) err(1, "epoll_ctl");
    it->state = CONNECTING;
    it->begun = now();
    it->filled = 0;
    if (connect(it->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
        if (errno != ECONNREFUSED) err(1, "connect");
        is_refused(it);
    }
}

static void ask(struct connection *it, uint64_t begun) {
    struct group *group = it->group;
    const char *request = group->request[it->keeps];
    char numbered[512];
    if (group->number) {
        snprintf(numbered, sizeof numbered, "%.*s%lu%s", (int)(group->number - request), request, group->sent, group->number + 1);
        request = numbered;
    }
    it->begun = begun;
    it->filled = 0;
    ssize_t written = send(it->fd, request, strlen(request), MSG_NOSIGNAL);
    if (written < 0) return lose(it, errno);
    if ((size_t)written != strlen(request)) errx(1, "a request of which a part was sent");
    group->sent++;
    it->state = WAITING;
}

static void has_connected(struct connection *it) {
    int reason = 0;
    socklen_t length = sizeof reason;
    getsockopt(it->fd, SOL_SOCKET, SO_ERROR, &reason, &length);
    if (reason == ECONNREFUSED) return is_refused(it);
    if (reason) return lose(it, reason);
    it->group->connected++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = it};
    epoll_ctl(set, EPOLL_CTL_MOD, it->fd, &event);
    ask(it, it->keeps ? now() : it->begun);
}

static void has_answer(struct connection *it) {
    struct group *group = it->group;
    uint64_t at = now(), micros = (at - it->begun) / 1000;
    record(&group->times[it->keeps], micros);
    if (group->slow_ms && micros > group->slow_ms * 1000ull) note(it, at, SLOW);
    if (group == groups) record_answer_time(at);
    group->tenths[tenth_of(at)]++;
    if (!strncmp(it->buffer, "HTTP/1.1 200", 12)) group->answered++;
    else if (!strncmp(it->buffer, "HTTP/1.1 503", 12)) group->unavailable++;
    else group->wrong++;
    // A server that is about to close says so.
    int stays = it->keeps && !strcasestr(it->buffer, "\r\nconnection: close");
    if (it->keeps && !stays) group->closed_idle++;
    if (!stays) leave(it);
    pauses(it, at, 2 * group->pause_ms);
}

/// 0 while something is missing.
static int is_complete(struct connection *it) {
    it->buffer[it->filled] = 0;
    char *blank = strstr(it->buffer, "\r\n\r\n"), *length = strcasestr(it->buffer, "\r\ncontent-length:");
    if (!blank) return 0;
    if (!length || length > blank) errx(1, "no Content-Length: %.200s", it->buffer);
    size_t whole = blank + 4 - it->buffer + strtoul(length + 17, NULL, 10);
    if (it->filled > whole) errx(1, "more bytes than the answer has: %.300s", it->buffer);
    return it->filled == whole;
}

static void is_readable(struct connection *it) {
    ssize_t count = recv(it->fd, it->buffer + it->filled, sizeof it->buffer - 1 - it->filled, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count > 0 && it->state == PAUSING) errx(1, "bytes without a request");
    if (count > 0) {
        it->filled += count;
        if (is_complete(it)) has_answer(it);
    } else if (it->state == PAUSING) {
        it->group->closed_idle++;
        leave(it);
        it->state = ABSENT;
    } else {
        lose(it, count < 0 ? errno : 0);
    }
}

/// Starts what is due of a group that goes by a rate.
static void begin_due(struct group *group, uint64_t at) {
    for (; group->due <= at; group->due += group->interval) {
        struct connection *it = connections + group->first;
        while (it < connections + group->last && it->state != ABSENT) it++;
        if (it < connections + group->last) begin(it);
        else group->skipped++;
    }
}

static void add_group(char *word, uint64_t at) {
    if (group_count == MOST_GROUPS) errx(64, "at most %d groups", MOST_GROUPS);
    struct group *it = &groups[group_count++];
    char *rest = strchr(word, '='), path[128];
    if (!rest) errx(64, "no path: %s", word);
    *rest++ = 0;
    it->name = word;
    if (sscanf(rest, "%127[^,@]@%lf", path, &it->rate) == 2 && it->rate > 0) {
        it->interval = 1e9 / it->rate;
        it->shorts = AT_A_RATE;
        // The others' connections are made first.
        it->due = at + 500000000;
    } else if (sscanf(rest, "%127[^,@],%d,%d,%d,%d", path, &it->keep, &it->shorts, &it->pause_ms, &it->slow_ms) != 5) {
        errx(64, "neither PATH,KEEP,SHORT,PAUSE,SLOW nor PATH@RATE: %s", rest);
    }
    const char *head = "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n";
    snprintf(it->request[0], sizeof it->request[0], head, path, "Connection: close\r\n");
    snprintf(it->request[1], sizeof it->request[1], head, path, "");
    it->number = it->rate > 0 ? strchr(it->request[0], '#') : NULL;
    it->first = total;
    it->last = total += it->keep + it->shorts;
    if (total > MOST_CONNECTIONS) errx(64, "at most %d connections", MOST_CONNECTIONS);
    for (int i = it->first; i < it->last; i++)
        connections[i] = (struct connection){.fd = -1, .keeps = i < it->first + it->keep, .group = it, .due = it->rate > 0 ? NEVER : at};
}

/// Does what is due; how many connections of the first kind wait for something.
static int begin_all(uint64_t at, int ends) {
    int busy = 0;
    for (struct group *group = groups; group < groups + group_count; group++) {
        if (group->rate > 0 && !ends) begin_due(group, at);
        if (group->rate > 0) continue;
        for (struct connection *it = connections + group->first; it < connections + group->last; it++) {
            busy += it->state == CONNECTING || it->state == WAITING;
            if (ends || it->due > at) continue;
            if (it->state == ABSENT) begin(it);
            else if (it->state == PAUSING) ask(it, at);
        }
    }
    return busy;
}

int main(int count, char **arguments) {
    if (count < 3) errx(64, "usage: storm PORT GROUP...");
    port = atoi(arguments[1]);
    signal(SIGTERM, on_end);
    signal(SIGINT, SIG_IGN);
    set = epoll_create1(EPOLL_CLOEXEC);
    started = last_answer = now();
    for (int i = 2; i < count; i++) add_group(arguments[i], started);
    struct epoll_event events[256];
    uint64_t told = 0, turned = started;
    for (;;) {
        uint64_t at = now();
        record_turn(turned, at);
        turned = at;
        int ends = ending;
        if (ends && !told) told = at;
        int busy = begin_all(at, ends);
        if (ends && (!busy || at > told + PATIENCE_MS * 1000000ull)) break;
        int ready = epoll_wait(set, events, 256, 1);
        for (int i = 0; i < ready; i++) {
            struct connection *it = events[i].data.ptr;
            if (it->state == CONNECTING) has_connected(it);
            else if (it->fd >= 0) is_readable(it);
        }
    }
    for (struct connection *it = connections; it < connections + total; it++) {
        if (it->state != CONNECTING && it->state != WAITING) continue;
        if (it->group->rate > 0) it->group->outstanding++;
        else lose(it, ETIMEDOUT);
    }
    print_all(told);
}
