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
