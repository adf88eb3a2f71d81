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

static void is_true(const char *what, int truth) {
  if (!truth)
    printf("not true: %s\n", what);
  failed |= !truth;
}

/* Every function without an instance. */
static void no_instance(void) {
  double sums[2], hypers[8];
  float outputs[3];
  expect("no instance: fit", iris_fit(0, kBatch, flowers), GRADC_NULL_POINTER);
  expect("no instance: apply", iris_apply(0), GRADC_NULL_POINTER);
  expect("no instance: evaluate", iris_evaluate(0, 1, flowers, species, &sums[0], &sums[1]), GRADC_NULL_POINTER);
  expect("no instance: predict", iris_predict(0, 1, flowers, outputs, outputs), GRADC_NULL_POINTER);
  expect("no instance: run", iris_run(0, GRADC_INIT, 0, 0, 0, 0), GRADC_NULL_POINTER);
  expect("no instance: update", iris_update(0, GRADC_APPLY, 0, 0, 0), GRADC_NULL_POINTER);
  expect("no instance: save", iris_save(0, "w.safetensors"), GRADC_NULL_POINTER);
  expect("no instance: load", iris_load(0, "w.safetensors", 0, 0), GRADC_NULL_POINTER);
  expect("no instance: resume", iris_resume(0, "w.safetensors", 1, 0, 0), GRADC_NULL_POINTER);
  expect("no instance: hypers_of_step", iris_hypers_of_step(0, hypers), GRADC_NULL_POINTER);
  is_true("train_step is NaN", isnan(iris_train_step(0, kBatch, flowers, species)));
  is_true("grad_step is NaN", isnan(iris_grad_step(0, kBatch, flowers, species)));
  is_true("learning_rate is NaN", isnan(iris_learning_rate(0)));
  is_true("message is a text", strlen(iris_message(0)) > 0);
  is_true("tensor is null", !iris_tensor(0, "scores.bias") && !iris_tensor(m, 0));
  is_true("choose is null", !iris_choose(0, GRADC_LIFE_RUN));
  is_true("arena_bytes is 0", iris_arena_bytes(0, 0) == 0 && iris_arena_bytes(m, -1) == 0 && iris_arena_bytes(m, 99) == 0);
  is_true("create_from is null", !iris_create_from(0, 1, 1));
  iris_destroy(0);
}

/* The functions of gradc.h and of the table, without what they are about. */
static void no_records(void) {
  const gradc_model *table = m->model;
  void *no_memory = 0;
  char message[64];
  is_true("is_compatible", !gradc_is_compatible(0) && gradc_is_compatible(table));
  is_true("find_entry", !gradc_find_entry(0, GRADC_INIT, 0, 0));
  is_true("no table", !gradc_arena_at(0, 0) && !gradc_tensor_at(0, 0) && !gradc_input_at(0, 0) && !gradc_hyper_at(0, 0) &&
                          !gradc_entry_at(0, 0) && !gradc_output_at(0, gradc_entry_at(table, 0), 0));
  is_true("too large", !gradc_arena_at(table, table->arena_count) && !gradc_tensor_at(table, table->tensor_count) &&
                           !gradc_input_at(table, table->input_count) && !gradc_hyper_at(table, table->hyper_count) &&
                           !gradc_entry_at(table, table->entry_count) && !gradc_output_at(table, 0, 0));
  is_true("negative", !gradc_arena_at(table, -1) && !gradc_tensor_at(table, INT32_MIN));
  is_true("arena_bytes", gradc_arena_bytes(0, 4) == 0);
  is_true("team", !table->team_create(-1) && table->team_threads(0) == 1);
  table->team_destroy(0);
  is_true("memory", !table->memory_create(-1) && !table->memory_create(INT64_MAX));
  table->memory_destroy(0, 64);
  is_true("status_message", strlen(table->status_message(INT32_MIN)) > 0);
  expect("save no table", table->save(0, m->arenas, 1, "w.safetensors", 0), GRADC_NULL_POINTER);
  expect("save no arenas", table->save(table, 0, 0, "w.safetensors", 0), GRADC_NULL_POINTER);
  expect("save without a value", table->save(table, m->arenas, 1, "w.safetensors", (const char *[]){"key", 0}), GRADC_BAD_CALL);
  expect("load no table", table->load(0, m->arenas, 1, "w.safetensors", message, sizeof message), GRADC_NULL_POINTER);
  expect("load no arenas", table->load(table, 0, 0, "w.safetensors", message, 0), GRADC_NULL_POINTER);
  expect("load arenas that are null", table->load(table, &no_memory, 1, "empty.safetensors", 0, 0), GRADC_IO_ERROR);
}

