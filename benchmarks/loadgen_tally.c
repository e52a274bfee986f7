/* Outcomes and latencies of the load generator, and the JSON object that tells them. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "loadgen.h"

#define FIRST_ROOM 65536 /* latencies; doubled when full */

static uint64_t counts[OUTCOMES], connect_retries, *latencies, started;
static size_t filled, room;
static double cpu_before;
static int counting;

uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double cpu_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

void start_tally(void)
{
    counting = 1;
    cpu_before = cpu_seconds();
    started = now_ns();
}

void tally(enum outcome outcome, uint64_t latency_ns)
{
    if (!counting) return;
    counts[outcome]++;
    if (outcome != GOOD) return;
    if (filled == room) {
        room = room ? 2 * room : FIRST_ROOM;
        latencies = grow(latencies, room * sizeof *latencies);
    }
    latencies[filled++] = latency_ns;
}

void tally_connect_retry(void)
{
    connect_retries += (uint64_t)counting;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* In microseconds, of the good replies; 0 when there is none. */
static double percentile(double share)
{
    if (!filled) return 0;
    return (double)latencies[(size_t)(share * (double)(filled - 1) + 0.5)] / 1000;
}

void print_tally(void)
{
    double seconds = (double)(now_ns() - started) / 1e9, cpu = cpu_seconds() - cpu_before;
    uint64_t errors = 0;
    for (int i = GOOD + 1; i < OUTCOMES; i++) errors += counts[i];
    qsort(latencies, filled, sizeof *latencies, by_value);
    printf("{\"requests\": %lu, \"errors\": %lu, \"bad_status\": %lu, \"wrong_value\": %lu, "
           "\"truncated\": %lu, \"transport\": %lu, \"timeouts\": %lu, \"connect_retries\": %lu, "
           "\"seconds\": %.6f, \"throughput\": %.1f, \"p50\": %.1f, \"p99\": %.1f, "
           "\"max\": %.1f, \"client_cpu\": %.4f}\n",
           counts[GOOD] + errors, errors, counts[BAD_STATUS], counts[WRONG_VALUE],
           counts[TRUNCATED], counts[TRANSPORT], counts[TIMEOUT], connect_retries, seconds,
           (double)counts[GOOD] / seconds, percentile(0.50), percentile(0.99), percentile(1),
           cpu / seconds);
}
