// The world around the processes: who they run as, on which core, and the service manager that started them.
#pragma once
#include <stddef.h>
#include <sys/types.h>

// --- Users and groups ---

// The user of a name, or of a number in decimal digits: 0 and its number and main group; 1 for a number without an entry in
// the user database (`group` is left alone); -1 when there is none.
int cposix_find_user(const char *name, uid_t *user, gid_t *group);
// The group of a name, or of a number: 0, or -1 when there is none.
int cposix_find_group(const char *name, gid_t *group);
// The groups of a user with `group` among them (initgroups(3) would set these): how many, at most `capacity` of them stored;
// or -1 for a user without an entry.
int cposix_groups_of_user(uid_t user, gid_t group, gid_t *groups, int capacity);
// Whether this process may change its user and groups (CAP_SETUID and CAP_SETGID).
int cposix_may_change_user(void);
// Becomes that user for good: setgroups, setresgid, setresuid, in this order, then looks whether it is so and whether there is a way
// back. For a process with one thread. NULL, or what failed with errno.
const char *cposix_become_user(uid_t user, gid_t group, const gid_t *groups, size_t count);
// No program that this process starts has more privileges than it has (PR_SET_NO_NEW_PRIVS): 0, or -1 with errno.
int cposix_no_new_privileges(void);
// Lets the process's own user look at it again, which a change of user forbids (PR_SET_DUMPABLE): 0, or -1 with errno.
int cposix_allow_inspection(void);
// bind(2) to a path with this mode from the first moment on. For a process with one thread.
struct sockaddr;
int cposix_bind_with_mode(int descriptor, const struct sockaddr *address, unsigned length, mode_t mode);

// --- Cores ---

// Binds this process to one core: the one at `index`, modulo their number, among those that it may run on. Its number, or -1
// with errno.
int cposix_pin_to_core(unsigned index);

// --- The service manager ---

// An unconnected, nonblocking, close-on-exec AF_UNIX datagram socket: a descriptor, or -1 with errno.
int cposix_datagram_socket(void);
// Sends a datagram to a path, or to an abstract name where `path` begins with `@`. Never waits: 0, or -1 with errno.
int cposix_send_to_path(int descriptor, const char *path, const void *bytes, size_t count);
// The type of a socket that listens, such as SOCK_STREAM; -1 with errno for all else.
int cposix_listening_type(int descriptor);
// Makes an inherited descriptor nonblocking and close-on-exec: 0, or -1 with errno.
int cposix_take_over(int descriptor);
