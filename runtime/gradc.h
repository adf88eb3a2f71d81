/* The C ABI between a compiled model and whoever runs it.
 *
 * A model is one constant table, `gradc_model`. JIT and shared object produce the same table. A shared object exports
 * one function for it, `const gradc_model *<name>_model(void)`: null when the processor lacks instructions that the
 * model was compiled for; the table of the best level it has, when compiled for several levels of x86-64.
 *
 * Only C types cross the boundary; structs carry their size first and only ever grow at the end. No call throws,
 * aborts, prints or touches a global: the caller owns all memory, so one process can train any number of instances at
 * once. */
#ifndef GRADC_H
#define GRADC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GRADC_ABI_VERSION 1
#define GRADC_MAX_RANK 8

/* Element types. bool is one byte, 0 or 1. */
enum { GRADC_F32 = 0, GRADC_F64 = 1, GRADC_I32 = 2, GRADC_I64 = 3, GRADC_BOOL = 4 };

/* The blocks of memory the caller provides, each aligned to gradc_model.alignment. */
enum {
  GRADC_PARAMS = 0,    /* parameters: what a checkpoint must hold to predict */
  GRADC_SLOTS = 1,     /* optimizer state: what it must hold besides to go on training */
  GRADC_GRADS = 2,     /* gradients: written by grad_step, read by apply */
  GRADC_WORKSPACE = 3, /* scratch of one call; may be shared by calls that do not overlap */
  GRADC_ARENAS = 4
};

/* Status of a call. gradc_model.status_message gives the text. */
enum {
  GRADC_OK = 0,
  GRADC_BAD_CALL = 1,     /* struct_size unknown, or a pointer the entry needs is null */
  GRADC_OUT_OF_MEMORY = 2,
  GRADC_IO_ERROR = 3,     /* a file cannot be opened, read, written or renamed */
  GRADC_BAD_FILE = 4,     /* a weights file is truncated or malformed */
  GRADC_MISMATCH = 5      /* a weights file lacks a tensor, or has it with another shape or dtype */
};

/* A tensor that lives in an arena: parameter, optimizer slot or gradient. Row-major, dense. */
typedef struct gradc_tensor {
  const char *name; /* "hidden.weight", "hidden.weight.m", "hidden.weight.grad" */
  int32_t dtype;
  int32_t arena;
  int32_t rank;
  int32_t reserved;
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

typedef struct gradc_call {
  uint32_t struct_size; /* sizeof(gradc_call) of the caller */
  uint32_t reserved;
  void *arenas[GRADC_ARENAS];
  const void *const *inputs; /* as gradc_model.inputs, each [batch, dims...]; entries take those they use */
  void *const *outputs;      /* as gradc_entry.outputs */
  const double *hypers;      /* as gradc_model.hypers; null: the defaults */
  int64_t seed;              /* randomness is a function of (seed, stream, step, element) */
  int64_t step;              /* 0-based count of updates done so far */
  int64_t total_steps;       /* length of the run, for schedules that need it; 0: unknown */
  gradc_team *team;
} gradc_call;

/* One compiled function.
 *   "init"        params <- initial values, slots <- 0
 *   "train_step"  forward, backward and update; outputs: loss (f64, of the batch, before the update)
 *   "grad_step"   forward and backward, gradients to GRADC_GRADS; outputs: loss
 *   "apply"       update from GRADC_GRADS
 *   "evaluate"    outputs: f64 sums over the batch from which the signature says how to compute each metric
 *   "predict"     outputs: the model's outputs
 *   "schedule"    outputs: the learning rate (f64) that train_step and apply use at `step`
 * hypers hold the initial learning rate; the schedule is part of the compiled update. */
typedef struct gradc_entry gradc_entry;
struct gradc_entry {
  const char *name;
  int64_t batch; /* 0 where the entry takes no examples */
  int64_t workspace_bytes;
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
  int64_t arena_bytes[GRADC_ARENAS];
  int32_t tensor_count, input_count, hyper_count, entry_count;
  const gradc_tensor *tensors;
  const gradc_value *inputs;
  const gradc_hyper *hypers;
  const gradc_entry *entries;

  /* A team of `threads` threads, the caller included; null when threads <= 1 or none can be started. Results do not
   * depend on the number of threads. */
  gradc_team *(*team_create)(int32_t threads);
  void (*team_destroy)(gradc_team *team);

  /* Writes (atomically: temporary file, fsync, rename) or reads the tensors of the arenas whose pointer is not null,
   * as safetensors. `metadata` is null or pairs of strings ended by a null pointer. Nothing is changed on failure. */
  int32_t (*save)(const gradc_model *model, void *const arenas[GRADC_ARENAS], const char *path,
                  const char *const *metadata);
  int32_t (*load)(const gradc_model *model, void *const arenas[GRADC_ARENAS], const char *path,
                  char *message, int64_t message_bytes); /* message: what is wrong with the file, or "" */
  const char *(*status_message)(int32_t status);

  /* Zeroed memory for arenas, in huge pages where it is large; null when there is none. A caller may bring its own
   * instead. memory_destroy takes the same number of bytes. */
  void *(*memory_create)(int64_t bytes);
  void (*memory_destroy)(void *memory, int64_t bytes);
};

#ifdef __cplusplus
}
#endif
#endif
