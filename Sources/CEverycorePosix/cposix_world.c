#define _GNU_SOURCE
#include "cposix_world.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

// Decimal digits alone; 4294967295 means "leave it" to setresuid(2).
static int number(const char *text, unsigned long *value) {
    if (*text == 0 || strlen(text) > 10 || text[strspn(text, "0123456789")] != 0) return 0;
    *value = strtoul(text, NULL, 10);
    return *value < 0xffffffffUL;
}

int cposix_find_user(const char *name, uid_t *user, gid_t *group) {
    unsigned long value;
    struct passwd *entry = getpwnam(name);
    if (entry == NULL && number(name, &value)) {
        entry = getpwuid((uid_t)value);
        if (entry == NULL) {
            *user = (uid_t)value;
            return 1;
        }
    }
    if (entry == NULL) return -1;
    *user = entry->pw_uid;
    *group = entry->pw_gid;
    return 0;
}

int cposix_find_group(const char *name, gid_t *group) {
    unsigned long value;
    struct group *entry = getgrnam(name);
    if (entry != NULL) {
        *group = entry->gr_gid;
        return 0;
    }
    if (!number(name, &value)) return -1;
    *group = (gid_t)value;
    return 0;
}

int cposix_groups_of_user(uid_t user, gid_t group, gid_t *groups, int capacity) {
    struct passwd *entry = getpwuid(user);
    if (entry == NULL) return -1;
    int count = capacity;
    // -1 for more groups than there is room for; `count` then says how many there are.
    getgrouplist(entry->pw_name, group, groups, &count);
    return count;
}

int cposix_may_change_user(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    unsigned wanted = 1u << CAP_SETUID | 1u << CAP_SETGID;
    return (data[0].effective & wanted) == wanted;
}

const char *cposix_become_user(uid_t user, gid_t group, const gid_t *groups, size_t count) {
    if (setgroups(count, groups) != 0) return "setgroups";
    if (setresgid(group, group, group) != 0) return "setresgid";
    if (setresuid(user, user, user) != 0) return "setresuid";
    uid_t users[3];
    gid_t own[3];
    if (getresuid(&users[0], &users[1], &users[2]) != 0) return "getresuid";
    if (getresgid(&own[0], &own[1], &own[2]) != 0) return "getresgid";
    for (int i = 0; i < 3; i++) {
        if (users[i] != user || own[i] != group) {
            errno = EPERM;
            return "become another user";
        }
    }
    // A process that keeps its capabilities over a change of user (SECBIT_NO_SETUID_FIXUP) could go back.
    if (user != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0) {
        errno = EPERM;
        return "give root up for good";
    }
    errno = 0;
    return NULL;
}

int cposix_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }

int cposix_allow_inspection(void) { return prctl(PR_SET_DUMPABLE, 1); }

int cposix_bind_with_mode(int descriptor, const struct sockaddr *address, unsigned length, mode_t mode) {
    mode_t before = umask(0777 & ~mode);
    int result = bind(descriptor, address, length);
    int code = errno;
    umask(before);
    errno = code;
    return result;
}

int cposix_pin_to_core(unsigned index) {
    // As in cposix_usable_cpus: EINVAL means that the kernel's mask has more bits.
    for (int bits = 1024; bits <= 1 << 20; bits *= 2) {
        cpu_set_t *usable = CPU_ALLOC(bits), *one = CPU_ALLOC(bits);
        size_t size = CPU_ALLOC_SIZE(bits);
        int core = -1, code = ENOMEM;
        if (usable != NULL && one != NULL) {
            code = sched_getaffinity(0, size, usable) == 0 ? 0 : errno;
            int count = code == 0 ? CPU_COUNT_S(size, usable) : 0;
            if (count > 0) {
                unsigned skip = index % (unsigned)count;
                for (core = 0; core < bits && (!CPU_ISSET_S(core, size, usable) || skip-- > 0); core++) {}
                CPU_ZERO_S(size, one);
                CPU_SET_S(core, size, one);
                code = sched_setaffinity(0, size, one) == 0 ? 0 : errno;
            }
        }
        CPU_FREE(usable);
        CPU_FREE(one);
        errno = code;
        if (code == 0) return core;
        if (code != EINVAL) return -1;
    }
    return -1;
}

int cposix_datagram_socket(void) { return socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int cposix_send_to_path(int descriptor, const char *path, const void *bytes, size_t count) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    // unix(7): an abstract name begins with a zero byte, and has no other at its end; a path ends with one.
    int is_abstract = path[0] == '@';
    if (is_abstract) address.sun_path[0] = 0;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (is_abstract ? 0 : 1));
    ssize_t sent;
    do {
        sent = sendto(descriptor, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&address, size);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static int option(int descriptor, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

int cposix_listening_type(int descriptor) {
    int listens = option(descriptor, SO_ACCEPTCONN);
    if (listens < 0) return -1;
    if (listens == 0) {
        errno = EINVAL;
        return -1;
    }
    return option(descriptor, SO_TYPE);
}

int cposix_take_over(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) return -1;
    return fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}
