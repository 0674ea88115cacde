// The NEON scans say what the portable ones say, for every byte at every place. Without a C library, so that the host's compiler
// builds it for 64-bit Arm and qemu's user mode runs it: scripts/neon.

#include "everycore_scan.h"

#ifndef EVERYCORE_SCAN_VECTORS
#error "compiled without NEON"
#endif

static long call(long number, long a, long b, long c) {
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
}

void *memset(void *start, int byte, size_t count) {
    for (size_t i = 0; i < count; i++) ((volatile unsigned char *)start)[i] = (unsigned char)byte;
    return start;
}

static int disagree(const uint8_t *bytes) {
    return everycore_scan_name(bytes) != everycore_scan_name_portable(bytes) || everycore_scan_value(bytes) != everycore_scan_value_portable(bytes)
        || everycore_scan_target(bytes) != everycore_scan_target_portable(bytes) || everycore_scan_host(bytes) != everycore_scan_host_portable(bytes);
}

void _start(void) {
    static uint8_t bytes[80];
    int failed = 0;
    for (int count = 0; count <= 40; count++)
        for (int place = 0; place <= count; place++)
            for (int byte = 0; byte < 256; byte++) {
                for (int i = 0; i < 80; i++) bytes[i] = i < count ? 'a' : 0;
                bytes[place] = (uint8_t)byte;
                failed |= disagree(bytes);
            }
    const char *said = failed ? "the scans disagree\n" : "the scans agree\n";
    call(64, 1, (long)said, failed ? 19 : 16);
    call(93, failed, 0, 0);
}
