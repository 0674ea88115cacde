// Where a process's loop is: a signal whose handler notes the stack in shared memory, and what names the addresses in another process.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// --- In a worker ---

enum {
    cposix_stack_frame_limit = 64,
    // Of an area: the mark, then the frames.
    cposix_stack_word_count = 1 + cposix_stack_frame_limit,
};
// Set in a frame that was found on the stack where the chain of frame pointers has a gap: it counts only where the frame before it is
// of a function that keeps no frame pointer.
#define CPOSIX_STACK_GAP (1ull << 63)

// The signal that asks for the stack; a real-time one, SIGRTMAX - 2.
int cposix_stack_signal(void);
// From here on the signal makes this thread's stack appear in `area`, up to the frame that calls this: return addresses, the interrupted
// instruction first, then the mark: in its upper half the number of the question, in its lower half how many frames there are.
void cposix_answer_for_stack(uint64_t *area);

// Asks this thread, as the master asks another process. For tests.
void cposix_show_own_stack(uint32_t number);

// --- In the master ---

// Asks a child's first thread (rt_tgsigqueueinfo(2)): 0, or -1 with errno.
int cposix_ask_for_stack(pid_t pid, uint32_t number);

// --- The walk itself ---

typedef struct {
    uintptr_t instruction, frame, stack;
    // The link register; 0 where there is none.
    uintptr_t link;
} cposix_registers;

// Looks for the code of this process and its libraries, as they are loaded now.
void cposix_find_code(void);
// The frames from `registers` on, while they lie between the stack pointer and `top`: how many, at most `limit`; the instruction alone where
// the stack pointer isn't between `bottom` and `top`. Reads nothing but what lies there and code, and of both only what can be read,
// whatever registers and stack hold. Async-signal-safe.
size_t cposix_walk_stack(const cposix_registers *registers, uintptr_t bottom, uintptr_t top, uint64_t *frames, size_t limit);

// --- In the process that names addresses ---

// A symbol that holds a wanted address. 0 as its size: none was found.
typedef struct {
    uint64_t wanted, begin, size;
    uint32_t name;
} cposix_symbol;

// Looks through `count` entries of a symbol table (Elf64_Sym, elf(5)) for functions that hold the wanted addresses, which ascend. Of
// several the one that begins last counts.
void cposix_match_symbols(const void *table, size_t count, cposix_symbol *wanted, size_t wanted_count);
// A Swift symbol as it is written in the source (swift_demangle of the runtime): whether it is one. Ends with a zero byte.
int cposix_demangle(const char *symbol, char *text, size_t size);
// Makes a process that was just forked one that looks at files and nothing else: no descriptor but 0 to 2 and `descriptor`, default
// signals, it dies with its parent, and may use `seconds` of CPU time.
void cposix_become_reader(int descriptor, unsigned seconds);
