/* The digits model in threads with little stack, in children of fork, and both at once. Usage:
 * in_another_program [threads]. Exits with 0 when all functions did what they should. */
#define _GNU_SOURCE
#include "digits.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kSteps = 5 };

static float pixels[DIGITS_BATCH * DIGITS_PIXELS_SIZE];
static int32_t digit[DIGITS_BATCH];
static int threads;

static int train(digits *m, double *loss) {
  int i;
  for (i = 0; i < kSteps; ++i)
    *loss = digits_train_step(m, DIGITS_BATCH, pixels, digit);
  return m->status == GRADC_OK;
}

/* Every function of an instance that does more than look something up. */
static int use_all(digits *m) {
  float scores[DIGITS_SCORES_SIZE], probabilities[DIGITS_SCORES_SIZE];
  double sums[2], loss;
  char message[64];
  int good = train(m, &loss);
  digits_grad_step(m, DIGITS_BATCH, pixels, digit);
  good &= m->status == GRADC_OK && digits_apply(m) == GRADC_OK;
  good &= digits_evaluate(m, DIGITS_BATCH, pixels, digit, &sums[0], &sums[1]) == GRADC_OK;
  good &= digits_predict(m, 1, pixels, scores, probabilities) == GRADC_OK;
  good &= digits_save(m, "stack.safetensors") == GRADC_OK;
  good &= digits_load(m, "stack.safetensors", message, sizeof message) == GRADC_OK;
  good &= digits_load(m, "stack.c", message, sizeof message) == GRADC_IO_ERROR;
  return good & (digits_resume(m, "stack.safetensors", 6, message, sizeof message) == GRADC_OK);
}

static void *in_a_thread(void *good) {
  digits *m = digits_create(7, threads);
  *(int *)good = m && use_all(m);
  digits_destroy(m);
  return 0;
}

/* A thread with the stack that the header asks for, beside what the system takes of it. */
static int with_little_stack(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  int good = 0;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, (size_t)sysconf(_SC_THREAD_STACK_MIN) + GRADC_STACK_BYTES);
  if (pthread_create(&thread, &attributes, in_a_thread, &good) != 0 || pthread_join(thread, 0) != 0)
    return 0;
  return good;
}

/* What `work` of the child returns; 0 where it ends by a signal. */
static int in_a_child(int (*work)(digits *), digits *m) {
  int state = 0;
  pid_t child = fork();
  if (child == 0) {
    alarm(20); /* a hang is a fault, too */
    _exit(!work(m));
  }
  return waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static double expected;

static int train_and_destroy(digits *m) {
  double loss = 0;
  int good = train(m, &loss) && loss == expected;
  digits_destroy(m);
  return good;
}

static int destroy(digits *m) {
  digits_destroy(m);
  return 1;
}

/* A child's child, which has its own threads beside. */
static int fork_again(digits *m) {
  digits *own = digits_create(7, threads);
  double loss;
  int good = in_a_child(train_and_destroy, m) && own && use_all(own) && in_a_child(destroy, own) && train(m, &loss);
  digits_destroy(own);
  digits_destroy(m);
  return good;
}

int main(int argc, char **argv) {
  digits *m, *twin;
  double loss;
  int good, i;
  threads = argc > 1 ? atoi(argv[1]) : 1;
  for (i = 0; i < DIGITS_BATCH * DIGITS_PIXELS_SIZE; ++i)
    pixels[i] = (float)(i * 7 % 17);
  for (i = 0; i < DIGITS_BATCH; ++i)
    digit[i] = i % 10;
  good = with_little_stack();
  printf("stack %s\n", good ? "is enough" : "is too small");
  m = digits_create(7, threads);
  twin = digits_create(7, threads);
  if (!m || !twin || !train(m, &loss) || !train(twin, &loss) || !train(twin, &expected))
    return 2;
  good &= in_a_child(train_and_destroy, m) && in_a_child(destroy, m) && in_a_child(fork_again, m);
  good &= train(m, &loss) && loss == expected; /* the children were copies */
  printf("children %s\n", good ? "train" : "fail");
  digits_destroy(m);
  digits_destroy(twin);
  return !good;
}
