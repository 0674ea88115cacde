// Sends requests until it gets SIGTERM, and counts each of them: KEEP connections that stay open and SHORT ones that are made anew for
// every request. Between two requests a connection pauses for a random time of up to twice PAUSE milliseconds, so that some are idle at
// any moment. SIGTERM lets what is outstanding finish, for at most five seconds; then one JSON object is printed.
// What was lost is listed, and every answer that took longer than SLOW milliseconds.
// usage: storm PORT KEEP SHORT PAUSE SLOW

#include "../bench.d/clients/client.h"
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

#define CLOSING "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
enum { MOST_CONNECTIONS = 4096, MOST_NOTES = 20000, SLOW = -1, PATIENCE_MS = 5000, REFUSED_PAUSE_MS = 10, OCTAVES = 40, STEPS = 32 };
enum state { ABSENT, CONNECTING, WAITING, PAUSING };
static const char *const STATES[] = {"absent", "connecting", "waiting", "pausing"};

struct connection {
    int fd, keeps;
    enum state state;
    uint64_t begun, due;
    size_t filled;
    char buffer[1024];
};
struct histogram {
    uint64_t count, most, buckets[OCTAVES * STEPS];
};
struct note {
    uint64_t at, waited;
    int keeps, cause;
    size_t seen;
    enum state state;
};

static struct connection connections[MOST_CONNECTIONS];
static struct histogram times[2];
static struct note notes[MOST_NOTES];
static uint64_t noted, connected, sent, answered, refused, lost, wrong, closed_idle, last_answer, worst_gap, worst_gap_at, worst_stall,
    started;
static int total, set, port, pause_ms, slow_ms;
static volatile sig_atomic_t ending;

static void on_end(int number) { ending = number; }

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/// Each octave of microseconds in STEPS steps: 3 % exact.
static int bucket(uint64_t micros) {
    if (micros < STEPS) return micros;
    int octave = 63 - __builtin_clzll(micros) - 5;
    int index = (octave + 1) * STEPS + (int)((micros >> octave) - STEPS);
    return index < OCTAVES * STEPS ? index : OCTAVES * STEPS - 1;
}

static uint64_t percentile(const struct histogram *of, double share) {
    uint64_t wanted = of->count * share, passed = 0;
    for (int i = 0; i < OCTAVES * STEPS; i++) {
        passed += of->buckets[i];
        if (passed > wanted && of->buckets[i]) return i < STEPS ? (uint64_t)i : (uint64_t)(i % STEPS + STEPS + 1) << (i / STEPS - 1);
    }
    return of->most;
}

static void pauses(struct connection *it, uint64_t at, int most_ms) {
    it->due = at + (most_ms ? (uint64_t)random() % (most_ms * 1000000ull) : 0);
    it->state = it->fd < 0 ? ABSENT : PAUSING;
}

static void leave(struct connection *it) {
    close(it->fd);
    it->fd = -1;
}

/// The cause of a loss is errno, 0 for an end in order.
static void note(const struct connection *it, uint64_t at, int cause) {
    if (noted < MOST_NOTES) notes[noted++] = (struct note){at, at - it->begun, it->keeps, cause, it->filled, it->state};
}

/// The connection ended although a request was outstanding, or about to be.
static void lose(struct connection *it, int cause) {
    uint64_t at = now();
    note(it, at, cause);
    lost++;
    leave(it);
    pauses(it, at, 2 * pause_ms);
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
        refused++;
        leave(it);
        pauses(it, it->begun, 2 * REFUSED_PAUSE_MS);
    }
}

static void ask(struct connection *it, uint64_t begun) {
    const char *request = it->keeps ? REQUEST : CLOSING;
    it->begun = begun;
    it->filled = 0;
    ssize_t written = send(it->fd, request, strlen(request), MSG_NOSIGNAL);
    if (written < 0) return lose(it, errno);
    if ((size_t)written != strlen(request)) errx(1, "a request of which a part was sent");
    sent++;
    it->state = WAITING;
}

static void has_connected(struct connection *it) {
    int reason = 0;
    socklen_t length = sizeof reason;
    getsockopt(it->fd, SOL_SOCKET, SO_ERROR, &reason, &length);
    if (reason == ECONNREFUSED) {
        refused++;
        leave(it);
        return pauses(it, now(), 2 * REFUSED_PAUSE_MS);
    }
    if (reason) return lose(it, reason);
    connected++;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = it};
    epoll_ctl(set, EPOLL_CTL_MOD, it->fd, &event);
    ask(it, it->keeps ? now() : it->begun);
}

static void has_answer(struct connection *it) {
    uint64_t at = now(), micros = (at - it->begun) / 1000;
    struct histogram *of = &times[it->keeps];
    of->buckets[bucket(micros)]++;
    of->count++;
    if (micros > of->most) of->most = micros;
    if (micros > slow_ms * 1000ull) note(it, at, SLOW);
    if (at - last_answer > worst_gap) worst_gap = at - last_answer, worst_gap_at = at;
    last_answer = at;
    if (strncmp(it->buffer, "HTTP/1.1 200", 12)) wrong++;
    else answered++;
    // A server that is about to close says so.
    int stays = it->keeps && !strcasestr(it->buffer, "\r\nconnection: close");
    if (it->keeps && !stays) closed_idle++;
    it->state = PAUSING;
    if (!stays) leave(it);
    pauses(it, at, 2 * pause_ms);
}

