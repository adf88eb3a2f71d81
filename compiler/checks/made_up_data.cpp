#include "compiler/checks/made_up_data.h"

#include "ir/tensor.h"

#include <cmath>
#include <numeric>
#include <random>

namespace gradc {
namespace {

/// Numbers in (0, 1), the same on every machine.
class Uniform {
public:
  explicit Uniform(int64_t seed) : random_(static_cast<uint64_t>(seed)) {}
  double operator()() { return (static_cast<double>(random_() >> 12) + 0.5) * 0x1p-52; }

private:
  std::mt19937_64 random_;
};

double within(const Domain &domain, double u) {
  if (std::isfinite(domain.least) && std::isfinite(domain.most))
    return domain.least + (domain.most - domain.least) * u;
  return std::isfinite(domain.least) ? domain.least + u : std::isfinite(domain.most) ? domain.most - u : 2 * u - 1;
}

Tensor integers(const ModelInput &input, const Type &type, Uniform &uniform) {
  const auto values = static_cast<double>(input.classes > 0 && type.dtype != DType::boolean ? input.classes : 2);
  Tensor tensor(type);
  for (int64_t i = 0; i < type.elements(); ++i)
    tensor.set_integer(i, static_cast<int64_t>(uniform() * values));
  return tensor;
}

Tensor floats(const ModelInput &input, const Type &type, Uniform &uniform) {
  const Domain domain = input.domain.value_or(Domain{});
  std::vector<double> values(static_cast<size_t>(type.elements()));
  for (double &value : values)
    value = within(domain, uniform());
  for (auto row = values.begin(); domain.row > 0 && row != values.end(); row += domain.row) {
    const double sum = std::accumulate(row, row + domain.row, 0.0);
    for (int64_t i = 0; i < domain.row; ++i)
      row[i] *= (domain.sum_least + domain.sum_most) / 2 / sum;
  }
  Tensor tensor(type);
  for (size_t i = 0; i < values.size(); ++i)
    tensor.set(static_cast<int64_t>(i), (values[i] - input.preprocessing.offset) / input.preprocessing.scale);
  return tensor;
}

} // namespace

runtime::Dataset made_up_data(const Model &model, int64_t rows, int64_t seed, DType float_dtype) {
  Uniform uniform(seed);
  runtime::Dataset data;
  for (const ModelInput &input : model.inputs) {
    Type type{input.dtype_in(float_dtype), {rows}};
    type.shape.insert(type.shape.end(), input.shape.begin(), input.shape.end());
    const std::vector<std::byte> bytes = (is_float(type.dtype) ? floats : integers)(input, type, uniform).to_bytes();
    const auto *begin = reinterpret_cast<const char *>(bytes.data());
    data.inputs.push_back({input.name, type.bytes() / rows, {begin, begin + bytes.size()}});
  }
  data.original_rows.resize(static_cast<size_t>(rows));
  std::iota(data.original_rows.begin(), data.original_rows.end(), 0);
  data.train = {0, rows};
  data.validation = data.test = {rows, rows};
  return data;
}

} // namespace gradc
