/* A fork-join team. Idle threads spin for a bounded time, so that back-to-back kernels start in well under a
 * microsecond, then sleep on a futex. Every hand-over is one word that changes:
 *
 *   caller:  job, working = workers, ++round            workers wait for `round` to change
 *   workers: run their share, --working; last: done = round    the caller waits for `done` to change */
#define _GNU_SOURCE
#include "runtime/core/core.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { kCacheLine = 64, kMaxThreads = 1024 };
static const int64_t kSpinNanoseconds = 50000; /* covers a host's work between two steps, a fraction of a tick */

typedef struct {
  gradc_team *team;
  int32_t index; /* in the team; the caller is 0 */
  pthread_t thread;
} worker;

/* A word that one side changes and the other waits for, with the count of those asleep on it. */
typedef struct {
  _Alignas(kCacheLine) _Atomic uint32_t value;
  _Atomic uint32_t sleepers;
} signal_word;

struct gradc_team {
  /* Written by the caller before it raises `round`, read by the workers after they saw it. A null body ends them. */
  void (*body)(void *args, int64_t begin, int64_t end);
  void *args;
  int64_t count;
  int32_t threads;
  int64_t spin_nanoseconds;
  signal_word round, done;
  _Alignas(kCacheLine) _Atomic uint32_t working;
  worker workers[];
};

static void pause_cpu(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

static int64_t now_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Whether `word` moved away from `old` while spinning. The clock is read seldom: it costs more than a pause. */
static int changes_soon(signal_word *word, uint32_t old, int64_t spin_nanoseconds) {
  int64_t start = 0;
  for (uint32_t i = 0;; ++i) {
    if (atomic_load_explicit(&word->value, memory_order_acquire) != old)
      return 1;
    if (spin_nanoseconds == 0)
      return 0;
    pause_cpu();
    if (i % 64 != 63)
      continue;
    int64_t now = now_nanoseconds();
    if (start == 0)
      start = now;
    else if (now - start > spin_nanoseconds)
      return 0;
  }
}

static void wait_for_change(signal_word *word, uint32_t old, int64_t spin_nanoseconds) {
  if (changes_soon(word, old, spin_nanoseconds))
    return;
  /* Sequentially consistent against change(): either it sees the sleeper or the kernel sees the new value. */
  atomic_fetch_add(&word->sleepers, 1);
  while (atomic_load(&word->value) == old)
    syscall(SYS_futex, &word->value, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
  atomic_fetch_sub(&word->sleepers, 1);
}

static void change(signal_word *word, uint32_t value) {
  atomic_store(&word->value, value);
  if (atomic_load(&word->sleepers) != 0)
    syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, kMaxThreads, NULL, NULL, 0);
}

static void run_share(const gradc_team *team, int32_t index) {
  int64_t each = team->count / team->threads, longer = team->count % team->threads;
  int64_t begin = index * each + (index < longer ? index : longer);
  int64_t end = begin + each + (index < longer);
  if (begin < end)
    team->body(team->args, begin, end);
}

static void *work(void *argument) {
  const worker *self = argument;
  gradc_team *team = self->team;
  for (uint32_t round = 0;;) {
    wait_for_change(&team->round, round, team->spin_nanoseconds);
    ++round;
    if (!team->body)
      return NULL;
    run_share(team, self->index);
    if (atomic_fetch_sub_explicit(&team->working, 1, memory_order_acq_rel) == 1)
      change(&team->done, round);
  }
}

/* Spinning only pays when every thread has a processor of its own. */
static int64_t spin_time(int32_t threads) {
  cpu_set_t set;
  int processors = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return threads <= processors ? kSpinNanoseconds : 0;
}

/* Starts workers 1..threads-1 with all signals blocked, so that the host's handlers stay on the host's threads.
 * Returns how many threads the team has. */
static int32_t start_workers(gradc_team *team, int32_t threads) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int32_t started = 1;
  for (; started < threads; ++started) {
    worker *w = &team->workers[started - 1];
    w->team = team;
    w->index = started;
    if (pthread_create(&w->thread, NULL, work, w) != 0)
      break;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

gradc_team *gradc_core_team_create(int32_t threads) {
  if (threads <= 1)
    return NULL;
  if (threads > kMaxThreads)
    threads = kMaxThreads;
  size_t bytes = sizeof(gradc_team) + (size_t)(threads - 1) * sizeof(worker);
  gradc_team *team = aligned_alloc(kCacheLine, (bytes + kCacheLine - 1) / kCacheLine * kCacheLine);
  if (!team)
    return NULL;
  team->spin_nanoseconds = spin_time(threads);
  atomic_init(&team->round.value, 0);
  atomic_init(&team->round.sleepers, 0);
  atomic_init(&team->done.value, 0);
  atomic_init(&team->done.sleepers, 0);
  atomic_init(&team->working, 0);
  team->threads = start_workers(team, threads);
  if (team->threads > 1)
    return team;
  free(team);
  return NULL;
}

static void start_round(gradc_team *team) {
  uint32_t round = atomic_load_explicit(&team->round.value, memory_order_relaxed);
  change(&team->round, round + 1);
}

void gradc_core_team_destroy(gradc_team *team) {
  if (!team)
    return;
  team->body = NULL;
  start_round(team);
  for (int32_t i = 1; i < team->threads; ++i)
    pthread_join(team->workers[i - 1].thread, NULL);
  free(team);
}

void gradc_core_parallel(gradc_team *team, void (*body)(void *args, int64_t begin, int64_t end), void *args,
                         int64_t count) {
  if (!team || count <= 1) {
    if (count > 0)
      body(args, 0, count);
    return;
  }
  team->body = body;
  team->args = args;
  team->count = count;
  atomic_store_explicit(&team->working, (uint32_t)team->threads - 1, memory_order_relaxed);
  uint32_t before = atomic_load_explicit(&team->done.value, memory_order_relaxed);
  start_round(team);
  run_share(team, 0);
  wait_for_change(&team->done, before, team->spin_nanoseconds);
}