/// 0 while something is missing.
static int is_complete(struct connection *it) {
    it->buffer[it->filled] = 0;
    char *blank = strstr(it->buffer, "\r\n\r\n"), *length = strcasestr(it->buffer, "\r\ncontent-length:");
    if (!blank) return 0;
    if (!length || length > blank) errx(1, "no Content-Length: %.200s", it->buffer);
    size_t whole = blank + 4 - it->buffer + strtoul(length + 17, NULL, 10);
    if (it->filled > whole) errx(1, "bytes that nobody asked for: %.300s", it->buffer);
    return it->filled == whole;
}

static void is_readable(struct connection *it) {
    ssize_t count = recv(it->fd, it->buffer + it->filled, sizeof it->buffer - 1 - it->filled, 0);
    if (count < 0 && errno == EAGAIN) return;
    if (count > 0 && it->state == PAUSING) errx(1, "bytes that nobody asked for");
    if (count > 0) {
        it->filled += count;
        if (is_complete(it)) has_answer(it);
    } else if (it->state == PAUSING) {
        closed_idle++;
        leave(it);
        it->state = ABSENT;
    } else {
        lose(it, count < 0 ? errno : 0);
    }
}

static void print_times(const char *name, const struct histogram *of) {
    printf(",\"%s\":{\"count\":%lu,\"p50\":%lu,\"p99\":%lu,\"p999\":%lu,\"max\":%lu}", name, of->count, percentile(of, .5),
           percentile(of, .99), percentile(of, .999), of->most);
}

static void print_all(void) {
    printf("{\"started\":%.6f,\"seconds\":%.3f,\"connected\":%lu,\"sent\":%lu,\"answered\":%lu,\"refused\":%lu,\"lost\":%lu,\"wrong\":%lu,"
           "\"closed_idle\":%lu,\"worst_gap_us\":%lu,\"worst_gap_at\":%.6f,\"worst_stall_us\":%lu",
           started / 1e9, (now() - started) / 1e9, connected, sent, answered, refused, lost, wrong, closed_idle, worst_gap / 1000,
           worst_gap_at / 1e9, worst_stall / 1000);
    print_times("short_us", &times[0]);
    print_times("keep_us", &times[1]);
    printf(",\"notes\":[");
    for (uint64_t i = 0; i < noted; i++) {
        const struct note *it = &notes[i];
        const char *cause = it->cause == SLOW ? "slow" : it->cause ? strerrorname_np(it->cause) : "end";
        printf("%s{\"at\":%.6f,\"waited_us\":%lu,\"kind\":\"%s\",\"cause\":\"%s\",\"seen\":%zu,\"while\":\"%s\"}", i ? "," : "",
               it->at / 1e9, it->waited / 1000, it->keeps ? "keep" : "short", cause, it->seen, STATES[it->state]);
    }
    printf("]}\n");
}

int main(int count, char **arguments) {
    if (count != 6) errx(64, "usage: storm PORT KEEP SHORT PAUSE SLOW");
    port = atoi(arguments[1]);
    int keep = atoi(arguments[2]);
    total = keep + atoi(arguments[3]);
    pause_ms = atoi(arguments[4]);
    slow_ms = atoi(arguments[5]);
    if (total < 1 || total > MOST_CONNECTIONS) errx(64, "1 to %d connections", MOST_CONNECTIONS);
    signal(SIGTERM, on_end);
    signal(SIGINT, SIG_IGN);
    set = epoll_create1(EPOLL_CLOEXEC);
    started = last_answer = now();
    for (int i = 0; i < total; i++) connections[i] = (struct connection){.fd = -1, .keeps = i < keep, .state = ABSENT, .due = started};
    struct epoll_event events[256];
    uint64_t give_up = UINT64_MAX, turned = started;
    for (;;) {
        uint64_t at = now();
        // A turn takes about a millisecond: in more than that this process, too, got no CPU.
        if (at - turned > worst_stall) worst_stall = at - turned;
        turned = at;
        int ends = ending, busy = 0;
        if (ends && give_up == UINT64_MAX) give_up = at + PATIENCE_MS * 1000000ull;
        for (struct connection *it = connections; it < connections + total; it++) {
            busy += it->state == CONNECTING || it->state == WAITING;
            if (ends || it->due > at) continue;
            if (it->state == ABSENT) begin(it);
            else if (it->state == PAUSING) ask(it, at);
        }
        if (ends && (!busy || at > give_up)) break;
        int ready = epoll_wait(set, events, 256, 1);
        for (int i = 0; i < ready; i++) {
            struct connection *it = events[i].data.ptr;
            if (it->state == CONNECTING) has_connected(it);
            else if (it->fd >= 0) is_readable(it);
        }
    }
    for (struct connection *it = connections; it < connections + total; it++)
        if (it->state == CONNECTING || it->state == WAITING) lose(it, ETIMEDOUT);
    print_all();
}
