// The first instructions of a program that is linked with `-e cposix_begin --no-dynamic-linker`. The dynamic loader takes a millisecond
// or two, and until it is done no constructor runs: a signal that comes meanwhile ends the program, or is lost where the program is
// process 1. So the kernel starts this, which blocks the signals and then does what the kernel would have done: it maps the loader and
// jumps to it. The constructor in cposix_signals.c takes the block away when it has its handlers.
//
// Nothing here may use the C library or anything that needs relocation: neither is there yet. scripts/begin builds it for both processors,
// without and with optimisation, and runs it.
#include "cposix.h"

#if defined(__x86_64__) || defined(__aarch64__)

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define LOADER "/lib64/ld-linux-x86-64.so.2"
// The kernel enters with 0 in rdx, a loader with the function that it wants called at exit (System V ABI, AMD64, 3.4.1).
__asm__(
    ".section .text.cposix_begin, \"ax\", @progbits\n"
    ".weak _start\n"
    ".globl cposix_begin\n"
    ".type cposix_begin, @function\n"
    "cposix_begin:\n"
    "    .cfi_startproc\n"
    "    .cfi_undefined rip\n"
    "    testq %rdx, %rdx\n"
    "    jnz 1f\n"
    "    xorl %ebp, %ebp\n"
    "    movq %rsp, %rbx\n"
    "    movq %rsp, %rdi\n"
    "    andq $-16, %rsp\n"
    "    call cposix_map_loader\n"
    "    movq %rbx, %rsp\n"
    "    xorl %edx, %edx\n"
    "    jmpq *%rax\n"
    "1:  jmpq *_start@GOTPCREL(%rip)\n"
    "    .cfi_endproc\n"
    ".size cposix_begin, .-cposix_begin\n"
    ".text\n");

static long call(long number, long a, long b, long c, long d, long e, long f) {
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
    return result;
}
#else
#define LOADER "/lib/ld-linux-aarch64.so.1"
// The kernel enters with 0 in x0, a loader with the function that it wants called at exit.
__asm__(
    ".section .text.cposix_begin, \"ax\", %progbits\n"
    ".weak _start\n"
    ".globl cposix_begin\n"
    ".type cposix_begin, %function\n"
    "cposix_begin:\n"
    "    .cfi_startproc\n"
    "    .cfi_undefined x30\n"
    "    cbnz x0, 1f\n"
    "    mov x29, #0\n"
    "    mov x30, #0\n"
    "    mov x19, sp\n"
    "    mov x0, sp\n"
    "    bl cposix_map_loader\n"
    "    mov sp, x19\n"
    "    mov x16, x0\n"
    "    mov x0, #0\n"
    "    br x16\n"
    "1:  adrp x16, :got:_start\n"
    "    ldr x16, [x16, :got_lo12:_start]\n"
    "    br x16\n"
    "    .cfi_endproc\n"
    ".size cposix_begin, .-cposix_begin\n"
    ".text\n");

static long call(long number, long a, long b, long c, long d, long e, long f) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#endif

#define BARE __attribute__((no_sanitize("address", "thread", "undefined"), no_stack_protector))

enum { header_limit = 32 };
// The program's own headers, with the one that names the loader: the kernel must not see that one, the loader asks for it.
static Elf64_Phdr headers[header_limit + 2];
static const char loader_path[] = LOADER;
static uint64_t mask_before;
static int has_begun;
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

void cposix_end_begin(void) {
    if (has_begun) call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask_before, 0, sizeof mask_before, 0, 0);
}

BARE static void fail(const char *message, size_t count) {
    call(SYS_write, 2, (long)message, (long)count, 0, 0, 0);
    for (;;) call(SYS_exit_group, 127, 0, 0, 0, 0, 0);
}
#define FAIL(message) fail(message "\n", sizeof message "\n" - 1)

BARE static void block_signals(void) {
    static const int blocked[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTERM, SIGTTIN, SIGTTOU};
    uint64_t mask = 0;
    for (size_t i = 0; i < sizeof blocked / sizeof blocked[0]; i++) mask |= UINT64_C(1) << (blocked[i] - 1);
    has_begun = call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&mask, (long)&mask_before, sizeof mask, 0, 0) == 0;
}

