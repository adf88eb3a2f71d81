/* The C ABI between a compiled model and whoever runs it.
 *
 * A model is one constant table, `gradc_model`. JIT and shared object produce the same table. A shared object exports
 * one function for it, `const gradc_model *<name>_model(void)`: null when the processor lacks instructions that the
 * model was compiled for; the table of the best level it has, when compiled for several levels of x86-64.
 *
 * Only C types cross the boundary. No call throws, aborts, prints or touches a global: the caller owns all memory, so
 * one process can train any number of instances at once.
 *
 * The interface grows without breaking who was compiled before. Records get fields at their end, and the table says how
 * large its records are: walk its arrays with the functions below, never by an index. A call carries its own size, and
 * the fields it lacks are taken for zero. There may be more arenas, entries, kinds and statuses than this header names:
 * allocate every arena of the list, look entries up, and tell unknown statuses apart by their range. */
#ifndef GRADC_H
#define GRADC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRADC_ABI_VERSION 2
#define GRADC_MAX_RANK 8
#define GRADC_MAX_STEP INT64_MAX  /* as many updates cannot have been done: gradc_call.step is less */
#define GRADC_STACK_BYTES 65536 /* what a call of any function takes at most of the stack of its thread */

/* Element types. bool is one byte, 0 or 1. */
enum { GRADC_F32 = 0, GRADC_F64 = 1, GRADC_I32 = 2, GRADC_I64 = 3, GRADC_BOOL = 4 };

/* Kinds of arenas: blocks of memory that the caller provides. */
enum {
  GRADC_PARAMS = 0,   /* parameters: what is trained */
  GRADC_SLOTS = 1,    /* state of the optimizer */
  GRADC_GRADS = 2,    /* gradients: written by grad_step, read by apply */
  GRADC_WORKSPACE = 3, /* scratch of one call; may be shared by calls that do not overlap */
  GRADC_MODEL_BUFFERS = 4, /* state that is not trained and that predictions need: mean and deviation of the data */
  GRADC_RUN_BUFFERS = 5,   /* such state that only going on with a training needs */
  GRADC_CALL_BUFFERS = 6   /* such state of one sequence of calls */
};

/* How long what an arena holds matters, in falling order. */
enum {
  GRADC_LIFE_MODEL = 0, /* needed to predict: it belongs into every weights file */
  GRADC_LIFE_RUN = 1,   /* needed besides to go on with a training */
  GRADC_LIFE_CALL = 2   /* never saved */
};

/* Kinds of entries. */
enum {
  GRADC_OTHER = 0,      /* none of those below, e.g. a graph written by hand */
  GRADC_INIT = 1,       /* parameters <- initial values, slots <- 0, buffers <- what changes nothing */
  GRADC_TRAIN_STEP = 2, /* forward, backward and update; outputs: loss (f64, of the batch, before the update) */
  GRADC_GRAD_STEP = 3,  /* forward and backward, gradients to their arena; outputs: loss */
  GRADC_APPLY = 4,      /* update from the gradients in their arena */
  GRADC_EVALUATE = 5,   /* outputs: f64 sums over the batch; the signature says how a metric follows from them */
  GRADC_PREDICT = 6,    /* outputs: those of the model */
  GRADC_FIT = 8,        /* buffers <- statistics of the batch and of all batches before; to be called with the training
                           data before the first step. A model that standardizes nothing has no such entry */
  GRADC_CALIBRATE = 10, /* parameters <- scaled so that of the batch the linear output of each layer has variance 1; to be called
                           once, after init and fit. A model without an initializer that sees data has no such entry */
  GRADC_ACCUMULATE_STEP = 9, /* as grad_step, but gradients are added to those in their arena. A model whose optimizer does
                           not accumulate has no such entry */
  GRADC_SCHEDULE = 7    /* outputs: f64, the value at `step` of each scheduled hyper, named like it; reads their initial
                           values in `hypers`. A model without a schedule has no such entry */
};

