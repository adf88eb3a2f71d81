// The part of a generated header that is the same for every model: an instance, its memory, its weights. A fmt pattern
// of {name} (a C identifier), {NAME} (the same in capitals), {symbol} (what the shared object exports), {tensor} (the
// name of one) and {schedule} (statements that run the model's schedule into `gradc_hypers`).
//
// Every parameter and local variable begins with gradc_, as it could else be a name of the model, or a macro of the host.
#pragma once

#include <string_view>

namespace gradc {

inline constexpr std::string_view kFixedText = R"(
typedef struct {name} {{
  const gradc_model *model;
  double *hypers;       /* run-time arguments, at {NAME}_HYPER_... */
  int32_t use_schedule; /* 1: `hypers` are the initial values, and the model's schedule follows from them the values of
                           each step; 0: they are the values of the next step, as in a model without a schedule.
                           A schedule `plateau` is yours to follow: scale the initial value between two steps */
  int32_t status;       /* of the last call; GRADC_OK is 0 */
  gradc_problem problem; /* after GRADC_BAD_LABEL or GRADC_BAD_HYPER: which value it is */
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

/* Runs the entry of a kind, e.g. GRADC_PREDICT, for a batch of that many examples; the functions below are easier.
 * Without `gradc_hypers` those of the instance are taken. */
static inline int32_t {name}_run({name} *gradc_m, int32_t gradc_kind, int64_t gradc_batch,
                                 const void *const *gradc_inputs, void *const *gradc_outputs,
                                 const double *gradc_hypers) {{
  const gradc_entry *gradc_found;
  gradc_call gradc_c;
  if (!gradc_m)
    return GRADC_NULL_POINTER;
  gradc_found = gradc_find_entry(gradc_m->model, gradc_kind, 0, gradc_batch);
  if (!gradc_found)
    return gradc_m->status = GRADC_NOT_COMPILED;
  memset(&gradc_c, 0, sizeof gradc_c);
  gradc_c.struct_size = (uint32_t)sizeof gradc_c;
  gradc_c.arenas = gradc_m->arenas;
  gradc_c.arena_count = gradc_m->model->arena_count;
  gradc_c.inputs = gradc_inputs;
  gradc_c.outputs = gradc_outputs;
  gradc_c.hypers = gradc_hypers ? gradc_hypers : gradc_m->hypers;
  gradc_c.seed = gradc_m->seed;
  gradc_c.step = gradc_m->step;
  gradc_c.total_steps = gradc_m->total_steps;
  gradc_c.team = gradc_m->team;
  gradc_c.problem = &gradc_m->problem;
  return gradc_m->status = gradc_found->run(gradc_found, &gradc_c);
}}

/* What the status of an instance means. */
static inline const char *{name}_message(const {name} *gradc_m) {{
  return gradc_m ? gradc_m->model->status_message(gradc_m->status) : "there is no instance: the pointer to it is null";
}}

/* The run-time arguments of the next step, of which there are model->hyper_count. */
static inline int32_t {name}_hypers_of_step({name} *gradc_m, double *gradc_hypers) {{
  if (!gradc_m)
    return GRADC_NULL_POINTER;
  if (!gradc_hypers)
    return gradc_m->status = GRADC_NULL_POINTER;
  memcpy(gradc_hypers, gradc_m->hypers, (size_t)gradc_m->model->hyper_count * sizeof *gradc_hypers);
{schedule}
}}

/* Runs an entry that updates the parameters, and counts the step. */
static inline int32_t {name}_update({name} *gradc_m, int32_t gradc_kind, int64_t gradc_batch,
                                    const void *const *gradc_inputs, void *const *gradc_outputs) {{
  double *gradc_hypers = 0;
  if (!gradc_m)
    return GRADC_NULL_POINTER;
  if (gradc_m->use_schedule) {{
    gradc_hypers = gradc_m->step_hypers;
    if ({name}_hypers_of_step(gradc_m, gradc_hypers) != GRADC_OK)
      return gradc_m->status;
  }}
  if (gradc_succeeded({name}_run(gradc_m, gradc_kind, gradc_batch, gradc_inputs, gradc_outputs, gradc_hypers)))
    ++gradc_m->step;
  return gradc_m->status;
}}

/* Null is fine. */
static inline void {name}_destroy({name} *gradc_m) {{
  if (!gradc_m)
    return;
  gradc_m->model->team_destroy(gradc_m->team);
  gradc_m->model->memory_destroy(gradc_m->memory, gradc_m->memory_bytes);
  free(gradc_m);
}}

/* Bytes of one arena, so that the next is aligned too. */
static inline int64_t {name}_arena_bytes(const {name} *gradc_m, int32_t gradc_number) {{
  int64_t gradc_bytes, gradc_mask;
  if (!gradc_m)
    return 0;
  gradc_bytes = gradc_arena_bytes(gradc_arena_at(gradc_m->model, gradc_number),
                                  gradc_m->model->team_threads(gradc_m->team));
  gradc_mask = gradc_m->model->alignment - 1;
  return (gradc_bytes + gradc_mask) & ~gradc_mask;
}}

/* As {name}_create, for the table of a shared object that dlopen has opened: what its {symbol} returns. */
static inline {name} *{name}_create_from(const gradc_model *gradc_table, int64_t gradc_seed, int32_t gradc_threads) {{
  {name} *gradc_m;
  int64_t gradc_at = 0;
  int32_t gradc_i;
  if (!gradc_is_compatible(gradc_table))
    return 0;
  gradc_m = ({name} *)calloc(1, sizeof *gradc_m + 2 * (size_t)gradc_table->hyper_count * sizeof *gradc_m->hypers +
                                    2 * (size_t)gradc_table->arena_count * sizeof *gradc_m->arenas);
  if (!gradc_m)
    return 0;
  gradc_m->model = gradc_table;
  gradc_m->hypers = (double *)(gradc_m + 1);
  gradc_m->step_hypers = gradc_m->hypers + gradc_table->hyper_count;
  gradc_m->arenas = (void **)(gradc_m->step_hypers + gradc_table->hyper_count);
  gradc_m->chosen = gradc_m->arenas + gradc_table->arena_count;
  gradc_m->use_schedule = gradc_find_entry(gradc_table, GRADC_SCHEDULE, 0, 0) != 0;
  gradc_m->seed = gradc_seed;
  gradc_m->team = gradc_table->team_create(gradc_threads);
  for (gradc_i = 0; gradc_i < gradc_table->hyper_count; ++gradc_i)
    gradc_m->hypers[gradc_i] = gradc_hyper_at(gradc_table, gradc_i)->default_value;
  for (gradc_i = 0; gradc_i < gradc_table->arena_count; ++gradc_i)
    gradc_m->memory_bytes += {name}_arena_bytes(gradc_m, gradc_i);
  gradc_m->memory = gradc_table->memory_create(gradc_m->memory_bytes);
  for (gradc_i = 0; gradc_m->memory && gradc_i < gradc_table->arena_count; ++gradc_i) {{
    gradc_m->arenas[gradc_i] = (char *)gradc_m->memory + gradc_at;
    gradc_at += {name}_arena_bytes(gradc_m, gradc_i);
  }}
  if (gradc_m->memory && {name}_run(gradc_m, GRADC_INIT, 0, 0, 0, 0) == GRADC_OK)
    return gradc_m;
  {name}_destroy(gradc_m);
  return 0;
}}

/* A new instance with initial values drawn from `gradc_seed`; null when there is no table or no memory. */
static inline {name} *{name}_create(int64_t gradc_seed, int32_t gradc_threads) {{
  return {name}_create_from({symbol}(), gradc_seed, gradc_threads);
}}

/* The elements of a parameter, "{tensor}", optimizer slot, gradient, "{tensor}.grad", or buffer by its name; null when
 * there is none. */
static inline void *{name}_tensor({name} *gradc_m, const char *gradc_name) {{
  int32_t gradc_i;
  for (gradc_i = 0; gradc_m && gradc_name && gradc_i < gradc_m->model->tensor_count; ++gradc_i) {{
    const gradc_tensor *gradc_found = gradc_tensor_at(gradc_m->model, gradc_i);
    if (strcmp(gradc_found->name, gradc_name) == 0)
      return (char *)gradc_m->arenas[gradc_found->arena] + gradc_found->offset;
  }}
  return 0;
}}

/* The arenas, with null for what lives shorter than a lifetime. */
static inline void *const *{name}_choose({name} *gradc_m, int32_t gradc_lifetime) {{
  int32_t gradc_i;
  if (!gradc_m)
    return 0;
  for (gradc_i = 0; gradc_i < gradc_m->model->arena_count; ++gradc_i) {{
    int gradc_lives = gradc_arena_at(gradc_m->model, gradc_i)->lifetime <= gradc_lifetime;
    gradc_m->chosen[gradc_i] = gradc_lives ? gradc_m->arenas[gradc_i] : 0;
  }}
  return gradc_m->chosen;
}}

/* Parameters, optimizer state and buffers as a safetensors file, written atomically. */
static inline int32_t {name}_save({name} *gradc_m, const char *gradc_path) {{
  void *const *gradc_arenas = {name}_choose(gradc_m, GRADC_LIFE_RUN);
  if (!gradc_m)
    return GRADC_NULL_POINTER;
  return gradc_m->status =
             gradc_m->model->save(gradc_m->model, gradc_arenas, gradc_m->model->arena_count, gradc_path, 0);
}}

/* Parameters, and the buffers that predictions need, from a file: enough to predict, or to begin a new training.
 * `gradc_text`, where it is not null, gets at most `gradc_text_bytes` of text: on failure what is wrong with the file.
 * Nothing is changed then. */
static inline int32_t {name}_load({name} *gradc_m, const char *gradc_path, char *gradc_text,
                                  int64_t gradc_text_bytes) {{
  void *const *gradc_arenas = {name}_choose(gradc_m, GRADC_LIFE_MODEL);
  if (!gradc_m)
    return GRADC_NULL_POINTER;
  return gradc_m->status = gradc_m->model->load(gradc_m->model, gradc_arenas, gradc_m->model->arena_count, gradc_path,
                                                gradc_text, gradc_text_bytes);
}}

/* Parameters, optimizer state and buffers, to go on after `gradc_step` updates as if there had been no interruption. */
static inline int32_t {name}_resume({name} *gradc_m, const char *gradc_path, int64_t gradc_step, char *gradc_text,
                                    int64_t gradc_text_bytes) {{
  void *const *gradc_arenas = {name}_choose(gradc_m, GRADC_LIFE_RUN);
  if (!gradc_m)
    return GRADC_NULL_POINTER;
  if (gradc_step < 0 || gradc_step == GRADC_MAX_STEP)
    return gradc_m->status = GRADC_BAD_CALL;
  gradc_m->status = gradc_m->model->load(gradc_m->model, gradc_arenas, gradc_m->model->arena_count, gradc_path,
                                         gradc_text, gradc_text_bytes);
  if (gradc_m->status == GRADC_OK)
    gradc_m->step = gradc_step;
  return gradc_m->status;
}}
)";

} // namespace gradc
