// Files below a directory: opening them so that no path leads out of it.
#pragma once

// A descriptor that stands for a directory and reads nothing (O_PATH), close-on-exec; or -1 with errno.
int cposix_open_root(const char *path);
// Opens a file or directory for reading, without waiting (O_NONBLOCK: it may be a fifo) and close-on-exec. Nothing on the
// path may lead out of `root`; symbolic links that stay beneath it are followed (openat2(2), since Linux 5.6). A descriptor,
// or -1 with errno: EXDEV for a path that leads out, ENOSYS or EPERM where the kernel or a filter has no openat2.
int cposix_open_beneath(int root, const char *path);
// Opens one entry of a directory, not following it when it is a symbolic link (ELOOP, ENOTDIR): a directory on the way with
// O_PATH where `is_last` is 0, else as cposix_open_beneath does. A descriptor, or -1 with errno.
int cposix_open_entry(int directory, const char *name, int is_last);
// A copy of a descriptor, close-on-exec; or -1 with errno.
int cposix_duplicate(int descriptor);
// Opens any file for reading as cposix_open_beneath does, but wherever it is: a descriptor, or -1 with errno.
int cposix_open_file(const char *path);
// The name of what readdir(3) returned, and its length.
struct dirent;
const void *cposix_entry_name(const struct dirent *entry);
unsigned long cposix_entry_length(const struct dirent *entry);
