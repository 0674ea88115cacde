#define _GNU_SOURCE
#include "cposix_everycore.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READING (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

int cposix_open_root(const char *path) {
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int cposix_open_beneath(int root, const char *path) {
    struct open_how how = {.flags = READING, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    int descriptor;
    int tries = 8;
    // EAGAIN: something on the path was renamed meanwhile, so that the kernel can't be sure.
    do {
        descriptor = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    } while (descriptor < 0 && (errno == EINTR || (errno == EAGAIN && --tries > 0)));
    return descriptor;
}

int cposix_open_entry(int directory, const char *name, int is_last) {
    int flags = is_last ? READING : O_PATH | O_DIRECTORY | O_CLOEXEC;
    int descriptor;
    do {
        descriptor = openat(directory, name, flags | O_NOFOLLOW);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

int cposix_duplicate(int descriptor) {
    return fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
}

int cposix_open_file(const char *path) {
    int descriptor;
    do {
        descriptor = open(path, READING);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor;
}

const void *cposix_entry_name(const struct dirent *entry) { return entry->d_name; }

unsigned long cposix_entry_length(const struct dirent *entry) { return strlen(entry->d_name); }
