// A pipe or a terminal can't be made nonblocking through descriptor 1: it is the same open file as the shell's and other programs'.
// Opened anew through /proc it is a file of our own (proc_pid_fd(5)). A socket takes MSG_DONTWAIT. What can't be opened anew is asked
// for each write (RWF_NOWAIT, poll(2)).
#define _GNU_SOURCE
#include "cposix.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    waiting,     // as write(2) does
    own_file,    // nonblocking, and no other program's
    socket_kind,
    regular,     // never waits for a reader
    asked        // may be written to after a look whether there is room
};

struct output {
    enum kind kind;
    int descriptor;
    // The end of a line that was cut in the middle.
    char rest[4096];
    size_t rest_count;
    atomic_ulong lost;
    pthread_mutex_t lock;
};

static struct output outputs[2] = {
    {.descriptor = 1, .lock = PTHREAD_MUTEX_INITIALIZER}, {.descriptor = 2, .lock = PTHREAD_MUTEX_INITIALIZER}};

static struct output *output_of(int number) { return &outputs[number == 2 ? 1 : 0]; }

// --- One write ---

static ssize_t write_if_asked(int descriptor, const void *bytes, size_t count) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count < 4096 ? count : 4096};
    ssize_t written = pwritev2(descriptor, &part, 1, -1, RWF_NOWAIT);
    if (written >= 0 || errno == EAGAIN || errno == EINTR || errno == EPIPE) return written;
    // Not for this kind of file, or not in this kernel. A pipe that poll(2) calls writable takes PIPE_BUF bytes without waiting (pipe(7)).
    struct pollfd request = {.fd = descriptor, .events = POLLOUT};
    if (poll(&request, 1, 0) <= 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(descriptor, bytes, count < 512 ? count : 512);
}

// At the end, wherever that is by now: another program may have cut the file (RWF_APPEND, pwritev2(2)).
static ssize_t append(int descriptor, const void *bytes, size_t count) {
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
    ssize_t written = pwritev2(descriptor, &part, 1, -1, RWF_APPEND);
    if (written >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != EPERM)) return written;
    return write(descriptor, bytes, count);
}

