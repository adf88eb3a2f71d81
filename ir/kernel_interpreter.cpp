#include "ir/kernel_interpreter.h"

#include "ir/error.h"

#include <cmath>
#include <limits>

namespace gradc {
namespace {

// A scalar of any dtype; floats in `number`, the rest in `integer`.
struct Scalar {
  double number = 0;
  int64_t integer = 0;
};

/// Sums of integers wrap, which signed arithmetic in C++ must not.
int64_t wrapping_add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

class KernelInterpreter {
public:
  KernelInterpreter(const Kernel &kernel, std::vector<Tensor> &params)
      : k_(kernel), params_(params), point_(kernel.axes.size(), 0) {}

  void run() {
    for (const Stage &stage : k_.stages)
      values_.emplace_back(Type{stage.dtype, extents(stage.axes)});
    for (size_t s = 0; s < k_.stages.size(); ++s)
      run_stage(s);
  }

private:
  Shape extents(const std::vector<int> &axes) const {
    Shape shape;
    for (int a : axes)
      shape.push_back(k_.axes[static_cast<size_t>(a)].extent);
    return shape;
  }

  template <typename Visit> void each_point(const std::vector<int> &axes, Visit visit) {
    for_each_index(extents(axes), [&](const std::vector<int64_t> &index) {
      for (size_t d = 0; d < axes.size(); ++d)
        point_[static_cast<size_t>(axes[d])] = index[d];
      visit();
    });
  }

  static void put(Tensor &tensor, int64_t at, const Scalar &value) {
    if (is_float(tensor.type.dtype))
      tensor.set(at, value.number);
    else
      tensor.set_integer(at, value.integer);
  }
  static Scalar get(const Tensor &tensor, int64_t at) {
    size_t i = static_cast<size_t>(at);
    return is_float(tensor.type.dtype) ? Scalar{tensor.floats[i], 0} : Scalar{0, tensor.integers[i]};
  }
  static Scalar rounded(DType dtype, Scalar value) {
    Tensor cell(Type{dtype, {}});
    put(cell, 0, value);
    return get(cell, 0);
  }

  void run_stage(size_t s) {
    const Stage &stage = k_.stages[s];
    int64_t at = 0;
    each_point(stage.axes, [&] {
      Scalar value = stage.reduce.empty() ? eval(stage.body) : reduced(stage);
      put(values_[s], at++, value);
      if (stage.store < 0)
        return;
      Tensor &target = params_[static_cast<size_t>(stage.store)];
      int64_t where = position(target.type.shape, stage.store_index);
      if (stage.accumulate) {
        Scalar old = get(target, where);
        value = {old.number + value.number, wrapping_add(old.integer, value.integer)};
      }
      put(target, where, value);
    });
  }

  Scalar reduced(const Stage &stage) {
    bool f = is_float(k_.expr(stage.body).dtype);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    Scalar total = stage.combiner == Combiner::sum ? Scalar{} : Scalar{-kInfinity, std::numeric_limits<int64_t>::min()};
    int64_t position = 0, best = 0;
    each_point(stage.reduce, [&] {
      Scalar term = eval(stage.body);
      if (stage.combiner == Combiner::sum) {
        total.number += term.number;
        total.integer = wrapping_add(total.integer, term.integer);
      } else {
        bool larger = f ? term.number > total.number || (std::isnan(term.number) && !std::isnan(total.number))
                        : term.integer > total.integer;
        if (larger) {
          total = term;
          best = position;
        }
      }
      ++position;
    });
    return stage.combiner == Combiner::argmax ? Scalar{0, best} : total;
  }

  int64_t index_at(const IndexExpr &index) {
    auto value = static_cast<uint64_t>(index.offset); // a computed index may be any integer, so the sum wraps
    for (const IndexTerm &t : index.terms) {
      const int64_t variable = t.is_axis ? point_[static_cast<size_t>(t.id)] : eval(t.id).integer;
      value += static_cast<uint64_t>(t.coefficient) * static_cast<uint64_t>(variable);
    }
    return static_cast<int64_t>(value);
  }

  // Row-major position; -1 when outside.
  int64_t position(const Shape &shape, const Index &index) {
    int64_t flat = 0;
    for (size_t d = 0; d < shape.size(); ++d) {
      int64_t i = index_at(index[d]);
      if (i < 0 || i >= shape[d])
        return -1;
      flat = flat * shape[d] + i;
    }
    return flat;
  }

  Scalar eval(ExprId id) {
    const Expr &e = k_.expr(id);
    switch (e.kind) {
    case Expr::Kind::literal: return rounded(e.dtype, {e.number, e.integer});
    case Expr::Kind::index: return {0, index_at(e.index[0])};
    case Expr::Kind::load: {
      const Tensor &tensor = params_[static_cast<size_t>(e.target)];
      int64_t at = position(tensor.type.shape, e.index);
      if (at < 0) {
        internal_check(e.padded, "a load leaves the bounds of its parameter");
        return rounded(e.dtype, {e.number, e.integer});
      }
      return get(tensor, at);
    }
    case Expr::Kind::stage: {
      const Tensor &tensor = values_[static_cast<size_t>(e.target)];
      return get(tensor, position(tensor.type.shape, e.index));
    }
    case Expr::Kind::op: return apply(e);
    }
    throw InternalFault("unknown kind of expression");
  }

  Scalar apply(const Expr &e) {
    if (e.op == ScalarOp::select)
      return eval(e.args[0]).integer ? eval(e.args[1]) : eval(e.args[2]);
    DType operand = k_.expr(e.args[0]).dtype;
    double numbers[5] = {};
    int64_t integers[5] = {};
    for (size_t i = 0; i < e.args.size(); ++i) {
      Scalar value = eval(e.args[i]);
      numbers[i] = value.number;
      integers[i] = value.integer;
    }
    if (e.op == ScalarOp::cast && !is_float(operand) && is_float(e.dtype))
      return rounded(e.dtype, {static_cast<double>(integers[0]), 0});
    if (!is_float(operand))
      return rounded(e.dtype, {0, evaluate_scalar(e.op, operand, e.dtype, integers)});
    Tensor cell(Type{e.dtype, {}});
    cell.set(0, evaluate_scalar(e.op, operand, e.dtype, numbers));
    return get(cell, 0);
  }

  const Kernel &k_;
  std::vector<Tensor> &params_;
  std::vector<int64_t> point_;
  std::vector<Tensor> values_; // one a stage
};

} // namespace

void interpret_kernel(const Kernel &kernel, std::vector<Tensor> &params) {
  for (size_t i = 0; i < kernel.params.size(); ++i)
    if (i >= params.size() || params[i].type != kernel.params[i].type)
      throw Error("kernel " + kernel.name + ": parameter " + kernel.params[i].name + " must be " +
                  to_string(kernel.params[i].type));
  KernelInterpreter(kernel, params).run();
}

} // namespace gradc
