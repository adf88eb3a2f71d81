// The part of a generated header that is the same for every model: an instance, its memory, its weights. A fmt pattern
// of {name} (a C identifier), {NAME} (the same in capitals), {symbol} (what the shared object exports), {tensor} (the
// name of one) and {schedule} (statements that run the model's schedule into `hypers`).
#pragma once

#include <string_view>

namespace gradc {

inline constexpr std::string_view kFixedText = R"(
typedef struct {name} {{
  const gradc_model *model;
  double *hypers;       /* run-time arguments, at {NAME}_HYPER_... */
  int32_t use_schedule; /* 1: `hypers` are the initial values, and the model's schedule follows from them the values of
                           each step; 0: they are the values of the next step, as in a model without a schedule */
  int32_t status;       /* of the last call; GRADC_OK is 0 */
  gradc_problem problem; /* after GRADC_BAD_LABEL: where the label is */
  int64_t seed;
  int64_t step;        /* updates done so far */
  int64_t total_steps; /* length of the run, for schedules that need it; 0: unknown */
  gradc_team *team;
  void **arenas; /* as model->arenas, all of them in `memory` */
  void *memory;
  int64_t memory_bytes;
  double *step_hypers; /* of the step under way */
  void **chosen;       /* arenas to save or load */
}} {name};

/* The table of the model: signature, sizes, tensors, entry points. What the shared object exports. Null when this
 * processor lacks instructions that the model was compiled for. */
const gradc_model *{symbol}(void);

/* Runs the entry of a kind, e.g. GRADC_PREDICT, for `batch` examples; the functions below are easier. */
static inline int32_t {name}_run({name} *m, int32_t kind, int64_t batch, const void *const *inputs,
                                 void *const *outputs, const double *hypers) {{
  const gradc_entry *entry = gradc_find_entry(m->model, kind, 0, batch);
  gradc_call call;
  if (!entry)
    return m->status = GRADC_NOT_COMPILED;
  memset(&call, 0, sizeof call);
  call.struct_size = (uint32_t)sizeof call;
  call.arenas = m->arenas;
  call.arena_count = m->model->arena_count;
  call.inputs = inputs;
  call.outputs = outputs;
  call.hypers = hypers;
  call.seed = m->seed;
  call.step = m->step;
  call.total_steps = m->total_steps;
  call.team = m->team;
  call.problem = &m->problem;
  return m->status = entry->run(entry, &call);
}}

/* What m->status means. */
static inline const char *{name}_message(const {name} *m) {{ return m->model->status_message(m->status); }}

/* The run-time arguments of the next step, m->model->hyper_count of them. */
static inline int32_t {name}_hypers_of_step({name} *m, double *hypers) {{
  memcpy(hypers, m->hypers, (size_t)m->model->hyper_count * sizeof *hypers);
{schedule}
}}

/* Runs an entry that updates the parameters, and counts the step. */
static inline int32_t {name}_update({name} *m, int32_t kind, int64_t batch, const void *const *inputs,
                                    void *const *outputs) {{
  const double *hypers = m->hypers;
  if (m->use_schedule) {{
    if ({name}_hypers_of_step(m, m->step_hypers) != GRADC_OK)
      return m->status;
    hypers = m->step_hypers;
  }}
  if (gradc_succeeded({name}_run(m, kind, batch, inputs, outputs, hypers)))
    ++m->step;
  return m->status;
}}

static inline void {name}_destroy({name} *m) {{
  if (!m)
    return;
  m->model->team_destroy(m->team);
  m->model->memory_destroy(m->memory, m->memory_bytes);
  free(m);
}}

/* Bytes of one arena, so that the next is aligned too. */
static inline int64_t {name}_arena_bytes(const {name} *m, int32_t number) {{
  int64_t mask = m->model->alignment - 1;
  return (gradc_arena_bytes(gradc_arena_at(m->model, number), m->model->team_threads(m->team)) + mask) & ~mask;
}}

/* As {name}_create, for the table of a shared object that dlopen has opened: what its {symbol} returns. */
static inline {name} *{name}_create_from(const gradc_model *model, int64_t seed, int32_t threads) {{
  {name} *m;
  int64_t at = 0;
  int32_t i;
  if (!model || !gradc_is_compatible(model))
    return 0;
  m = ({name} *)calloc(1, sizeof *m + 2 * (size_t)model->hyper_count * sizeof *m->hypers +
                              2 * (size_t)model->arena_count * sizeof *m->arenas);
  if (!m)
    return 0;
  m->model = model;
  m->hypers = (double *)(m + 1);
  m->step_hypers = m->hypers + model->hyper_count;
  m->arenas = (void **)(m->step_hypers + model->hyper_count);
  m->chosen = m->arenas + model->arena_count;
  m->use_schedule = gradc_find_entry(model, GRADC_SCHEDULE, 0, 0) != 0;
  m->seed = seed;
  m->team = model->team_create(threads);
  for (i = 0; i < model->hyper_count; ++i)
    m->hypers[i] = gradc_hyper_at(model, i)->default_value;
  for (i = 0; i < model->arena_count; ++i)
    m->memory_bytes += {name}_arena_bytes(m, i);
  m->memory = model->memory_create(m->memory_bytes);
  for (i = 0; m->memory && i < model->arena_count; ++i) {{
    m->arenas[i] = (char *)m->memory + at;
    at += {name}_arena_bytes(m, i);
  }}
  if (m->memory && {name}_run(m, GRADC_INIT, 0, 0, 0, m->hypers) == GRADC_OK)
    return m;
  {name}_destroy(m);
  return 0;
}}

/* A new instance with initial values drawn from `seed`; null when there is no table or no memory. */
static inline {name} *{name}_create(int64_t seed, int32_t threads) {{
  return {name}_create_from({symbol}(), seed, threads);
}}

/* The elements of a parameter, "{tensor}", optimizer slot, gradient, "{tensor}.grad", or buffer by its name; null when
 * there is none. */
static inline void *{name}_tensor({name} *m, const char *tensor) {{
  int32_t i;
  for (i = 0; i < m->model->tensor_count; ++i) {{
    const gradc_tensor *found = gradc_tensor_at(m->model, i);
    if (strcmp(found->name, tensor) == 0)
      return (char *)m->arenas[found->arena] + found->offset;
  }}
  return 0;
}}

/* m->arenas with null for what lives shorter than `lifetime`. */
static inline void *const *{name}_choose({name} *m, int32_t lifetime) {{
  int32_t i;
  for (i = 0; i < m->model->arena_count; ++i)
    m->chosen[i] = gradc_arena_at(m->model, i)->lifetime <= lifetime ? m->arenas[i] : 0;
  return m->chosen;
}}

/* Parameters, optimizer state and buffers as a safetensors file, written atomically. */
static inline int32_t {name}_save({name} *m, const char *path) {{
  return m->status = m->model->save(m->model, {name}_choose(m, GRADC_LIFE_RUN), m->model->arena_count, path, 0);
}}

/* Parameters, and the buffers that predictions need, from a file: enough to predict, or to begin a new training.
 * `message` may be null; on failure it tells what is wrong with the file, and nothing is changed. */
static inline int32_t {name}_load({name} *m, const char *path, char *message, int64_t message_bytes) {{
  return m->status = m->model->load(m->model, {name}_choose(m, GRADC_LIFE_MODEL), m->model->arena_count, path, message,
                                    message_bytes);
}}

/* Parameters, optimizer state and buffers, to go on after `step` updates as if there had been no interruption. */
static inline int32_t {name}_resume({name} *m, const char *path, int64_t step, char *message, int64_t message_bytes) {{
  m->status = m->model->load(m->model, {name}_choose(m, GRADC_LIFE_RUN), m->model->arena_count, path, message,
                             message_bytes);
  if (m->status == GRADC_OK)
    m->step = step;
  return m->status;
}}
)";

} // namespace gradc
