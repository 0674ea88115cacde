// The walk from frame to frame. Frames are found by their frame pointers, which Swift keeps and C often doesn't. Where the chain has a gap the
// stack is searched for the next frame; what looks like a return address in the gap is noted as a guess. It runs in a signal handler.
#define _GNU_SOURCE
#include "cposix.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

// --- Code ---

enum { range_limit = 96 };
static struct { uintptr_t begin, end; } code[range_limit];
static size_t code_count;

static int note_code(struct dl_phdr_info *info, size_t size, void *unused) {
    (void)size;
    (void)unused;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & (PF_X | PF_R)) != (PF_X | PF_R) || code_count == range_limit) continue;
        code[code_count].begin = info->dlpi_addr + part->p_vaddr;
        code[code_count].end = code[code_count].begin + part->p_filesz;
        code_count++;
    }
    return 0;
}

void cposix_find_code(void) {
    code_count = 0;
    dl_iterate_phdr(note_code, NULL);
}

// Which part of the code the address is in; -1 for none.
static int part_of(uintptr_t address) {
    for (size_t i = 0; i < code_count; i++) {
        if (address >= code[i].begin && address < code[i].end) return (int)i;
    }
    return -1;
}

// --- The walk ---

typedef struct {
    uintptr_t bottom, top;
    uint64_t *frames;
    size_t count, limit;
    // Pages that can be read, each plus 1.
    uintptr_t readable[16];
} walk;

// Whether these bytes, of two pages at most, can be read: a read of others would end the process. The kernel looks: it copies a signal set
// from there before it refuses what is to be done with it, so nothing changes (rt_sigprocmask(2)).
static int can_read(walk *walk, uintptr_t at, size_t count) {
    for (uintptr_t page = at >> 12; page <= (at + count - 1) >> 12; page++) {
        uintptr_t *known = &walk->readable[page % (sizeof walk->readable / sizeof walk->readable[0])];
        if (*known == page + 1) continue;
        // Of a null pointer it copies nothing.
        if (page == 0 || (syscall(SYS_rt_sigprocmask, -1, page << 12, NULL, 8) != 0 && errno == EFAULT)) return 0;
        *known = page + 1;
    }
    return 1;
}

// The only read of the stack: nothing outside its bounds.
__attribute__((no_sanitize("address"))) static int load(walk *walk, uintptr_t at, uintptr_t *word) {
    *word = 0;
    if ((at & 7) != 0 || at < walk->bottom || walk->top < 8 || at > walk->top - 8 || !can_read(walk, at, 8)) return 0;
    *word = *(const uintptr_t *)at;
    return 1;
}

// Whether the instruction before the address is a call. A library may have been unloaded since its code was noted.
__attribute__((no_sanitize("address"))) static int follows_call(walk *walk, uintptr_t address) {
    int part = part_of(address - 1);
    if (part < 0 || address - code[part].begin < 8 || !can_read(walk, address - 8, 8)) return 0;
    const uint8_t *byte = (const uint8_t *)address;
#if defined(__x86_64__)
    if (byte[-5] == 0xE8) return 1;
    static const int lengths[] = {2, 3, 4, 6, 7};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if (byte[-lengths[i]] == 0xFF && (byte[1 - lengths[i]] >> 3 & 7) == 2) return 1;
    }
    return 0;
#elif defined(__aarch64__)
    if (address & 3) return 0;
    uint32_t instruction = *(const uint32_t *)(byte - 4);
    // bl, blr, and blr with authentication.
    return (instruction & 0xFC000000) == 0x94000000 || (instruction & 0xFFFFFC1F) == 0xD63F0000 || (instruction & 0xFEFFF800) == 0xD63F0800;
#else
    return 1;
#endif
}

// A frame pointer that is stored by an async function has a mark in it; a return address may be signed.
static uintptr_t frame_in(uintptr_t word) { return word & ~((uintptr_t)1 << 60); }

static uintptr_t return_in(uintptr_t word) {
#if defined(__aarch64__)
    return word & 0x0000FFFFFFFFFFFF;
#else
    return word;
#endif
}

