// What the load clients share: a monotonic clock, options of the form key=value, a log-linear histogram, and events as JSON lines on stdout.
#pragma once
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static inline int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void sleep_until_ns(int64_t at) {
  struct timespec t = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static inline void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static int option_count;
static char **options;

static inline const char *text_option(const char *name, const char *otherwise) {
  size_t length = strlen(name);
  for (int i = 0; i < option_count; i++)
    if (strncmp(options[i], name, length) == 0 && options[i][length] == '=') return options[i] + length + 1;
  return otherwise;
}

static inline double number_option(const char *name, double otherwise) {
  const char *text = text_option(name, NULL);
  return text ? atof(text) : otherwise;
}

// Log-linear: 128 buckets per power of two, so a value is known to under 0.8 %. Values are microseconds.
#define SUB_BITS 7
#define SUB_COUNT (1 << SUB_BITS)
#define BUCKET_COUNT ((40 - SUB_BITS + 1) * SUB_COUNT)
typedef struct { uint64_t counts[BUCKET_COUNT]; } histogram;

static inline int bucket_of(uint64_t value) {
  if (value < SUB_COUNT) return (int)value;
  int shift = 63 - __builtin_clzll(value) - SUB_BITS;
  int bucket = (shift + 1) * SUB_COUNT + (int)((value >> shift) - SUB_COUNT);
  return bucket < BUCKET_COUNT ? bucket : BUCKET_COUNT - 1;
}

static inline uint64_t bucket_top(int bucket) {
  if (bucket < SUB_COUNT) return bucket;
  int shift = bucket / SUB_COUNT - 1;
  return (((uint64_t)(bucket % SUB_COUNT) + SUB_COUNT + 1) << shift) - 1;
}

static inline void record_latency(histogram *h, int64_t us) { h->counts[bucket_of(us < 0 ? 0 : (uint64_t)us)]++; }

static inline void print_histogram(const char *name, const histogram *h) {
  printf(",\"%s\":[", name);
  int first = 1;
  for (int i = 0; i < BUCKET_COUNT; i++)
    if (h->counts[i]) {
      printf("%s[%" PRIu64 ",%" PRIu64 "]", first ? "" : ",", bucket_top(i), h->counts[i]);
      first = 0;
    }
  printf("]");
}

// One measured run: `warmup` seconds that do not count, then `seconds` that do. The harness reads the broker's CPU time at "begin" and "end".
typedef struct {
  int64_t begins_ns, ends_ns, next_tick_ns, began_ns;
  uint64_t records_at_begin, bytes_at_begin, records_at_tick, bytes_at_tick;
  double cpu_at_begin;
  int has_begun;
} measured_run;

static inline double own_cpu_seconds(void) {
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static inline measured_run start_run(void) {
  measured_run run = {0};
  int64_t now = now_ns();
  run.begins_ns = now + (int64_t)(number_option("warmup", 2) * 1e9);
  run.ends_ns = run.begins_ns + (int64_t)(number_option("seconds", 10) * 1e9);
  run.next_tick_ns = now + 1000000000;
  return run;
}

// Call often; returns 1 once the measured time is over.
static inline int tick(measured_run *run, uint64_t records, uint64_t bytes) {
  int64_t now = now_ns();
  if (!run->has_begun && now >= run->begins_ns) {
    run->has_begun = 1;
    run->began_ns = now;
    run->records_at_begin = records;
    run->bytes_at_begin = bytes;
    run->cpu_at_begin = own_cpu_seconds();
    printf("{\"event\":\"begin\"}\n");
    fflush(stdout);
  }
  if (now >= run->next_tick_ns) {
    run->next_tick_ns += 1000000000;
    printf("{\"event\":\"tick\",\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 "}\n", records - run->records_at_tick, bytes - run->bytes_at_tick);
    run->records_at_tick = records;
    run->bytes_at_tick = bytes;
    fflush(stdout);
  }
  return now >= run->ends_ns;
}

// Opens the last event, "end"; the caller adds fields and closes the object.
static inline void print_end(measured_run *run, uint64_t records, uint64_t bytes) {
  printf("{\"event\":\"end\",\"seconds\":%.6f,\"records\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"clientCpuSeconds\":%.3f",
         (now_ns() - run->began_ns) / 1e9, records - run->records_at_begin, bytes - run->bytes_at_begin,
         own_cpu_seconds() - run->cpu_at_begin);
}
