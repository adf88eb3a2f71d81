// What a declared value is for its caller, and where values live. Text, planner, verifiers, engines and reports read the
// two tables of this file and keep no list of their own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gradc {

/// Where a value lives. `arena` spaces are blocks of memory that the caller provides and the plan divides by offsets; in
/// the others a value has a position: the third input, the first output.
enum class Space : uint8_t {
  none,
  input,
  scalar,
  params,
  slots,
  grads,
  workspace,
  model_buffers,
  run_buffers,
  call_buffers,
  output,
  constant,
};

/// How long the bytes of an arena mean something.
enum class Lifetime : uint8_t {
  model, // prediction reads them: in every weights file
  run,   // going on with a run needs them: in checkpoints
  call,  // of one call, or of one sequence of calls: never saved
};

struct SpaceInfo {
  Space space;
  std::string_view name; // in graph text
  int arena = -1;        // its number in the list of arenas of runtime/gradc.h; -1: not an arena
  Lifetime lifetime = Lifetime::call;
};
/// Every space but `none`; arenas in the order of their numbers.
std::span<const SpaceInfo> spaces();
const SpaceInfo &info(Space); // InternalFault for `none`
bool is_arena(Space);
std::string_view to_string(Space);

/// What a declared value is for its caller; `none` for the result of an op.
enum class Role : uint8_t {
  none,
  input,  // a data tensor of the call, batch first
  scalar, // a rank-0 run-time argument: seed, step, total_steps (i64) or a hyper-parameter (f64)
  param,  // trainable state
  slot,   // optimizer state
  grad,   // a gradient that crosses entry points (grad_step writes it, apply reads it)
  buffer, // state that is not trained: statistics of the data, a running mean
};

struct RoleInfo {
  Role role;
  std::string_view name; // in graph text
  Space space;           // of its values; those of a buffer depend on its lifetime
  bool is_state;         // lives in an arena from call to call, and may be updated
};
/// Every role but `none`.
std::span<const RoleInfo> roles();
const RoleInfo &info(Role); // InternalFault for `none`
bool is_state(Role);
std::string_view to_string(Role);

/// Which entries write a buffer.
enum class Writer : uint8_t {
  fit,    // the entry that takes statistics of the data before training
  data,   // entries that see data and compute gradients: train_step, grad_step
  update, // entries that update parameters: train_step, apply
};

/// What tells buffers apart.
struct BufferKind {
  Lifetime lifetime = Lifetime::model;
  Writer writer = Writer::fit;
  friend bool operator==(const BufferKind &, const BufferKind &) = default;
};
Space space_of(const BufferKind &);

std::string_view to_string(Lifetime);
std::string_view to_string(Writer);
std::optional<Lifetime> parse_lifetime(std::string_view);
std::optional<Writer> parse_writer(std::string_view);

} // namespace gradc