// Gives the loader the program's headers as they would be with the one that names it.
BARE static void add_headers(Elf64_auxv_t *table, Elf64_auxv_t *count) {
    const Elf64_Phdr *own = (const Elf64_Phdr *)table->a_un.a_val;
    uint64_t number = count->a_un.a_val, base = 0;
    if (number > header_limit) FAIL("the program has too many segments");
    for (uint64_t i = 0; i < number; i++) {
        if (own[i].p_type == PT_LOAD && own[i].p_offset == 0) base = (uint64_t)&__ehdr_start - own[i].p_vaddr;
    }
    // Field by field into memory that is zero: a compiler may call memset for a whole structure.
    // The header of the headers comes before all that are loaded (System V gABI, "Program Header").
    headers[0].p_type = PT_PHDR;
    headers[0].p_align = 8;
    headers[0].p_vaddr = headers[0].p_paddr = (uint64_t)headers - base;
    headers[1].p_type = PT_INTERP;
    headers[1].p_align = 1;
    headers[1].p_vaddr = headers[1].p_paddr = (uint64_t)loader_path - base;
    headers[1].p_filesz = headers[1].p_memsz = sizeof loader_path;
    headers[0].p_flags = headers[1].p_flags = PF_R;
    uint64_t used = 2;
    for (uint64_t i = 0; i < number; i++) {
        if (own[i].p_type != PT_PHDR) __builtin_memcpy_inline(&headers[used++], &own[i], sizeof own[i]);
    }
    headers[0].p_filesz = headers[0].p_memsz = used * sizeof headers[0];
    table->a_un.a_val = (uint64_t)headers;
    count->a_un.a_val = used;
}

static int protection(uint32_t flags) {
    return (flags & PF_R ? PROT_READ : 0) | (flags & PF_W ? PROT_WRITE : 0) | (flags & PF_X ? PROT_EXEC : 0);
}

BARE static uint64_t map(uint64_t address, uint64_t count, int access, int flags, long descriptor, uint64_t offset) {
    long result = call(SYS_mmap, (long)address, (long)count, access, flags, descriptor, (long)offset);
    if (result < 0 && result > -4096) FAIL("the dynamic loader can't be mapped");
    return (uint64_t)result;
}

// A segment's bytes, and the zeros behind them.
BARE static void map_segment(const Elf64_Phdr *segment, uint64_t base, uint64_t page, long file) {
    uint64_t start = segment->p_vaddr & -page, skipped = segment->p_vaddr - start;
    map(base + start, segment->p_filesz + skipped, protection(segment->p_flags), MAP_PRIVATE | MAP_FIXED, file, segment->p_offset - skipped);
    if (segment->p_memsz == segment->p_filesz) return;
    uint64_t zero = base + segment->p_vaddr + segment->p_filesz, end = base + segment->p_vaddr + segment->p_memsz;
    uint64_t next = (zero + page - 1) & -page;
    for (volatile char *byte = (volatile char *)zero; (uint64_t)byte < next; byte++) *byte = 0;
    if (end > next) map(next, end - next, protection(segment->p_flags), MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
}

// Returns where the loader begins. The address where it lies goes to `base`.
BARE static uint64_t map_file(uint64_t page, uint64_t *base) {
    // Its headers are in its first page.
    static union {
        Elf64_Ehdr header;
        char bytes[1024];
    } file;
    long descriptor = call(SYS_openat, AT_FDCWD, (long)loader_path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    if (descriptor < 0) FAIL("there is no dynamic loader at " LOADER);
    long count = call(SYS_read, descriptor, (long)&file, sizeof file, 0, 0, 0);
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(file.bytes + file.header.e_phoff);
    if (count < (long)sizeof file.header || file.header.e_phoff + file.header.e_phnum * sizeof *segments > (uint64_t)count) {
        FAIL("the dynamic loader at " LOADER " can't be read");
    }
    uint64_t low = UINT64_MAX, high = 0;
    for (int i = 0; i < file.header.e_phnum; i++) {
        if (segments[i].p_type != PT_LOAD) continue;
        uint64_t start = segments[i].p_vaddr & -page, end = segments[i].p_vaddr + segments[i].p_memsz;
        if (start < low) low = start;
        if (end > high) high = end;
    }
    if (low >= high) FAIL("the dynamic loader at " LOADER " has no segments");
    *base = map(0, high - low, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) - low;
    for (int i = 0; i < file.header.e_phnum; i++) {
        if (segments[i].p_type == PT_LOAD) map_segment(&segments[i], *base, page, descriptor);
    }
    call(SYS_close, descriptor, 0, 0, 0, 0, 0);
    return *base + file.header.e_entry;
}

// The stack as the kernel left it: the number of arguments, the arguments, 0, the environment, 0, the auxiliary vector.
__attribute__((used, visibility("hidden"))) BARE uint64_t cposix_map_loader(uint64_t *stack) {
    block_signals();
    uint64_t *word = stack + 1 + *stack + 1;
    while (*word != 0) word++;
    Elf64_auxv_t *table = NULL, *count = NULL, *base = NULL;
    uint64_t page = 4096;
    for (Elf64_auxv_t *entry = (Elf64_auxv_t *)(word + 1); entry->a_type != AT_NULL; entry++) {
        if (entry->a_type == AT_PHDR) table = entry;
        if (entry->a_type == AT_PHNUM) count = entry;
        if (entry->a_type == AT_BASE) base = entry;
        if (entry->a_type == AT_PAGESZ) page = entry->a_un.a_val;
    }
    if (table == NULL || count == NULL || base == NULL) FAIL("the kernel's auxiliary vector is incomplete");
    add_headers(table, count);
    return map_file(page, &base->a_un.a_val);
}

#else

void cposix_end_begin(void) {}

#endif
