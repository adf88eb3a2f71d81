// The initializers. xavier_*: Glorot and Bengio 2010, variance 2 / (fan_in + fan_out); he_*: He et al. 2015,
// variance 2 / fan_in; lecun_*: LeCun et al. 1998, variance 1 / fan_in. A uniform distribution on [-a, a] has variance a^2 / 3.
#include "compiler/model/tables/initializers.h"

#include "compiler/model/tables/activations.h"
#include "compiler/model/tables/initial_values.h"
#include "ir/error.h"

#include <cmath>
#include <fmt/format.h>

namespace gradc {
namespace {

/// How many elements each output reads: the product of all dims but the last.
double fan_in(const Initial &i) {
  const Shape &shape = i.type.shape;
  return shape.empty() || shape.back() == 0 ? 1 : static_cast<double>(i.type.elements() / shape.back());
}

/// How many elements of outputs read each input; in a convolution at every place of the window, which are the dims before the last
/// two.
double fan_out(const Initial &i) {
  const Shape &shape = i.type.shape;
  if (shape.size() < 2)
    return shape.empty() ? 1 : static_cast<double>(shape.back());
  return static_cast<double>(element_count(Shape(shape.begin(), shape.end() - 2)) * shape.back());
}

Var normal(const Initial &i, double mean, double deviation) {
  if (deviation == 0)
    return constant(*i.seed.scope, mean, i.type);
  return i.draw("random_normal", i.type) * deviation + mean;
}

Var uniform(const Initial &i, double mean, double deviation) {
  if (deviation == 0)
    return constant(*i.seed.scope, mean, i.type);
  const double reach = deviation * std::sqrt(3.0); // from [0, 1) to [mean - reach, mean + reach)
  return i.draw("random_uniform", i.type) * (2 * reach) + (mean - reach);
}

/// The key "gain": a number, or that of an activation.
double gain_of(const JsonValue &attrs) {
  const JsonValue *gain = attrs.find("gain");
  if (!gain)
    return 1;
  return gain->is(JsonValue::Kind::object) ? find_activation(*gain).gain(*gain) : gain->number;
}

Attr gain_key() {
  return attr::any_of("gain", {attr::number("", "").above(0), attr::one_of("", activations(), "")},
                      "the deviation is this times as large; an activation stands for that of torch.nn.init.calculate_gain")
      .otherwise("1");
}

struct InitializerDef {
  ObjectSpec spec;
  Var (*value)(const Initial &);
  /// What is wrong with the attributes together, or with the shape; null where nothing can be.
  std::string (*problem)(const JsonValue &attrs, const Shape &) = nullptr;
};

std::string empty_range(const JsonValue &a, const Shape &) {
  return a.number_at("min") <= a.number_at("max") ? "" : "'min' is above 'max'";
}

std::string no_gain(const JsonValue &attrs, const Shape &) {
  const JsonValue *gain = attrs.find("gain");
  if (!gain || !gain->is(JsonValue::Kind::object) || find_activation(*gain).gain)
    return "";
  return fmt::format("no gain is customary for '{}'; give a number", gain->string_at("type"));
}

std::string no_matrix(const JsonValue &, const Shape &shape) {
  return shape.size() == 2 ? "" : fmt::format("it is for matrices, and the shape is {}", to_string(shape));
}

std::string no_rows(const JsonValue &, const Shape &shape) {
  return shape.size() >= 2 ? "" : fmt::format("it needs two axes, and the shape is {}", to_string(shape));
}

std::string no_gain_or_rows(const JsonValue &attrs, const Shape &shape) {
  const std::string problem = no_gain(attrs, shape);
  return problem.empty() ? no_rows(attrs, shape) : problem;
}

std::string no_tensor_file(const JsonValue &attrs, const Shape &) {
  const std::string &path = attrs.string_at("path");
  if (path.ends_with(".npy"))
    return attrs.find("tensor") ? "an .npy file holds one array, without a name; remove 'tensor'" : "";
  return path.ends_with(".safetensors") ? "" : fmt::format("expected a path that ends in .npy or .safetensors, got '{}'", path);
}

const std::vector<InitializerDef> &table() {
  using attr::number;
  static const std::vector<InitializerDef> defs = {
      {{"zeros", "All zero.", {}}, [](const Initial &i) { return normal(i, 0, 0); }},
      {{"constant", "All equal.", {number("value", "the value")}},
       [](const Initial &i) { return normal(i, i.attrs.number_at("value"), 0); }},
      {{"normal",
        "Normal distribution.",
        {number("mean", "its mean").defaults_to("0"),
         number("stddev", "its standard deviation").at_least(0).defaults_to("0.05")}},
       [](const Initial &i) { return normal(i, i.attrs.number_at("mean"), i.attrs.number_at("stddev")); }},
      {{"truncated_normal",
        "Normal distribution without what is farther than 2 stddev from the mean, as in Keras; of PyTorch's trunc_normal_ with "
        "a = mean - 2 stddev and b = mean + 2 stddev.",
        {number("mean", "its mean").defaults_to("0"),
         number("stddev", "the standard deviation before values are left out").at_least(0).defaults_to("0.05")}},
       truncated_normal},
      {{"uniform",
        "Uniform distribution on [min, max).",
        {number("min", "lower end").defaults_to("-0.05"), number("max", "upper end").defaults_to("0.05")}},
       [](const Initial &i) {
         const double low = i.attrs.number_at("min"), high = i.attrs.number_at("max");
         return uniform(i, (low + high) / 2, (high - low) / 2 / std::sqrt(3.0));
       },
       empty_range},
      {{"xavier_uniform", "Uniform with variance gain^2 * 2 / (fan_in + fan_out).", {gain_key()}},
       [](const Initial &i) { return uniform(i, 0, gain_of(i.attrs) * std::sqrt(2 / (fan_in(i) + fan_out(i)))); },
       no_gain},
      {{"xavier_normal", "Normal with variance gain^2 * 2 / (fan_in + fan_out).", {gain_key()}},
       [](const Initial &i) { return normal(i, 0, gain_of(i.attrs) * std::sqrt(2 / (fan_in(i) + fan_out(i)))); },
       no_gain},
      {{"he_uniform", "Uniform with variance 2 / fan_in: lecun_uniform with the gain of relu.", {}},
       [](const Initial &i) { return uniform(i, 0, std::sqrt(2 / fan_in(i))); }},
      {{"he_normal", "Normal with variance 2 / fan_in: lecun_normal with the gain of relu.", {}},
       [](const Initial &i) { return normal(i, 0, std::sqrt(2 / fan_in(i))); }},
      {{"lecun_uniform",
        "Uniform with variance gain^2 / fan_in; with a gain, PyTorch's kaiming_uniform_ of a nonlinearity.",
        {gain_key()}},
       [](const Initial &i) { return uniform(i, 0, gain_of(i.attrs) * std::sqrt(1 / fan_in(i))); },
       no_gain},
      {{"lecun_normal",
        "Normal with variance gain^2 / fan_in; with a gain, PyTorch's kaiming_normal_ of a nonlinearity. Keras truncates it.",
        {gain_key()}},
       [](const Initial &i) { return normal(i, 0, gain_of(i.attrs) * std::sqrt(1 / fan_in(i))); },
       no_gain},
      {{"orthogonal",
        "gain times a random matrix whose rows or columns, the fewer of them, are orthonormal (Saxe et al. 2014). Leading axes "
        "are taken as one.",
        {gain_key()}},
       [](const Initial &i) { return orthogonal(i, gain_of(i.attrs)); },
       no_gain_or_rows},
      {{"sparse",
        "Normal with mean 0; of the weights of each input ceil(sparsity * outputs), chosen at random, are 0, as in PyTorch's "
        "sparse_.",
        {number("sparsity", "the share of zeros").at_least(0).at_most(1),
         number("stddev", "standard deviation of the others").at_least(0).defaults_to("0.01")}},
       sparse,
       no_rows},
      {{"lsuv",
        "orthogonal, then scaled so that of the first train.batch_size examples the linear output of the layer, before the bias, has "
        "variance 1, one layer after the other (Mishkin and Matas 2016). For weights of dense and of convolutions.",
        {}},
       [](const Initial &i) { return orthogonal(i, 1); },
       no_rows},
      {{"from_file",
        "The numbers of a file, which becomes a part of the compiled model.",
        {attr::string("path", "an .npy or .safetensors file, relative to the model file"),
         attr::string("tensor", "the name in a .safetensors file").otherwise("the name of the parameter")}},
       from_file,
       no_tensor_file},
      {{"identity", "1 on the diagonal of a matrix, else 0.", {}}, identity, no_matrix},
  };
  return defs;
}

const InitializerDef &find(const JsonValue &initializer) {
  for (const InitializerDef &def : table())
    if (def.spec.name == initializer.string_at("type"))
      return def;
  throw InternalFault("no such initializer");
}

} // namespace

const Family &initializers() {
  static const Family family = [] {
    Family f{"initializer", "Initial values of a parameter.", {}, {}, true};
    for (const InitializerDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

Var initial_value(const Initial &i) { return find(i.attrs).value(i); }

bool is_calibrated(const JsonValue &initializer) { return initializer.string_at("type") == "lsuv"; }

std::string problem_of(const JsonValue &initializer, const Shape &shape) {
  const InitializerDef &def = find(initializer);
  return def.problem ? def.problem(initializer, shape) : "";
}

} // namespace gradc
