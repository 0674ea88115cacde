// What the storms' client counts, and its one JSON object. Times are nanoseconds of the monotonic clock unless the name says otherwise.
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { OCTAVES = 40, STEPS = 32, MOST_NOTES = 20000, MOST_TENTHS = 36000, MOST_GROUPS = 8, STALL_MS = 3, SLOW = -1 };
enum state { ABSENT, CONNECTING, WAITING, PAUSING };
static const char *const STATES[] = {"absent", "connecting", "waiting", "pausing"};
static const uint64_t TENTH = 100000000;

struct histogram {
    uint64_t count, most, buckets[OCTAVES * STEPS];
};

/// Requests of one kind, and what became of them.
struct group {
    const char *name;
    char request[2][256];
    /// Where a request's own number goes; NULL: all are the same.
    char *number;
    int keep, shorts, pause_ms, slow_ms;
    /// Begun so often in a second, each on a connection of its own, whatever becomes of them; 0: each connection waits for its answer.
    double rate;
    uint64_t due, interval;
    int first, last;
    uint64_t connected, sent, answered, unavailable, refused, lost, wrong, closed_idle, skipped, outstanding;
    struct histogram times[2];
    uint32_t tenths[MOST_TENTHS];
};

/// A request that was lost, or answered late.
struct note {
    uint64_t at, waited;
    const struct group *group;
    int keeps, cause;
    size_t seen;
    enum state state;
};

static struct group groups[MOST_GROUPS];
static int group_count;
static struct note notes[MOST_NOTES];
static uint64_t noted, unnoted, started, last_answer, worst_gap, worst_gap_at, worst_stall;
static uint16_t stalls_ms[MOST_TENTHS];

/// Each octave of microseconds in STEPS steps: 3 % exact.
static inline int bucket(uint64_t micros) {
    if (micros < STEPS) return micros;
    int octave = 63 - __builtin_clzll(micros) - 5;
    int index = (octave + 1) * STEPS + (int)((micros >> octave) - STEPS);
    return index < OCTAVES * STEPS ? index : OCTAVES * STEPS - 1;
}

static inline void record(struct histogram *of, uint64_t micros) {
    of->buckets[bucket(micros)]++;
    of->count++;
    if (micros > of->most) of->most = micros;
}

static inline uint64_t percentile(const struct histogram *of, double share) {
    uint64_t wanted = of->count * share, passed = 0;
    for (int i = 0; i < OCTAVES * STEPS; i++) {
        passed += of->buckets[i];
        if (passed > wanted && of->buckets[i]) return i < STEPS ? (uint64_t)i : (uint64_t)(i % STEPS + STEPS + 1) << (i / STEPS - 1);
    }
    return of->most;
}

static inline uint64_t tenth_of(uint64_t at) {
    uint64_t tenth = (at - started) / TENTH;
    return tenth < MOST_TENTHS ? tenth : MOST_TENTHS - 1;
}

/// A turn of the client's loop takes about a millisecond: in more than that its own process got no CPU, in these tenths of a second.
static inline void record_turn(uint64_t since, uint64_t until) {
    if (until - since > worst_stall) worst_stall = until - since;
    if (until - since < STALL_MS * 1000000ull) return;
    while (since < until && tenth_of(since) < MOST_TENTHS - 1) {
        uint64_t end = started + (tenth_of(since) + 1) * TENTH, part = (until < end ? until : end) - since;
        stalls_ms[tenth_of(since)] += part / 1000000;
        since += part;
    }
}

/// An answer of the first group, which is the one whose gaps count.
static inline void record_answer_time(uint64_t at) {
    if (at - last_answer > worst_gap) worst_gap = at - last_answer, worst_gap_at = at;
    last_answer = at;
}

static inline void print_times(const char *name, const struct histogram *of) {
    printf(",\"%s\":{\"count\":%lu,\"p50\":%lu,\"p99\":%lu,\"p999\":%lu,\"max\":%lu}", name, of->count, percentile(of, .5),
           percentile(of, .99), percentile(of, .999), of->most);
}

static inline void print_group(const struct group *it, uint64_t tenths) {
    printf("{\"name\":\"%s\",\"connected\":%lu,\"sent\":%lu,\"answered\":%lu,\"unavailable\":%lu,\"refused\":%lu,\"lost\":%lu,\"wrong\":%lu,"
           "\"closed_idle\":%lu,\"skipped\":%lu,\"outstanding\":%lu",
           it->name, it->connected, it->sent, it->answered, it->unavailable, it->refused, it->lost, it->wrong, it->closed_idle, it->skipped,
           it->outstanding);
    print_times("short_us", &it->times[0]);
    print_times("keep_us", &it->times[1]);
    printf(",\"tenths\":[");
    for (uint64_t i = 0; i < tenths; i++) printf("%s%u", i ? "," : "", it->tenths[i]);
    printf("]}");
}

/// The tenths of a second up to when no more requests were sent.
static inline void print_all(uint64_t ended) {
    uint64_t tenths = tenth_of(ended);
    printf("{\"started\":%.6f,\"seconds\":%.3f,\"worst_gap_us\":%lu,\"worst_gap_at\":%.6f,\"worst_stall_us\":%lu,\"unnoted\":%lu,\"stalls_ms\":[",
           started / 1e9, (ended - started) / 1e9, worst_gap / 1000, worst_gap_at / 1e9, worst_stall / 1000, unnoted);
    for (uint64_t i = 0; i < tenths; i++) printf("%s%u", i ? "," : "", stalls_ms[i]);
    printf("],\"groups\":[");
    for (int i = 0; i < group_count; i++) {
        if (i) printf(",");
        print_group(&groups[i], tenths);
    }
    printf("],\"notes\":[");
    for (uint64_t i = 0; i < noted; i++) {
        const struct note *it = &notes[i];
        const char *cause = it->cause == SLOW ? "slow" : it->cause ? strerrorname_np(it->cause) : "end";
        printf("%s{\"at\":%.6f,\"waited_us\":%lu,\"group\":\"%s\",\"kind\":\"%s\",\"cause\":\"%s\",\"seen\":%zu,\"while\":\"%s\"}", i ? "," : "",
               it->at / 1e9, it->waited / 1000, it->group->name, it->keeps ? "keep" : "short", cause, it->seen, STATES[it->state]);
    }
    printf("]}\n");
}
