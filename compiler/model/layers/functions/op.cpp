// op: any primitive of ir/ops as a layer. Its keys are the attributes that the ops declare, and what is right for them is what
// the op says: a layer is checked by adding the op to a graph.
#include "compiler/model/layers/layer.h"
#include "ir/graph.h"
#include "ir/op.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace gradc {
namespace {

/// Two batches that no file knows of: what differs between their results is the batch axis.
constexpr int64_t kBatch = 10007, kOtherBatch = 10009;

const OpDef &op_of(const JsonValue &attrs) {
  const OpDef *op = find_op(attrs.string_at("op"));
  internal_check(op != nullptr, "the choices of 'op' are the ops");
  return *op;
}

/// Draws random numbers: its operands are seed and step, and its stream is that of the layer.
bool is_random(const OpDef &op) { return op.kind == OpKind::source && op.arity == 2; }

/// Is the attribute a key of the layer?
bool is_key(const OpDef &op, const AttrSpec &spec) { return !is_random(op) || spec.name != "stream"; }

AttrValue value_of(const JsonValue &json, AttrKind kind) {
  const bool integers =
      std::ranges::all_of(json.items, [](const JsonValue &item) { return item.is(JsonValue::Kind::integer); });
  std::vector<int64_t> whole;
  std::vector<double> numbers;
  for (const JsonValue &item : json.items)
    whole.push_back(item.integer), numbers.push_back(item.number);
  switch (kind) {
  case AttrKind::integer:
    return json.integer;
  case AttrKind::number:
    return json.is(JsonValue::Kind::integer) ? AttrValue(json.integer) : AttrValue(json.number);
  case AttrKind::boolean:
    return json.boolean;
  case AttrKind::string:
    return json.text;
  case AttrKind::integers:
    return whole;
  case AttrKind::numbers:
    return integers ? AttrValue(whole) : AttrValue(numbers);
  }
  throw InternalFault("an attribute of no kind");
}

Attr attr_of(const AttrSpec &spec, std::string_view doc) {
  switch (spec.kind) {
  case AttrKind::integer:
    return attr::integer(spec.name, doc);
  case AttrKind::number:
    return attr::number(spec.name, doc);
  case AttrKind::boolean:
    return attr::boolean(spec.name, doc);
  case AttrKind::string:
    return attr::string(spec.name, doc);
  case AttrKind::integers:
    return attr::list(spec.name, attr::integer("", ""), doc);
  case AttrKind::numbers:
    return attr::list(spec.name, attr::number("", ""), doc);
  }
  throw InternalFault("an attribute of no kind");
}

/// The attributes of all ops, each once.
std::vector<Attr> op_keys() {
  static std::deque<std::string> docs; // which the keys point to
  std::map<std::string_view, std::vector<std::pair<const OpDef *, const AttrSpec *>>> uses;
  for (const OpDef *op : all_ops())
    for (const AttrSpec &spec : op->attrs)
      if (is_key(*op, spec))
        uses[spec.name].emplace_back(op, &spec);
  std::vector<Attr> keys;
  for (const auto &[name, of_ops] : uses) {
    std::string &doc = docs.emplace_back();
    std::vector<Attr> kinds;
    for (const auto &[op, spec] : of_ops) {
      doc += fmt::format("{}{}: {}", doc.empty() ? "" : "; ", op->name, spec->doc);
      if (std::ranges::find(kinds, attr_of(*spec, "").kind, &Attr::kind) == kinds.end())
        kinds.push_back(attr_of(*spec, ""));
    }
    keys.push_back(kinds.size() == 1 ? attr_of(*of_ops[0].second, doc) : attr::any_of(name, kinds, doc));
    keys.back().default_doc = "as the op has it";
  }
  return keys;
}

/// Those of the layer's keys that are the op's. Throws LayerError.
Attrs attributes(const OpDef &op, const JsonValue &layer) {
  Attrs attrs;
  std::vector<std::string_view> known;
  for (const AttrSpec &spec : op.attrs) {
    const JsonValue *given = layer.find(spec.name);
    if (!is_key(op, spec))
      continue;
    known.push_back(spec.name);
    if (!given)
      continue;
    const Attr wanted = attr_of(spec, "");
    const bool list = wanted.kind == Attr::Kind::list;
    const bool fits = list == given->is(JsonValue::Kind::array) &&
                      (spec.kind == AttrKind::string) == given->is(JsonValue::Kind::string) &&
                      (spec.kind == AttrKind::boolean) == given->is(JsonValue::Kind::boolean) &&
                      (spec.kind != AttrKind::integer || given->is(JsonValue::Kind::integer));
    if (!fits)
      throw LayerError(std::string(spec.name),
                       fmt::format("'{}' of the op {} must be {}", spec.name, op.name, expected(wanted)));
    attrs.emplace(spec.name, value_of(*given, spec.kind));
  }
  for (const Attr &key : op_keys())
    if (layer.find(key.name) && std::ranges::find(known, key.name) == known.end())
      throw LayerError(std::string(key.name),
                       fmt::format("the op {} has no '{}'{}{}", op.name, key.name,
                                   known.empty() ? "; it has no attributes" : "; its attributes are ", fmt::join(known, ", ")));
  return attrs;
}

DType dtype_of(const JsonValue &attrs) { return *parse_dtype(attrs.string_at("dtype")); }

Shape with_batch(bool per_example, int64_t batch, Shape shape) {
  if (per_example)
    shape.insert(shape.begin(), batch);
  return shape;
}

/// The type that the file writes: of an op that cannot know it, or of one that may be told.
std::optional<Type> declared_type(const JsonValue &attrs, DType dtype, bool per_example, int64_t batch) {
  const JsonValue *written = attrs.find("shape");
  if (!written)
    return std::nullopt;
  Shape shape;
  for (const JsonValue &dim : written->items)
    shape.push_back(dim.integer);
  return Type{dtype, with_batch(per_example, batch, std::move(shape))};
}

/// The type of the result for a batch. Throws what the op says.
Type result_type(const OpDef &op, const LayerShapes &l, const Attrs &attrs, DType dtype, bool per_example, int64_t batch) {
  Graph graph;
  std::vector<Value> inputs;
  Attrs all = attrs;
  if (is_random(op)) {
    inputs = {graph.declare(Role::scalar, "seed", {DType::i64, {}}), graph.declare(Role::scalar, "step", {DType::i64, {}})};
    all.emplace("stream", int64_t{0});
  }
  for (const LayerInput &input : l.inputs)
    inputs.push_back(graph.declare(Role::input, fmt::format("x{}", inputs.size()),
                                   {input.dtype, with_batch(input.per_example, batch, input.shape)}));
  return graph.type(graph.add(op, std::move(inputs), std::move(all), "", declared_type(l.attrs, dtype, per_example, batch)));
}

/// "f32[batch,4]" for "f32[10007,4]".
std::string without_number(std::string text) {
  const std::string number = std::to_string(kBatch);
  for (size_t at = 0; (at = text.find(number, at)) != std::string::npos;)
    text.replace(at, number.size(), "batch");
  return text;
}

/// What the file leaves out: the result of `cast` has the shape of its operand, that of `reshape` its dtype.
void complete(const OpDef &op, LayerShapes &l) {
  if (op.type_rule != TypeRule::written) {
    if (const JsonValue *dtype = l.attrs.find("dtype");
        dtype && (!l.attrs.find("shape") || l.inputs.empty() || dtype_of(l.attrs) != l.inputs[0].dtype))
      throw LayerError("dtype", fmt::format("the op {} knows the type of its result; remove 'dtype'", op.name));
    return;
  }
  if (!l.attrs.find("dtype"))
    l.attrs.set("dtype",
                JsonValue::of(std::string(to_string(l.inputs.empty() ? DType::f32 : l.inputs[0].dtype)), l.attrs.span));
  if (l.attrs.find("shape"))
    return;
  if (op.name != "cast" || l.inputs.empty())
    throw LayerError("op", fmt::format("the op {} needs 'shape', that of its result for one example", op.name));
  JsonValue shape = JsonValue::array(l.attrs.span);
  for (int64_t dim : l.inputs[0].shape)
    shape.items.push_back(JsonValue::of(dim, l.attrs.span));
  l.attrs.set("shape", std::move(shape));
}

DType declared_dtype(const OpDef &op, const JsonValue &attrs, DType of_operand) {
  return op.type_rule == TypeRule::written ? dtype_of(attrs) : of_operand;
}

Shape shapes(LayerShapes &l) {
  const OpDef &op = op_of(l.attrs);
  const size_t operands = is_random(op) ? 0 : static_cast<size_t>(std::max(op.arity, 0));
  if (op.arity >= 0 && l.inputs.size() != operands)
    throw LayerError(
        "", fmt::format("the op {} reads {} value{}, got {}", op.name, operands, operands == 1 ? "" : "s", l.inputs.size()));
  complete(op, l);
  const Attrs attrs = attributes(op, l.attrs);
  const JsonValue *wanted = l.attrs.find("per_example");
  const bool may_choose = l.inputs.empty(), per_example = may_choose ? wanted && wanted->boolean : l.per_example;
  if (wanted && wanted->boolean != per_example)
    throw LayerError("per_example", fmt::format("the result is {}, as what the op reads is",
                                                per_example ? "per example" : "one for the whole batch"));
  const DType dtype = declared_dtype(op, l.attrs, l.inputs.empty() ? DType::f32 : l.inputs[0].dtype);
  Type result, other;
  try {
    result = result_type(op, l, attrs, dtype, per_example, kBatch);
    other = result_type(op, l, attrs, dtype, per_example, kOtherBatch);
  } catch (const Error &problem) {
    const bool of_one_key = op.attrs.size() == 1 && l.attrs.find(op.attrs[0].name);
    throw LayerError(of_one_key ? std::string(op.attrs[0].name) : "op", without_number(problem.what()));
  }
  l.per_example = per_example;
  l.dtype = result.dtype;
  l.attrs.set("per_example", JsonValue::of(per_example, l.attrs.span));
  if (!per_example)
    return result.shape;
  const bool batch_in_front = !result.shape.empty() && result.shape[0] == kBatch && other.shape[0] == kOtherBatch;
  Shape of_example = batch_in_front ? Shape(result.shape.begin() + 1, result.shape.end()) : Shape();
  if (!batch_in_front || Shape(other.shape.begin() + 1, other.shape.end()) != of_example)
    throw LayerError(
        "op", without_number(fmt::format("the result is {}; an op computes each example by itself, so the batch, axis 0 of "
                                         "what it reads, must be axis 0 of its result and no other",
                                         to_string(result))));
  return of_example;
}

Var build(const LayerBuild &b) {
  const OpDef &op = op_of(b.attrs);
  Attrs attrs = attributes(op, b.attrs);
  std::vector<Var> inputs = b.inputs;
  if (is_random(op)) {
    inputs = {b.seed, b.step};
    attrs.emplace("stream", b.stream);
  }
  const auto own = [&](DType dtype) { return dtype == DType::f32 ? b.dtype : dtype; };
  const DType dtype = own(declared_dtype(op, b.attrs, inputs.empty() ? DType::f32 : inputs[0].dtype()));
  const std::optional<Type> declared = declared_type(b.attrs, dtype, b.attrs.boolean_at("per_example"), b.batch);
  return inputs.empty() ? source(*b.seed.scope, op.name, std::move(attrs), *declared)
                        : apply(op.name, std::move(inputs), std::move(attrs), declared);
}

bool has_no_operands(const JsonValue &attrs) {
  const OpDef &op = op_of(attrs);
  return op.arity == 0 || is_random(op);
}

std::vector<std::string_view> op_names() {
  std::vector<std::string_view> names;
  for (const OpDef *op : all_ops())
    names.push_back(op->name);
  return names;
}

std::vector<Attr> keys() {
  std::vector<Attr> all = {
      attr::choice("op", op_names(), "which one; what they compute is written in ir/ops"),
      attr::list("shape", attr::integer("", "").at_least(0).at_most(kMaxDim),
                 "of the result, for one example: of ops that do not know it, "
                 "such as reshape, and of those that may be told")
          .items(0, kMaxRank - 1)
          .otherwise("found by the op"),
      attr::choice("dtype", {"f32", "i32", "i64", "bool"},
                   "of the result of ops that do not know it, such as cast; f32 is the type that the "
                   "model is compiled for")
          .otherwise("that of the first input, or f32"),
      attr::boolean("per_example", "of an op that reads nothing: whether it makes a value for each example")
          .otherwise("whether an input is per example; false where there is none")};
  for (Attr &key : op_keys())
    all.push_back(std::move(key));
  return all;
}

} // namespace

const LayerDef &layer_op();
const LayerDef &layer_op() {
  static const LayerDef def = {
      {"op",
       "A primitive of the compiler, for what no layer does. It reads values as they are: with the batch as axis 0 where they "
       "are per example, without where they are one for the whole batch, as those of `parameter`. The result has the batch as "
       "axis 0 if an input has. Attributes name axes and indices with the batch among them, `\"bi,io->bo\"`, but cannot know "
       "its extent; `shape` is that of one example. Operations on examples together are refused.",
       keys()},
      0,
      kAnyNumber,
      shapes,
      build,
      true,
      true,
      has_no_operands,
  };
  return def;
}

} // namespace gradc
