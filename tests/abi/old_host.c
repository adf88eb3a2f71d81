/* A host as it was compiled when version 2 of the ABI was new: against gradc_2.h beside it, which never changes. It trains
 * a classifier, saves it, and provokes a refusal, with a call that ends at a page that cannot be touched. */
#include "gradc_2.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
  double first_loss, last_loss, last_rate;
  int32_t bad_label; /* status of a step with a label that does not exist */
  int32_t loaded;    /* status of loading what was saved */
  int32_t same;      /* whether the loaded parameters predict what the trained ones did */
} old_host_result;

enum { kBatch = 32, kSteps = 40, kMaxArenas = 16, kMaxHypers = 8, kFeatures = 4, kClasses = 3 };

/* Memory that ends where none may be touched. */
static void *before_a_guard(size_t bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  char *pages = mmap(0, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE) != 0)
    return 0;
  return pages + page - bytes;
}

static int32_t run(const gradc_model *model, gradc_call *call, int32_t kind, int64_t batch, void *const *outputs) {
  const gradc_entry *entry = gradc_find_entry(model, kind, 0, batch);
  if (!entry)
    return GRADC_NOT_COMPILED;
  call->outputs = outputs;
  return entry->run(entry, call);
}

static void choose(const gradc_model *model, void *const *arenas, int32_t lifetime, void **chosen) {
  int32_t i;
  for (i = 0; i < model->arena_count; ++i)
    chosen[i] = gradc_arena_at(model, i)->lifetime <= lifetime ? arenas[i] : 0;
}

static int32_t rate_index(const gradc_model *model) {
  int32_t i;
  for (i = 0; i < model->hyper_count; ++i)
    if (strcmp(gradc_hyper_at(model, i)->name, "learning_rate") == 0)
      return i;
  return -1;
}

int old_host(const gradc_model *model, const char *path, old_host_result *result) {
  float features[kBatch][kFeatures], before[kClasses], after[kClasses], probabilities[kClasses];
  int32_t labels[kBatch], rate = rate_index(model), i;
  void *arenas[kMaxArenas], *chosen[kMaxArenas];
  double hypers[kMaxHypers], initial, loss = 0;
  const void *inputs[] = {features, labels};
  void *loss_output[] = {&loss}, *rate_output[] = {&hypers[rate]};
  void *before_output[] = {before, probabilities}, *after_output[] = {after, probabilities};
  gradc_call *call = before_a_guard(sizeof *call);
  if (!gradc_is_compatible(model) || model->arena_count > kMaxArenas || model->hyper_count > kMaxHypers || rate < 0 || !call)
    return 1;
  for (i = 0; i < kBatch * kFeatures; ++i)
    features[i / kFeatures][i % kFeatures] = (float)(i * 7 % 11) / 5 + (float)(i / kFeatures % kClasses);
  for (i = 0; i < kBatch; ++i)
    labels[i] = i % kClasses;
  for (i = 0; i < model->arena_count; ++i)
    arenas[i] = model->memory_create(gradc_arena_bytes(gradc_arena_at(model, i), 1));
  for (i = 0; i < model->hyper_count; ++i)
    hypers[i] = gradc_hyper_at(model, i)->default_value;
  memset(call, 0, sizeof *call);
  call->struct_size = sizeof *call;
  call->arenas = arenas;
  call->arena_count = model->arena_count;
  call->inputs = inputs;
  call->hypers = hypers;
  call->seed = 7;
  call->total_steps = kSteps;
  if (run(model, call, GRADC_INIT, 0, 0) != GRADC_OK)
    return 2;
  for (initial = hypers[rate]; call->step < kSteps; ++call->step) {
    hypers[rate] = initial;
    if (run(model, call, GRADC_SCHEDULE, 0, rate_output) != GRADC_OK ||
        !gradc_succeeded(run(model, call, GRADC_TRAIN_STEP, kBatch, loss_output)))
      return 3;
    if (call->step == 0)
      result->first_loss = loss;
  }
  result->last_loss = loss;
  result->last_rate = hypers[rate];
  if (run(model, call, GRADC_PREDICT, 1, before_output) != GRADC_OK)
    return 4;
  choose(model, arenas, GRADC_LIFE_RUN, chosen);
  if (model->save(model, chosen, model->arena_count, path, 0) != GRADC_OK)
    return 5;
  run(model, call, GRADC_INIT, 0, 0);
  choose(model, arenas, GRADC_LIFE_MODEL, chosen);
  result->loaded = model->load(model, chosen, model->arena_count, path, 0, 0);
  run(model, call, GRADC_PREDICT, 1, after_output);
  result->same = memcmp(before, after, sizeof before) == 0;
  labels[3] = 1000;
  result->bad_label = run(model, call, GRADC_TRAIN_STEP, kBatch, loss_output);
  for (i = 0; i < model->arena_count; ++i)
    model->memory_destroy(arenas[i], gradc_arena_bytes(gradc_arena_at(model, i), 1));
  return 0;
}
