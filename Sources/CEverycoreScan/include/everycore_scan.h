// Looks for the first byte that isn't of a class, 16 bytes at a time: SSE2 on x86-64, NEON on 64-bit Arm, words elsewhere.
// Static inline functions, so that they become part of the Swift functions that call them.
//
// No function knows where the bytes end: a zero byte is of no class and stops each of them. The caller puts one behind the bytes,
// and 15 more that may be read after it. The portable functions are compiled everywhere, for tests to compare with.
// Process: worker · Thread: loop
#pragma once
#include <stddef.h>
#include <stdint.h>

// MARK: One byte

// Letters and the hyphen: what field names are made of. Other bytes of a token are the caller's to look at.
static inline int everycore_is_name(uint8_t byte) {
    uint8_t small = byte | 0x20;
    return (small >= 'a' && small <= 'z') || byte == '-';
}

// What a field value may hold (RFC 9110 section 5.5) but for the tab, which is rare and the caller's to look at: no controls.
static inline int everycore_is_value(uint8_t byte) { return byte >= 0x20 && byte != 0x7F; }

// What a request target holds without meaning anything: visible ASCII but for `#`, `%` and `?`.
static inline int everycore_is_target(uint8_t byte) {
    return byte > 0x20 && byte < 0x7F && byte != '#' && byte != '%' && byte != '?';
}

// Letters, digits, hyphens and dots: what host names are made of.
static inline int everycore_is_host(uint8_t byte) {
    return everycore_is_name(byte) || byte == '.' || (byte >= '0' && byte <= '9');
}

// MARK: Portable

#define EVERYCORE_SCAN_PORTABLE(class)                                            \
    static inline size_t everycore_scan_##class##_portable(const void *start) {   \
        const uint8_t *bytes = (const uint8_t *)start;                            \
        size_t index = 0;                                                         \
        while (everycore_is_##class(bytes[index])) index++;                       \
        return index;                                                             \
    }

EVERYCORE_SCAN_PORTABLE(name)
EVERYCORE_SCAN_PORTABLE(value)
EVERYCORE_SCAN_PORTABLE(target)
EVERYCORE_SCAN_PORTABLE(host)
#undef EVERYCORE_SCAN_PORTABLE

// MARK: Vectors

#if defined(__SSE2__)
#include <emmintrin.h>
#define EVERYCORE_SCAN_VECTORS 1

typedef __m128i everycore_vector;
#define EVERYCORE_EACH(byte) _mm_set1_epi8((char)(byte))
static inline everycore_vector everycore_load(const void *start) { return _mm_loadu_si128((const __m128i *)start); }
static inline everycore_vector everycore_equal(everycore_vector a, uint8_t byte) { return _mm_cmpeq_epi8(a, EVERYCORE_EACH(byte)); }
static inline everycore_vector everycore_or(everycore_vector a, everycore_vector b) { return _mm_or_si128(a, b); }
static inline everycore_vector everycore_not_first(everycore_vector a, everycore_vector b) { return _mm_andnot_si128(a, b); }
// From `low` to `high`, as unsigned bytes: what is below wraps to the top.
static inline everycore_vector everycore_between(everycore_vector a, uint8_t low, uint8_t high) {
    everycore_vector shifted = _mm_sub_epi8(a, EVERYCORE_EACH(low));
    return _mm_cmpeq_epi8(_mm_min_epu8(shifted, EVERYCORE_EACH(high - low)), shifted);
}
// A bit for each byte that is set, in order, `EVERYCORE_BITS` of them a byte.
#define EVERYCORE_BITS 1
typedef uint32_t everycore_mask;
static inline everycore_mask everycore_set(everycore_vector a) { return (uint32_t)_mm_movemask_epi8(a); }
static inline everycore_mask everycore_clear(everycore_vector a) { return (uint32_t)_mm_movemask_epi8(a) ^ 0xFFFF; }
static inline unsigned everycore_first(everycore_mask mask) { return (unsigned)__builtin_ctz(mask); }

#elif defined(__aarch64__) && defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)
#include <arm_neon.h>
#define EVERYCORE_SCAN_VECTORS 1

typedef uint8x16_t everycore_vector;
#define EVERYCORE_EACH(byte) vdupq_n_u8((uint8_t)(byte))
static inline everycore_vector everycore_load(const void *start) { return vld1q_u8((const uint8_t *)start); }
static inline everycore_vector everycore_equal(everycore_vector a, uint8_t byte) { return vceqq_u8(a, EVERYCORE_EACH(byte)); }
static inline everycore_vector everycore_or(everycore_vector a, everycore_vector b) { return vorrq_u8(a, b); }
static inline everycore_vector everycore_not_first(everycore_vector a, everycore_vector b) { return vbicq_u8(b, a); }
static inline everycore_vector everycore_between(everycore_vector a, uint8_t low, uint8_t high) {
    return vcleq_u8(vsubq_u8(a, EVERYCORE_EACH(low)), EVERYCORE_EACH(high - low));
}
#define EVERYCORE_BITS 4
typedef uint64_t everycore_mask;
static inline everycore_mask everycore_set(everycore_vector a) {
    return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(a), 4)), 0);
}
static inline everycore_mask everycore_clear(everycore_vector a) { return ~everycore_set(a); }
static inline unsigned everycore_first(everycore_mask mask) { return (unsigned)__builtin_ctzll(mask) / EVERYCORE_BITS; }
#endif

#ifdef EVERYCORE_SCAN_VECTORS

// Which bytes end a class.
static inline everycore_mask everycore_name_ends(everycore_vector a) {
    everycore_vector letters = everycore_between(everycore_or(a, EVERYCORE_EACH(0x20)), 'a', 'z');
    return everycore_clear(everycore_or(letters, everycore_equal(a, '-')));
}

static inline everycore_mask everycore_value_ends(everycore_vector a) {
    return everycore_set(everycore_or(everycore_between(a, 0, 0x1F), everycore_equal(a, 0x7F)));
}

static inline everycore_mask everycore_target_ends(everycore_vector a) {
    everycore_vector marks = everycore_or(everycore_or(everycore_equal(a, '#'), everycore_equal(a, '%')), everycore_equal(a, '?'));
    return everycore_clear(everycore_not_first(marks, everycore_between(a, 0x21, 0x7E)));
}

static inline everycore_mask everycore_host_ends(everycore_vector a) {
    everycore_vector letters = everycore_between(everycore_or(a, EVERYCORE_EACH(0x20)), 'a', 'z');
    // From `-` to `9`, but for the slash.
    everycore_vector others = everycore_not_first(everycore_equal(a, '/'), everycore_between(a, '-', '9'));
    return everycore_clear(everycore_or(letters, others));
}

#define EVERYCORE_SCAN(class)                                                      \
    static inline size_t everycore_scan_##class(const void *start) {               \
        const uint8_t *bytes = (const uint8_t *)start;                             \
        for (;; bytes += 16) {                                                     \
            everycore_mask ends = everycore_##class##_ends(everycore_load(bytes)); \
            if (ends) return (size_t)(bytes + everycore_first(ends) - (const uint8_t *)start); \
        }                                                                          \
    }

#else

#define EVERYCORE_SCAN(class) \
    static inline size_t everycore_scan_##class(const void *start) { return everycore_scan_##class##_portable(start); }

#endif

// Each returns the offset of the first byte that isn't of its class.
EVERYCORE_SCAN(name)
EVERYCORE_SCAN(value)
EVERYCORE_SCAN(target)
EVERYCORE_SCAN(host)
#undef EVERYCORE_SCAN
