#include "compiler/reports/kernel_cost.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {
namespace {

class CostCounter {
public:
  explicit CostCounter(const Kernel &k) : k_(k), axes_(k) {}

  KernelCost run() {
    for (const Stage &stage : k_.stages) {
      visit(stage.body);
      std::set<int> axes(stage.axes.begin(), stage.axes.end());
      if (stage.store >= 0)
        count_store(stage, axes);
      axes.insert(stage.reduce.begin(), stage.reduce.end());
      if (stage.combiner != Combiner::none && is_float(k_.expr(stage.body).dtype))
        cost_.flop += points(axes);
    }
    for (const auto *accesses : {&read_, &written_})
      for (const auto &[param, indices] : *accesses)
        cost_.bytes += bytes_of(k_.params[static_cast<size_t>(param)].type, indices);
    return cost_;
  }

private:
  double points(const std::set<int> &axes) const {
    double product = 1;
    for (int axis : axes)
      product *= static_cast<double>(k_.axes[static_cast<size_t>(axis)].extent);
    return product;
  }

  void visit_terms(const Index &index) {
    for (const IndexExpr &i : index)
      for (const IndexTerm &t : i.terms)
        if (!t.is_axis)
          visit(t.id);
  }

  void visit(ExprId id) {
    if (!seen_.insert(id).second)
      return;
    const Expr &e = k_.expr(id);
    const auto is_float_expr = [&](ExprId arg) { return is_float(k_.expr(arg).dtype); };
    if (e.kind == Expr::Kind::load)
      read_[e.target].insert(e.index);
    if (e.kind == Expr::Kind::op && std::any_of(e.args.begin(), e.args.end(), is_float_expr))
      cost_.flop += row_of(e.op).flop * points(axes_.of(id));
    for (ExprId arg : e.args)
      visit(arg);
    visit_terms(e.index);
  }

  void count_store(const Stage &stage, const std::set<int> &axes) {
    visit_terms(stage.store_index);
    written_[stage.store].insert(stage.store_index);
    if (!stage.accumulate)
      return;
    read_[stage.store].insert(stage.store_index);
    if (is_float(stage.dtype))
      cost_.flop += points(axes);
  }

  // At most: two accesses may reach the same elements, two points the same element.
  double bytes_of(const Type &type, const std::set<Index> &indices) {
    double elements = 0;
    for (const Index &index : indices)
      elements += points(axes_.of(index));
    return std::min(elements, static_cast<double>(type.elements())) * static_cast<double>(size_of(type.dtype));
  }

  const Kernel &k_;
  KernelCost cost_;
  std::set<ExprId> seen_;
  AxisSets axes_;
  std::map<int, std::set<Index>> read_, written_; // by parameter
};

} // namespace

KernelCost cost_of(const Kernel &kernel) { return CostCounter(kernel).run(); }

} // namespace gradc
