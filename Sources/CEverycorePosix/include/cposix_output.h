// Standard output and standard error of every process of a cluster: one writer, which never waits for a reader.
//
// From the program's first instruction on `stdout` and `stderr` of the C library are streams that end in this writer, and with them
// Swift's print and every logger that writes there. The descriptors 1 and 2 themselves stay as they are, for the programs that a
// process starts. Until cposix_guard_output is called the writer waits as write(2) does.
#pragma once
#include <stddef.h>
#include <sys/types.h>

// From here on no write waits: what finds no room is lost, line by line, and counted. Inherited by the children of this process.
void cposix_guard_output(void);
// Writes to standard output (1) or standard error (2). 1, or 0 when lines of it were lost. The end of a line that was cut goes first
// the next time.
int cposix_write_output(int number, const void *bytes, size_t count);
// As above, but a text that found no room is no loss: the caller writes it another time.
int cposix_write_note(int number, const void *bytes, size_t count);
// As much as there is room for now: how much, or -1 with errno, EAGAIN for none.
ssize_t cposix_try_output(int number, const void *bytes, size_t count);
// Lines that this process has lost.
unsigned long cposix_lost_lines(int number);
// In a child: throws away what the parent has not written yet, which it writes itself, and the count of what it lost.
void cposix_purge_stdio(void);
// Makes stdout of this process line-buffered, so that lines leave at once also when it is a pipe.
void cposix_line_buffer_stdout(void);
