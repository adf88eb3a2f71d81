// The part of a generated header that is the same for every model: an instance, its memory, its weights. A fmt pattern
// of {name} (a C identifier), {NAME} (the same in capitals), {symbol} (what the shared object exports), {tensor} (the
// name of one) and {hyper_slots}.
#pragma once

#include <string_view>

namespace gradc {

inline constexpr std::string_view kFixedText = R"(
typedef struct {name} {{
  const gradc_model *model;
  void *memory; /* one allocation that holds the arenas */
  int64_t memory_bytes;
  void *arenas[GRADC_ARENAS];
  gradc_team *team;
  int64_t seed;
  int64_t step;        /* updates done so far */
  int64_t total_steps; /* length of the run, for schedules that need it; 0: unknown */
  int32_t status;      /* of the last call; GRADC_OK is 0 */
  double hypers[{hyper_slots}];    /* run-time arguments, at {NAME}_HYPER_... */
}} {name};

/* The table of the model: signature, sizes, tensors, entry points. What the shared object exports. Null when this
 * processor lacks instructions that the model was compiled for. */
const gradc_model *{symbol}(void);

/* Runs the entry point `entry` for `batch` examples; the functions below are easier. */
static inline int32_t {name}_run({name} *m, const char *entry, int64_t batch, const void *const *inputs,
                                 void *const *outputs) {{
  const gradc_model *model = m->model;
  gradc_call call;
  int32_t i;
  memset(&call, 0, sizeof call);
  call.struct_size = (uint32_t)sizeof call;
  for (i = 0; i < GRADC_ARENAS; ++i)
    call.arenas[i] = m->arenas[i];
  call.inputs = inputs;
  call.outputs = outputs;
  call.hypers = m->hypers;
  call.seed = m->seed;
  call.step = m->step;
  call.total_steps = m->total_steps;
  call.team = m->team;
  for (i = 0; i < model->entry_count; ++i)
    if (model->entries[i].batch == batch && strcmp(model->entries[i].name, entry) == 0)
      return m->status = model->entries[i].run(&model->entries[i], &call);
  return m->status = GRADC_BAD_CALL; /* not compiled for this batch size */
}}

/* What m->status means. */
static inline const char *{name}_message(const {name} *m) {{ return m->model->status_message(m->status); }}

static inline void {name}_destroy({name} *m) {{
  if (!m)
    return;
  m->model->team_destroy(m->team);
  m->model->memory_destroy(m->memory, m->memory_bytes);
  free(m);
}}

/* As {name}_create, for the table of a shared object that dlopen has opened: what its {symbol} returns. */
static inline {name} *{name}_create_from(const gradc_model *model, int64_t seed, int32_t threads) {{
  {name} *m;
  int64_t mask, at = 0;
  int32_t i;
  if (!model || model->abi_version != GRADC_ABI_VERSION || model->struct_size < sizeof *model)
    return 0;
  m = ({name} *)calloc(1, sizeof *m);
  if (!m)
    return 0;
  mask = model->alignment - 1;
  for (i = 0; i < GRADC_ARENAS; ++i)
    m->memory_bytes += (model->arena_bytes[i] + mask) & ~mask;
  m->memory = model->memory_create(m->memory_bytes);
  if (!m->memory) {{
    free(m);
    return 0;
  }}
  for (i = 0; i < GRADC_ARENAS; ++i) {{
    m->arenas[i] = (char *)m->memory + at;
    at += (model->arena_bytes[i] + mask) & ~mask;
  }}
  for (i = 0; i < model->hyper_count; ++i)
    m->hypers[i] = model->hypers[i].default_value;
  m->model = model;
  m->seed = seed;
  m->team = model->team_create(threads);
  if ({name}_run(m, "init", 0, 0, 0) == GRADC_OK)
    return m;
  {name}_destroy(m);
  return 0;
}}

/* A new instance with initial values drawn from `seed`; null when there is no table or no memory. */
static inline {name} *{name}_create(int64_t seed, int32_t threads) {{
  return {name}_create_from({symbol}(), seed, threads);
}}

/* The elements of a parameter or optimizer slot by its name, e.g. "{tensor}"; null when there is none. */
static inline void *{name}_tensor({name} *m, const char *tensor) {{
  int32_t i;
  for (i = 0; i < m->model->tensor_count; ++i)
    if (strcmp(m->model->tensors[i].name, tensor) == 0)
      return (char *)m->arenas[m->model->tensors[i].arena] + m->model->tensors[i].offset;
  return 0;
}}

/* Parameters and optimizer state as a safetensors file, written atomically. */
static inline int32_t {name}_save({name} *m, const char *path) {{
  void *arenas[GRADC_ARENAS] = {{0, 0, 0, 0}};
  arenas[GRADC_PARAMS] = m->arenas[GRADC_PARAMS];
  arenas[GRADC_SLOTS] = m->arenas[GRADC_SLOTS];
  return m->status = m->model->save(m->model, arenas, path, 0);
}}

/* Parameters from a file: enough to predict, or to begin a new training. `message` may be null; on failure it tells
 * what is wrong with the file, and nothing is changed. */
static inline int32_t {name}_load({name} *m, const char *path, char *message, int64_t message_bytes) {{
  void *arenas[GRADC_ARENAS] = {{0, 0, 0, 0}};
  arenas[GRADC_PARAMS] = m->arenas[GRADC_PARAMS];
  return m->status = m->model->load(m->model, arenas, path, message, message_bytes);
}}

/* Parameters and optimizer state, to go on after `step` updates as if there had been no interruption. */
static inline int32_t {name}_resume({name} *m, const char *path, int64_t step, char *message, int64_t message_bytes) {{
  void *arenas[GRADC_ARENAS] = {{0, 0, 0, 0}};
  arenas[GRADC_PARAMS] = m->arenas[GRADC_PARAMS];
  arenas[GRADC_SLOTS] = m->arenas[GRADC_SLOTS];
  m->status = m->model->load(m->model, arenas, path, message, message_bytes);
  if (m->status == GRADC_OK)
    m->step = step;
  return m->status;
}}
)";

} // namespace gradc
