/* Provokes every status of the ABI through the header of a model: iris, for its batch and for single flowers. Prints what
 * it got, and fails when a call that was refused has changed a byte. */
#include "iris.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { kBatch = IRIS_BATCH, kFeatures = IRIS_FLOWER_SIZE };

static float flowers[kBatch * kFeatures];
static int32_t species[kBatch];
static iris *m;
static char *before; /* what the memory of the instance held */
static int failed;

/* To be called before a call that will be refused, which is told by `expected`. */
static void remember(void) { memcpy(before, m->memory, (size_t)m->memory_bytes); }

static void expect(const char *what, int32_t found, int32_t expected) {
  int same = memcmp(before, m->memory, (size_t)m->memory_bytes) == 0;
  printf("%s: %d, %s\n", what, (int)found, same ? "nothing changed" : "carried out");
  failed |= found != expected || same == gradc_succeeded(expected);
  remember();
}

static gradc_call sound_call(const void *const *inputs, void *const *outputs) {
  gradc_call call;
  memset(&call, 0, sizeof call);
  call.struct_size = (uint32_t)sizeof call;
  call.arenas = m->arenas;
  call.arena_count = m->model->arena_count;
  call.inputs = inputs;
  call.outputs = outputs;
  return call;
}

/* What only a caller without the header's functions gets wrong. */
static void bare_calls(void) {
  const gradc_entry *step = gradc_find_entry(m->model, GRADC_TRAIN_STEP, 0, kBatch);
  const void *inputs[] = {flowers, species};
  double loss = 0;
  void *outputs[] = {&loss}, *no_output[] = {0};
  void *no_arenas[16] = {0};
  gradc_call call = sound_call(inputs, outputs);
  call.struct_size = GRADC_CALL_LEAST - 1;
  expect("a call that is too small", step->run(step, &call), GRADC_BAD_CALL);
  call = sound_call(inputs, outputs);
  call.flags = 1u << 31;
  expect("an unknown flag", step->run(step, &call), GRADC_BAD_CALL);
  call = sound_call(inputs, outputs);
  call.reserved = 1;
  expect("a reserved field", step->run(step, &call), GRADC_BAD_CALL);
  expect("no call", step->run(step, 0), GRADC_NULL_POINTER);
  call = sound_call(0, outputs);
  expect("no inputs", step->run(step, &call), GRADC_NULL_POINTER);
  call = sound_call(inputs, 0);
  expect("no outputs", step->run(step, &call), GRADC_NULL_POINTER);
  call = sound_call(inputs, no_output);
  expect("no output", step->run(step, &call), GRADC_NULL_POINTER);
  call = sound_call(inputs, outputs);
  call.arenas = 0;
  expect("no arenas", step->run(step, &call), GRADC_MISSING_ARENA);
  call = sound_call(inputs, outputs);
  call.arena_count = 1;
  expect("too few arenas", step->run(step, &call), GRADC_MISSING_ARENA);
  call = sound_call(inputs, outputs);
  call.arenas = no_arenas;
  expect("an arena that is null", step->run(step, &call), GRADC_MISSING_ARENA);
  call = sound_call(inputs, outputs);
  call.struct_size += 64; /* a newer host */
  expect("a call that is larger", step->run(step, &call), GRADC_OK);
}

static void labels(void) {
  static const int32_t wrong[] = {3, -1, INT32_MAX, INT32_MIN};
  int i;
  double sums[2];
  for (i = 0; i < 4; ++i) {
    species[4 * i + 2] = wrong[i];
    iris_train_step(m, kBatch, flowers, species);
    expect("a label that is none", m->status, GRADC_BAD_LABEL);
    printf("  input %d, element %d\n", (int)m->problem.input, (int)m->problem.element);
    failed |= m->problem.input != 1 || m->problem.element != 4 * i + 2 || m->step != 0;
    species[4 * i + 2] = 0;
  }
  species[0] = 3;
  expect("a label of one flower", iris_evaluate(m, 1, flowers, species, &sums[0], &sums[1]), GRADC_BAD_LABEL);
  species[0] = 0;
}

static void write_file(const char *path, const char *bytes, size_t count, long size) {
  FILE *file = fopen(path, "wb");
  fwrite(bytes, 1, count, file);
  fclose(file);
  if (size && truncate(path, size) != 0)
    failed = 1;
}

static void files(void) {
  struct rlimit limit;
  rlim_t all;
  char message[256];
  expect("a folder that is not there", iris_save(m, "/nowhere/w.safetensors"), GRADC_IO_ERROR);
  write_file("bad.safetensors", "junk", 4, 0);
  expect("a file that is none", iris_load(m, "bad.safetensors", message, sizeof message), GRADC_BAD_FILE);
  write_file("empty.safetensors", "\2\0\0\0\0\0\0\0{}", 10, 0);
  expect("a file of another model", iris_load(m, "empty.safetensors", message, sizeof message), GRADC_MISMATCH);
  write_file("large.safetensors", "\0\0\0\5\0\0\0\0{", 9, 96l << 20);
  getrlimit(RLIMIT_AS, &limit);
  all = limit.rlim_cur;
  limit.rlim_cur = 48l << 20;
  setrlimit(RLIMIT_AS, &limit);
  expect("a file too large for memory", iris_load(m, "large.safetensors", message, sizeof message), GRADC_OUT_OF_MEMORY);
  limit.rlim_cur = all;
  setrlimit(RLIMIT_AS, &limit);
}

int main(void) {
  int i;
  for (i = 0; i < kBatch * kFeatures; ++i)
    flowers[i] = (float)(i % 7) / 7;
  for (i = 0; i < kBatch; ++i)
    species[i] = i % 3;
  m = iris_create(7, 1);
  if (!m || !(before = (char *)malloc((size_t)m->memory_bytes)))
    return 2;
  remember();
  iris_train_step(m, kBatch + 1, flowers, species);
  expect("a batch it was not compiled for", m->status, GRADC_NOT_COMPILED);
  iris_train_step(m, kBatch, 0, species);
  expect("no flowers", m->status, GRADC_NULL_POINTER);
  labels();
  files();
  bare_calls();
  ((float *)iris_tensor(m, "scores.bias"))[0] = (float)INFINITY;
  remember();
  iris_grad_step(m, kBatch, flowers, species);
  expect("gradients of a loss that is not finite", m->status, GRADC_NOT_FINITE);
  iris_train_step(m, kBatch, flowers, species);
  expect("a step whose loss is not finite", m->status, GRADC_NOT_FINITE);
  failed |= m->step != 1;
  iris_destroy(m);
  free(before);
  return failed;
}