/* Every pointer that a function takes beside the instance. */
static void null_pointers(void) {
  double sum;
  float outputs[3];
  expect("no examples to fit", iris_fit(m, kBatch, 0), GRADC_NULL_POINTER);
  iris_train_step(m, kBatch, 0, species);
  expect("no flowers", m->status, GRADC_NULL_POINTER);
  iris_train_step(m, kBatch, flowers, 0);
  expect("no species", m->status, GRADC_NULL_POINTER);
  iris_grad_step(m, kBatch, flowers, 0);
  expect("no species for gradients", m->status, GRADC_NULL_POINTER);
  expect("nowhere for a sum", iris_evaluate(m, 1, flowers, species, &sum, 0), GRADC_NULL_POINTER);
  expect("nothing to predict from", iris_predict(m, 1, 0, outputs, outputs), GRADC_NULL_POINTER);
  expect("nowhere to predict to", iris_predict(m, 1, flowers, outputs, 0), GRADC_NULL_POINTER);
  expect("no path to save to", iris_save(m, 0), GRADC_NULL_POINTER);
  expect("no path to load", iris_load(m, 0, 0, 0), GRADC_NULL_POINTER);
  expect("no path to resume", iris_resume(m, 0, 3, 0, 0), GRADC_NULL_POINTER);
  expect("nowhere for hypers", iris_hypers_of_step(m, 0), GRADC_NULL_POINTER);
  is_true("the status is told", m->status == GRADC_NULL_POINTER && m->step == 0);
}

/* Steps are counted from 0 to GRADC_MAX_STEP, and neither end is passed. */
static void counts(void) {
  static const int64_t wrong[] = {-1, INT64_MIN, GRADC_MAX_STEP};
  int i;
  for (i = 0; i < 3; ++i) {
    m->step = wrong[i];
    iris_train_step(m, kBatch, flowers, species);
    expect("a step that cannot be", m->status, GRADC_BAD_CALL);
    expect("its update", iris_apply(m), GRADC_BAD_CALL);
    is_true("the count stays", m->step == wrong[i]);
    m->step = 0;
    expect("to resume there", iris_resume(m, "nowhere.safetensors", wrong[i], 0, 0), GRADC_BAD_CALL);
  }
  m->total_steps = -1;
  iris_train_step(m, kBatch, flowers, species);
  expect("a run of negative length", m->status, GRADC_BAD_CALL);
  m->total_steps = 0;
  m->step = GRADC_MAX_STEP - 1;
  iris_train_step(m, kBatch, flowers, species);
  expect("the last step", m->status, GRADC_OK);
  iris_train_step(m, kBatch, flowers, species);
  expect("one after the last", m->status, GRADC_BAD_CALL);
  m->step = 0;
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

static void hypers(void) {
  const double wrong[] = {-1e-3, 1e39, (double)INFINITY, (double)NAN}; /* 1e39 is infinite in the model's f32 */
  const double rate = m->hypers[IRIS_HYPER_LEARNING_RATE];
  int i;
  for (i = 0; i < 4; ++i) {
    m->hypers[IRIS_HYPER_LEARNING_RATE] = wrong[i];
    iris_train_step(m, kBatch, flowers, species);
    expect("a learning rate that is none", m->status, GRADC_BAD_HYPER);
    failed |= m->problem.input != IRIS_HYPER_LEARNING_RATE || m->step != 0;
  }
  m->hypers[IRIS_HYPER_LEARNING_RATE] = rate;
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
  no_instance();
  no_records();
  null_pointers();
  labels();
  hypers();
  files();
  bare_calls();
  counts();
  ((float *)iris_tensor(m, "scores.bias"))[0] = (float)INFINITY;
  remember();
  expect("weights that are not finite, to save", iris_save(m, "w.safetensors"), GRADC_BAD_VALUE);
  iris_grad_step(m, kBatch, flowers, species);
  expect("gradients of a loss that is not finite", m->status, GRADC_NOT_FINITE);
  iris_train_step(m, kBatch, flowers, species);
  expect("a step whose loss is not finite", m->status, GRADC_NOT_FINITE);
  failed |= m->step != 1;
  iris_destroy(m);
  free(before);
  return failed;
}