/* Status of a call. gradc_model.status_message gives the text. */
enum {
  GRADC_OK = 0,

  /* 1 to 63: refused, as the caller is wrong. Nothing was changed. */
  GRADC_BAD_CALL = 1,      /* struct_size is below GRADC_CALL_LEAST, a flag is unknown, or an argument makes no sense */
  GRADC_NULL_POINTER = 2,  /* a pointer that is needed is null */
  GRADC_MISSING_ARENA = 3, /* an arena that the entry uses is null, or not among the call's */
  GRADC_NOT_COMPILED = 4,  /* there is no such entry, or not for this batch size */
  GRADC_BAD_LABEL = 5,     /* a label or a target is none: a class label is not in [0, classes), a probability not in [0, 1],
                              those of an example do not sum to 1; gradc_call.problem has its place */
  GRADC_BAD_HYPER = 6,     /* a hyper is no number or outside what the model can compute with, e.g. a dropout rate that is 1
                              in the model's type; gradc_call.problem says which */

  /* 64 to 127: the environment failed. Nothing was changed. */
  GRADC_OUT_OF_MEMORY = 64,
  GRADC_IO_ERROR = 65, /* a file cannot be opened, read, written or renamed */
  GRADC_BAD_FILE = 66, /* a weights file is truncated or malformed */
  GRADC_MISMATCH = 67, /* a weights file lacks a tensor, or has it with another shape or dtype */
  GRADC_BAD_VALUE = 68, /* a tensor to save or to load holds a number that is not finite, or one against its range */

  /* from 128: the call was carried out, and this is how it went. */
  GRADC_NOT_FINITE = 128 /* the loss of train_step or grad_step is infinite or no number */
};

/* A block of memory that the caller provides: `bytes`, and `thread_bytes` more for each thread of the team, aligned to
 * gradc_model.alignment. One block serves all entries. */
typedef struct gradc_arena {
  const char *name;
  int32_t kind;
  int32_t lifetime;
  int64_t bytes;
  int64_t thread_bytes;
} gradc_arena;

/* What the floats of a tensor may be beside finite; gradc_model.save and load refuse others. */
enum {
  GRADC_ANY = 0,
  GRADC_POSITIVE = 1,    /* above 0: deviations, which values are divided by */
  GRADC_NOT_NEGATIVE = 2 /* counts, sums of squares */
};

/* A tensor that lives in an arena: parameter, optimizer slot, gradient or buffer. Row-major, dense. */
typedef struct gradc_tensor {
  const char *name; /* "hidden.weight", "hidden.weight.m", "hidden.weight.grad" */
  int32_t dtype;
  int32_t arena; /* its number in the list of arenas */
  int32_t rank;
  int32_t range; /* GRADC_ANY, ...; unknown ones are as GRADC_ANY */
  int64_t dims[GRADC_MAX_RANK];
  int64_t offset; /* bytes from the start of the arena */
  int64_t bytes;
} gradc_tensor;

/* An input or output tensor. In `inputs` the dims are those of one example; in an entry's outputs they are exact. */
typedef struct gradc_value {
  const char *name;
  int32_t dtype;
  int32_t rank;
  int64_t dims[GRADC_MAX_RANK];
} gradc_value;

/* A number that can change from call to call without recompiling, e.g. learning_rate. */
typedef struct gradc_hyper {
  const char *name;
  double default_value;
} gradc_hyper;

/* A group of threads that work on one call at a time. Null means the calling thread alone. */
typedef struct gradc_team gradc_team;

/* Which value it was that a call was refused for. */
typedef struct gradc_problem {
  int32_t input; /* as in gradc_model.inputs; after GRADC_BAD_HYPER as in gradc_model.hypers */
  int32_t reserved;
  int64_t element; /* of that input, counted over the batch; of an example whose sum is wrong, the first */
} gradc_problem;

