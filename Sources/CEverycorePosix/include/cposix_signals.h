// Signals: noted from the program's first instruction on, told to one loop, and what the programs that a process starts inherit.
#pragma once

// From here on every signal that a master takes is noted and `event` is written to (an eventfd, or a pipe), also for those that came
// since the program began. PIPE and XFSZ do nothing. The mask is empty afterwards.
void cposix_watch_signals(int event);
// Undoes it: signals have their defaults again, or are noted as before the call.
void cposix_stop_watching_signals(void);
// How often the signal has come since the last call; `by_kernel` says how often the kernel itself sent it (SI_KERNEL, sigaction(2)).
unsigned cposix_take_signal(int number, unsigned *by_kernel);
// Blocks the signals that end a program (TERM, INT, QUIT) until cposix_watch_signals: from here on they must not be lost.
void cposix_hold_signals(void);
// Whether HUP was ignored when the program began, as nohup(1) has it.
int cposix_hangup_was_ignored(void);
// Whether the process has a controlling terminal (/dev/tty, tty(4)).
int cposix_has_terminal(void);
// TTIN and TTOU of the kernel's own stay blocked after they came, so that what caused them goes on: this allows them again.
void cposix_unblock_terminal_signals(void);
// Signals were blocked since the first instruction, in a program that is linked with `-e cposix_begin`: the mask is what it was before.
void cposix_end_begin(void);
// As a new process's program expects them: default dispositions, but for the HUP that nohup(1) ignored. Async-signal-safe.
void cposix_reset_signals_for_program(void);
// Has the signal do nothing, but for a program that is started from here.
void cposix_ignore_signal(int number);
// In a worker: default dispositions but for crashes; the master's signals, PIPE and XFSZ have a handler that does nothing, so that a
// program that is started from here finds defaults (execve(2)).
void cposix_reset_signals_in_worker(void);
