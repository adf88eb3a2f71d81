/* A fork-join team. A call is cut into one share a thread, always the same way. The caller runs the first share, then
 * every other that its worker has not begun: so a worker that sleeps, or has no processor, costs little more than its
 * help. Idle threads spin for a bounded time, so that back-to-back kernels start in well under a microsecond, then sleep
 * on a futex.
 *
 *   caller:  job, ++round                            workers wait for `round` to change
 *   anyone:  claimed: round-1 -> round, run share    whoever changes the word runs the share
 *   worker:  finished = round                        the caller waits for it where it came second
 *
 * The child of a fork has the team without its workers. Between two calls none holds a share, so the caller finds all of
 * them unclaimed and runs them itself. */
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
/* Of a worker. Kernels have small frames, whatever the system's default is; most of this is for the host's thread-local
 * variables, which lie in it too. */
static const size_t kStackBytes = 256 << 10;
static const int64_t kSpinNanoseconds = 50000; /* covers a host's work between two steps, a fraction of a tick */

/* A word that one side changes and the other waits for, with the count of those asleep on it. */
typedef struct {
  _Alignas(kCacheLine) _Atomic uint32_t value;
  _Atomic uint32_t sleepers;
} signal_word;

typedef struct {
  gradc_team *team;
  int32_t index; /* in the team; the caller is 0 */
  int helped;    /* the caller's note: it ran this round's share itself */
  _Atomic int processor; /* where it last moved to, or -1 */
  pthread_t thread;
  signal_word finished;                          /* the last round whose share this worker ran */
  _Alignas(kCacheLine) _Atomic uint32_t claimed; /* the last round whose share somebody took */
} worker;

struct gradc_team {
  pid_t process; /* that of the threads: a child of fork has none of them */
  /* Written by the caller before it raises `round`; to be read by whoever claimed a share of that round. */
  gradc_core_body *body;
  void *args;
  void *scratch;
  int64_t scratch_bytes;
  int64_t count;
  int32_t threads;
  int64_t spin_nanoseconds;
  cpu_set_t processors;         /* those the team may use */
  _Atomic int caller_processor; /* where the caller was when this round began */
  _Atomic int ending;
  signal_word round;
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
  if (begin >= end)
    return;
  char *scratch = team->scratch ? (char *)team->scratch + index * team->scratch_bytes : NULL;
  team->body(team->args, scratch, begin, end);
}

static int claim(worker *w, uint32_t round) {
  uint32_t before = round - 1;
  return atomic_compare_exchange_strong_explicit(&w->claimed, &before, round, memory_order_acq_rel,
                                                 memory_order_relaxed);
}

/* Some schedulers leave threads on one processor for good, another idle. A worker leaves the processors of the caller and
 * of the workers before it. */
static void keep_apart(worker *self) {
  gradc_team *team = self->team;
  if (team->spin_nanoseconds == 0)
    return;
  cpu_set_t others = team->processors;
  int taken = 0, mine = sched_getcpu();
  for (int32_t i = 0; i < self->index; ++i) {
    _Atomic int *place = i == 0 ? &team->caller_processor : &team->workers[i - 1].processor;
    int processor = atomic_load_explicit(place, memory_order_relaxed);
    taken |= processor == mine;
    if (processor >= 0)
      CPU_CLR(processor, &others);
  }
  if (taken && CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
    mine = sched_getcpu();
  atomic_store_explicit(&self->processor, mine, memory_order_relaxed);
}

static void *work(void *argument) {
  worker *self = argument;
  gradc_team *team = self->team;
  for (uint32_t round = 0;;) {
    wait_for_change(&team->round, round, team->spin_nanoseconds);
    round = atomic_load_explicit(&team->round.value, memory_order_acquire); /* rounds may have passed meanwhile */
    if (atomic_load_explicit(&team->ending, memory_order_relaxed))
      return NULL;
    int crowded = sched_getcpu() == atomic_load_explicit(&team->caller_processor, memory_order_relaxed);
    int mine = claim(self, round);
    if (crowded || !mine)
      keep_apart(self);
    if (!mine)
      continue;
    run_share(team, self->index);
    change(&self->finished, round);
  }
}

static int start_thread(worker *w) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0)
    return 0;
  pthread_attr_setstacksize(&attributes, kStackBytes);
  int started = pthread_create(&w->thread, &attributes, work, w) == 0;
  pthread_attr_destroy(&attributes);
  return started || pthread_create(&w->thread, NULL, work, w) == 0; /* too small for the host's thread-local variables */
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
    atomic_init(&w->processor, -1);
    atomic_init(&w->claimed, 0);
    atomic_init(&w->finished.value, 0);
    atomic_init(&w->finished.sleepers, 0);
    if (!start_thread(w))
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
  team->process = getpid();
  int known = sched_getaffinity(0, sizeof team->processors, &team->processors) == 0;
  /* Spinning only pays when every thread has a processor of its own. */
  team->spin_nanoseconds = known && threads <= CPU_COUNT(&team->processors) ? kSpinNanoseconds : 0;
  atomic_init(&team->caller_processor, -1);
  atomic_init(&team->round.value, 0);
  atomic_init(&team->round.sleepers, 0);
  atomic_init(&team->ending, 0);
  team->threads = start_workers(team, threads);
  if (team->threads > 1)
    return team;
  free(team);
  return NULL;
}

static uint32_t start_round(gradc_team *team) {
  uint32_t round = atomic_load_explicit(&team->round.value, memory_order_relaxed) + 1;
  change(&team->round, round);
  return round;
}

static void end_workers(gradc_team *team) {
  atomic_store_explicit(&team->ending, 1, memory_order_relaxed);
  start_round(team);
  for (int32_t i = 1; i < team->threads; ++i)
    pthread_join(team->workers[i - 1].thread, NULL);
}

void gradc_core_team_destroy(gradc_team *team) {
  if (!team)
    return;
  if (team->process == getpid())
    end_workers(team);
  free(team);
}

int32_t gradc_core_team_threads(const gradc_team *team) { return team ? team->threads : 1; }

void gradc_core_parallel(gradc_team *team, gradc_core_body *body, void *args, void *scratch, int64_t scratch_bytes,
                         int64_t count) {
  if (!team || count <= 1) {
    if (count > 0)
      body(args, scratch, 0, count);
    return;
  }
  team->body = body;
  team->args = args;
  team->scratch = scratch;
  team->scratch_bytes = scratch_bytes;
  team->count = count;
  atomic_store_explicit(&team->caller_processor, sched_getcpu(), memory_order_relaxed);
  uint32_t round = start_round(team);
  run_share(team, 0);
  for (int32_t i = 1; i < team->threads; ++i) {
    worker *w = &team->workers[i - 1];
    w->helped = claim(w, round);
    if (w->helped)
      run_share(team, i);
  }
  for (int32_t i = 1; i < team->threads; ++i) {
    worker *w = &team->workers[i - 1];
    uint32_t seen;
    while (!w->helped && (seen = atomic_load_explicit(&w->finished.value, memory_order_acquire)) != round)
      wait_for_change(&w->finished, seen, team->spin_nanoseconds);
  }
}