typedef struct gradc_call {
  uint32_t struct_size; /* sizeof(gradc_call) of the caller; what lies beyond is taken for zero */
  uint32_t flags;       /* 0: there are none yet */
  void *const *arenas;  /* as gradc_model.arenas; those that the entry does not use may be null */
  int32_t arena_count;
  int32_t reserved;
  const void *const *inputs; /* as gradc_model.inputs, each [batch, dims...]; those the entry does not read may be null */
  void *const *outputs;      /* as gradc_entry.outputs */
  const double *hypers;      /* as gradc_model.hypers, the values of this step; null: the defaults */
  int64_t seed;              /* randomness is a function of (seed, stream, step, element) */
  int64_t step;              /* count of updates done so far, from 0 and below GRADC_MAX_STEP */
  int64_t total_steps;       /* length of the run, for schedules that need it; 0: unknown */
  gradc_team *team;
  gradc_problem *problem; /* null, or where GRADC_BAD_LABEL and GRADC_BAD_HYPER tell the place */
} gradc_call;

/* The smallest struct_size: the call up to `team`. */
#define GRADC_CALL_LEAST 80

/* One compiled function. A call uses the first `workspace_bytes` of the workspace and, behind them, `thread_bytes` for
 * each thread of the team. */
typedef struct gradc_entry gradc_entry;
struct gradc_entry {
  const char *name; /* "train_step" */
  int32_t kind;
  int32_t phase; /* of a training that has several; 0 */
  int64_t batch; /* examples that it takes; 0 where it takes none */
  int64_t workspace_bytes;
  int64_t thread_bytes;
  int32_t output_count;
  int32_t reserved;
  const gradc_value *outputs;
  int32_t (*run)(const gradc_entry *self, const gradc_call *call);
  void *context; /* for engines that are not compiled code; null otherwise */
};

typedef struct gradc_model gradc_model;
struct gradc_model {
  uint32_t abi_version;
  uint32_t struct_size;
  const char *name;
  const char *signature; /* JSON: the model file as compiled, with every default filled in, and its metrics */
  int64_t alignment;     /* of every arena, in bytes */
  int32_t arena_count, tensor_count, input_count, hyper_count, entry_count;
  int32_t arena_size, tensor_size, value_size, hyper_size, entry_size; /* bytes from one record to the next */
  const gradc_arena *arenas;
  const gradc_tensor *tensors;
  const gradc_value *inputs;
  const gradc_hyper *hypers;
  const gradc_entry *entries;

  /* A team of `threads` threads, the caller included; null when threads <= 1 or none can be started. Results do not
   * depend on the number of threads. team_threads tells how many there are, 1 for null. In the child of a fork a team has
   * no threads but the caller, who does the work of all; there, too, it is to be destroyed. */
  gradc_team *(*team_create)(int32_t threads);
  void (*team_destroy)(gradc_team *team);
  int32_t (*team_threads)(const gradc_team *team);

  /* Writes (atomically: temporary file, fsync, rename) or reads the tensors of the arenas whose pointer is not null,
   * as safetensors. `metadata` is null or pairs of strings ended by a null pointer. Nothing is changed on failure. Numbers that
   * are not finite are refused in both directions: they would take the place of weights that are still good. With the state of
   * the optimizer `save` writes whose it is, and `load` refuses that of another. */
  int32_t (*save)(const gradc_model *model, void *const *arenas, int32_t arena_count, const char *path,
                  const char *const *metadata);
  int32_t (*load)(const gradc_model *model, void *const *arenas, int32_t arena_count, const char *path, char *message,
                  int64_t message_bytes); /* message: what is wrong with the file, or "" */
  const char *(*status_message)(int32_t status);

  /* Zeroed memory for arenas, in huge pages where it is large; null when there is none. A caller may bring its own
   * instead. memory_destroy takes the same number of bytes. */
  void *(*memory_create)(int64_t bytes);
  void (*memory_destroy)(void *memory, int64_t bytes);

  const char *optimizer; /* whose state the slots are: its type and their names, "adam m v". The tables of older libraries
                            end before it: gradc_optimizer reads it of any */
};