static ssize_t attempt(struct output *output, const void *bytes, size_t count) {
    switch (output->kind) {
    case socket_kind: return send(output->descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    case regular: return append(output->descriptor, bytes, count);
    case asked: return write_if_asked(output->descriptor, bytes, count);
    case own_file:
    case waiting: break;
    }
    return write(output->descriptor, bytes, count);
}

// How far no later attempt can do better.
enum { not_failed, has_failed, has_no_reader };

// How much of it could be written.
static size_t write_now(struct output *output, const char *bytes, size_t count, int *failed) {
    size_t done = 0;
    while (done < count) {
        ssize_t written = attempt(output, bytes + done, count - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written < 0 && errno == EINTR) {
            continue;
        } else {
            if (written == 0 || errno != EAGAIN) *failed = written < 0 && (errno == EPIPE || errno == EBADF) ? has_no_reader : has_failed;
            break;
        }
    }
    return done;
}

// --- Lines ---

static void lose(struct output *output, const char *bytes, size_t count) {
    unsigned long lines = 0;
    for (size_t i = 0; i < count; i++) lines += bytes[i] == '\n';
    if (count > 0 && bytes[count - 1] != '\n') lines++;
    atomic_fetch_add(&output->lost, lines);
}

static int send_rest(struct output *output) {
    if (output->rest_count == 0) return 1;
    int failed = 0;
    size_t done = write_now(output, output->rest, output->rest_count, &failed);
    output->rest_count = failed ? 0 : output->rest_count - done;
    memmove(output->rest, output->rest + done, output->rest_count);
    return output->rest_count == 0;
}

// Keeps the end of the line that was cut, so that the next one doesn't stick to it. How many bytes that took.
static size_t keep_rest(struct output *output, const char *bytes, size_t count) {
    const char *end = memchr(bytes, '\n', count);
    size_t length = end == NULL ? count : (size_t)(end - bytes) + 1;
    size_t kept = length < sizeof output->rest ? length : sizeof output->rest;
    memcpy(output->rest, bytes, kept);
    if (kept < length) output->rest[kept - 1] = '\n';
    output->rest_count = kept;
    return length;
}

static int write_lines(int number, const char *text, size_t count, int counts_loss) {
    struct output *output = output_of(number);
    pthread_mutex_lock(&output->lock);
    int code = errno, failed = not_failed;
    size_t done = 0;
    if (send_rest(output)) {
        done = write_now(output, text, count, &failed);
        if (done < count && failed == not_failed && done > 0 && text[done - 1] != '\n') {
            done += keep_rest(output, text + done, count - done);
        }
    }
    if (done < count && failed != has_no_reader && (counts_loss || done > 0)) lose(output, text + done, count - done);
    errno = code;
    pthread_mutex_unlock(&output->lock);
    return done == count || failed == has_no_reader;
}

int cposix_write_output(int number, const void *bytes, size_t count) { return write_lines(number, bytes, count, 1); }

int cposix_write_note(int number, const void *bytes, size_t count) { return write_lines(number, bytes, count, 0); }

ssize_t cposix_try_output(int number, const void *bytes, size_t count) {
    struct output *output = output_of(number);
    pthread_mutex_lock(&output->lock);
    ssize_t written = -1;
    if (send_rest(output)) {
        written = attempt(output, bytes, count);
    } else {
        errno = EAGAIN;
    }
    int code = errno;
    pthread_mutex_unlock(&output->lock);
    errno = code;
    return written;
}

unsigned long cposix_lost_lines(int number) { return atomic_load(&output_of(number)->lost); }

// --- The C library's streams ---

static ssize_t write_stream(void *number, const char *bytes, size_t count) {
    struct output *output = output_of((int)(intptr_t)number);
    if (output->kind == waiting) {
        int failed = 0;
        size_t done = write_now(output, bytes, count, &failed);
        return done == count ? (ssize_t)count : 0;
    }
    cposix_write_output((int)(intptr_t)number, bytes, count);
    // Lost is written, too: the stream must not keep it for later.
    return (ssize_t)count;
}

static FILE *stream_to(int number) {
    cookie_io_functions_t functions = {.write = write_stream};
    return fopencookie((void *)(intptr_t)number, "w", functions);
}

__attribute__((constructor(102))) static void begin_writing(void) {
    FILE *out = stream_to(STDOUT_FILENO), *error = stream_to(STDERR_FILENO);
    if (out != NULL && error != NULL) {
        setvbuf(out, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
        setvbuf(error, NULL, _IONBF, 0);
        stdout = out;
        stderr = error;
    }
    // Its parent waits for it: output on the way must not wait for a reader.
    if (getenv("CLUSTER_UPGRADE") != NULL) cposix_guard_output();
}

void cposix_purge_stdio(void) {
    __fpurge(stdout);
    __fpurge(stderr);
    for (int i = 0; i < 2; i++) {
        outputs[i].rest_count = 0;
        atomic_store(&outputs[i].lost, 0);
    }
}

void cposix_line_buffer_stdout(void) { setvbuf(stdout, NULL, _IOLBF, 0); }

// --- From waiting to not ---

static void guard(struct output *output, int number) {
    struct stat status;
    if (output->kind != waiting) return;
    output->kind = asked;
    if (fstat(number, &status) != 0) return;
    if (S_ISSOCK(status.st_mode)) {
        output->kind = socket_kind;
    } else if (S_ISREG(status.st_mode)) {
        output->kind = regular;
    } else {
        char path[32];
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own < 0) return;
        output->descriptor = own;
        output->kind = own_file;
    }
}

void cposix_guard_output(void) {
    guard(&outputs[0], STDOUT_FILENO);
    guard(&outputs[1], STDERR_FILENO);
}