static int is_within(const walk *walk, uintptr_t frame, uintptr_t from) {
    return (frame & 7) == 0 && frame >= from && walk->top >= 16 && frame <= walk->top - 16;
}

// A frame that lies a little beyond the top: the chain has been followed to its end.
static int is_beyond(const walk *walk, uintptr_t frame) { return frame > walk->top - 16 && frame - walk->top < 1 << 20; }

static void push(walk *walk, uint64_t frame) {
    if (walk->count < walk->limit) walk->frames[walk->count++] = frame;
}

// Whether a frame is stored here that goes on with a later one, or ends beyond the top.
static int is_frame(walk *walk, uintptr_t at) {
    uintptr_t next, address, following;
    if (!load(walk, at, &next) || !load(walk, at + 8, &address)) return 0;
    next = frame_in(next);
    address = return_in(address);
    if ((next & 7) != 0 || next <= at) return 0;
    if (follows_call(walk, address)) return 1;
    // Code that was loaded later: the next frame tells.
    return part_of(address) < 0 && address > 4096 && address < (uintptr_t)1 << 48 && (address < at || address > walk->top) && is_within(walk, next, at + 16)
           && load(walk, next + 8, &following) && follows_call(walk, return_in(following));
}

enum { search_limit = 4096, gap_limit = 512, guess_limit = 4 };

// The next place from `from` on where a frame is stored; 0 for none.
static uintptr_t search(walk *walk, uintptr_t from) {
    int rest = search_limit;
    for (uintptr_t at = from; rest-- > 0 && is_within(walk, at, from); at += 8) {
        uintptr_t next;
        if (!load(walk, at, &next)) return 0;
        if (!is_frame(walk, at)) continue;
        next = frame_in(next);
        // One that is there by chance leads to no other.
        if (next > walk->top - 16 ? is_beyond(walk, next) : is_frame(walk, next)) return at;
    }
    return 0;
}

// What may be return addresses between two frames: the caller of a function that keeps no frame pointer is among the first.
static void guess(walk *walk, uintptr_t from, uintptr_t to) {
    int rest = gap_limit, guesses = guess_limit;
    uintptr_t address;
    for (uintptr_t at = from; rest-- > 0 && guesses > 0 && at < to && load(walk, at, &address); at += 8) {
        address = return_in(address);
        if (part_of(address) < 0 || !follows_call(walk, address)) continue;
        push(walk, address | CPOSIX_STACK_GAP);
        guesses--;
    }
}

size_t cposix_walk_stack(const cposix_registers *registers, uintptr_t bottom, uintptr_t top, uint64_t *frames, size_t limit) {
    walk walk = {.bottom = bottom, .top = top & ~(uintptr_t)7, .frames = frames, .limit = limit};
    push(&walk, registers->instruction);
    // On a stack of the program's own there is no telling where it ends.
    if (registers->stack < bottom || registers->stack >= walk.top) return walk.count;
    uintptr_t from = (registers->stack + 7) & ~(uintptr_t)7, frame = frame_in(registers->frame);
    if (!is_within(&walk, from, from)) return walk.count;
    if (registers->link != 0 && follows_call(&walk, return_in(registers->link))) push(&walk, return_in(registers->link) | CPOSIX_STACK_GAP);
    int has_gap = 1, gaps = 0;
    while (walk.count < walk.limit) {
        if (!is_within(&walk, frame, from) || !is_frame(&walk, frame)) {
            if (is_beyond(&walk, frame) && walk.count > 1) break;
            if (gaps++ == 4) break;
            frame = search(&walk, from);
            if (frame == 0) {
                guess(&walk, from, walk.top);
                break;
            }
            has_gap = 1;
        }
        if (has_gap) guess(&walk, from, frame);
        has_gap = 0;
        uintptr_t next, address;
        if (!load(&walk, frame, &next) || !load(&walk, frame + 8, &address)) break;
        push(&walk, return_in(address));
        from = frame + 16;
        frame = frame_in(next);
    }
    return walk.count;
}