/* Did the call do its work? Otherwise it has changed nothing. */
static inline int gradc_succeeded(int32_t status) { return status == GRADC_OK || status >= 128; }

/* Does the table hold all that a host needs? No for null. */
static inline int gradc_is_compatible(const gradc_model *model) {
  return model && model->abi_version == GRADC_ABI_VERSION && model->struct_size >= offsetof(gradc_model, optimizer) &&
         model->arena_size >= (int32_t)sizeof(gradc_arena) && model->tensor_size >= (int32_t)sizeof(gradc_tensor) &&
         model->value_size >= (int32_t)sizeof(gradc_value) && model->hyper_size >= (int32_t)sizeof(gradc_hyper) &&
         model->entry_size >= (int32_t)sizeof(gradc_entry);
}

/* gradc_model.optimizer; null where the table does not say. */
static inline const char *gradc_optimizer(const gradc_model *model) {
  return model && model->struct_size >= sizeof(gradc_model) ? model->optimizer : 0;
}

/* The records of the table, counted from 0; null for a number that there is not. */
static inline const void *gradc_record(const void *first, int32_t number, int32_t size) {
  return (const char *)first + (int64_t)number * size;
}
static inline int gradc_is_below(int32_t number, int32_t count) { return number >= 0 && number < count; }
static inline const gradc_arena *gradc_arena_at(const gradc_model *model, int32_t number) {
  if (!model || !gradc_is_below(number, model->arena_count))
    return 0;
  return (const gradc_arena *)gradc_record(model->arenas, number, model->arena_size);
}
static inline const gradc_tensor *gradc_tensor_at(const gradc_model *model, int32_t number) {
  if (!model || !gradc_is_below(number, model->tensor_count))
    return 0;
  return (const gradc_tensor *)gradc_record(model->tensors, number, model->tensor_size);
}
static inline const gradc_value *gradc_input_at(const gradc_model *model, int32_t number) {
  if (!model || !gradc_is_below(number, model->input_count))
    return 0;
  return (const gradc_value *)gradc_record(model->inputs, number, model->value_size);
}
static inline const gradc_hyper *gradc_hyper_at(const gradc_model *model, int32_t number) {
  if (!model || !gradc_is_below(number, model->hyper_count))
    return 0;
  return (const gradc_hyper *)gradc_record(model->hypers, number, model->hyper_size);
}
static inline const gradc_entry *gradc_entry_at(const gradc_model *model, int32_t number) {
  if (!model || !gradc_is_below(number, model->entry_count))
    return 0;
  return (const gradc_entry *)gradc_record(model->entries, number, model->entry_size);
}
static inline const gradc_value *gradc_output_at(const gradc_model *model, const gradc_entry *entry, int32_t number) {
  if (!model || !entry || !gradc_is_below(number, entry->output_count))
    return 0;
  return (const gradc_value *)gradc_record(entry->outputs, number, model->value_size);
}

/* Does an entry of that kind compute gradients? Its one output is then the loss, by which it is judged as finite. */
static inline int gradc_computes_gradients(int32_t kind) {
  return kind == GRADC_TRAIN_STEP || kind == GRADC_GRAD_STEP || kind == GRADC_ACCUMULATE_STEP;
}

/* The entry of a kind and phase for `batch` examples; null when there is none. */
static inline const gradc_entry *gradc_find_entry(const gradc_model *model, int32_t kind, int32_t phase, int64_t batch) {
  int32_t i;
  for (i = 0; model && i < model->entry_count; ++i) {
    const gradc_entry *entry = gradc_entry_at(model, i);
    if (entry->kind == kind && entry->phase == phase && entry->batch == batch)
      return entry;
  }
  return 0;
}

/* Bytes that an arena takes for calls with teams of up to `threads` threads; 0 for null. */
static inline int64_t gradc_arena_bytes(const gradc_arena *arena, int32_t threads) {
  return !arena ? 0 : arena->bytes + (int64_t)(threads > 1 ? threads : 1) * arena->thread_bytes;
}

#ifdef __cplusplus
}
#endif
#endif
