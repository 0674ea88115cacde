// Listening sockets and connections that several processes share, and the paths of Unix sockets.
#pragma once

// What poll(2) reports of a socket whose receiving side was shut down; asked for as POLLIN is.
enum { cposix_poll_ended = 0x2000 };

// Makes a descriptor that came from another process fit to serve: 0 for a connected stream socket (TCP or Unix), which is nonblocking
// then and closes without lingering; -1 with errno for anything else.
int cposix_take_connection(int descriptor);
// Whether the descriptor is a listening socket.
int cposix_listens(int descriptor);
// Whether the descriptor is a socket of packets (SOCK_SEQPACKET).
int cposix_is_packet_socket(int descriptor);
// Whether both numbers stand for the same socket (SO_COOKIE, socket(7)): 1, or 0 where they don't or where the kernel doesn't say.
int cposix_is_same_socket(int one, int other);
// Makes `number` stand for what `descriptor` stands for, close-on-exec: dup3(2). 0, or -1 with errno.
int cposix_replace_descriptor(int descriptor, int number);
// Opens the directory and locks it (flock(2)), without waiting: a descriptor that holds the lock; -1 with errno EWOULDBLOCK where another
// process has it, with another errno where this directory can't be locked.
int cposix_lock_directory(const char *path);
// rename(2), but never over a file that exists: 0, or -1 with errno EEXIST.
int cposix_rename_new(const char *from, const char *to);

// --- What any process that has a listener can change of it for all ---

enum {
    cposix_listener_setting_count = 10,
    cposix_listener_was_blocking = 1 << 16,
    cposix_listener_lingered = 1 << 17,
    cposix_listener_had_filter = 1 << 18,
};

// Settings as a listener should have them: those in `known`, a bit for each.
typedef struct {
    unsigned known;
    int may_have_filter;
    int values[cposix_listener_setting_count];
} cposix_listener_settings;

// No process can attach a packet filter any more (SO_LOCK_FILTER, socket(7)).
void cposix_lock_filter(int descriptor);
// Takes down the settings of a listener as they are, and bounds how long accept(2) would wait on it if it blocked.
void cposix_note_listener(int descriptor, cposix_listener_settings *settings);
// Puts a listener's settings right, has it nonblocking, without lingering, and without a packet filter where it had none. Returns a bit for
// each that was otherwise; one that the kernel refuses to set isn't among them.
unsigned cposix_restore_listener(int descriptor, const cposix_listener_settings *settings);
// The name of the setting that a bit stands for.
const char *cposix_listener_setting_name(unsigned setting);
