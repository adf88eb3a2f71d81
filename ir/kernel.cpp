// Index arithmetic, hash-consing and the shared axes of the kernel IR.
#include "ir/kernel.h"

#include "ir/error.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace gradc {

int IndexExpr::plain_axis() const {
  bool plain = offset == 0 && terms.size() == 1 && terms[0].is_axis && terms[0].coefficient == 1;
  return plain ? terms[0].id : -1;
}

bool IndexExpr::is_affine() const {
  return std::all_of(terms.begin(), terms.end(), [](const IndexTerm &t) { return t.is_axis; });
}

int64_t IndexExpr::coefficient_of(int axis) const {
  for (const IndexTerm &t : terms)
    if (t.is_axis && t.id == axis)
      return t.coefficient;
  return 0;
}

static bool same_variable(const IndexTerm &a, const IndexTerm &b) {
  return a.is_axis == b.is_axis && a.id == b.id;
}

IndexExpr operator+(const IndexExpr &a, const IndexExpr &b) {
  IndexExpr sum{checked_add(a.offset, b.offset), a.terms};
  for (const IndexTerm &term : b.terms) {
    auto it = std::find_if(sum.terms.begin(), sum.terms.end(),
                           [&](const IndexTerm &t) { return same_variable(t, term); });
    if (it == sum.terms.end())
      sum.terms.push_back(term);
    else
      it->coefficient = checked_add(it->coefficient, term.coefficient);
  }
  std::erase_if(sum.terms, [](const IndexTerm &t) { return t.coefficient == 0; });
  std::sort(sum.terms.begin(), sum.terms.end(), [](const IndexTerm &x, const IndexTerm &y) {
    return std::pair(x.is_axis, x.id) < std::pair(y.is_axis, y.id);
  });
  return sum;
}

IndexExpr operator+(const IndexExpr &a, int64_t b) { return a + IndexExpr::constant(b); }

IndexExpr operator*(const IndexExpr &a, int64_t factor) {
  if (factor == 0)
    return IndexExpr::constant(0);
  IndexExpr product = a;
  product.offset = checked_multiply(product.offset, factor);
  for (IndexTerm &term : product.terms)
    term.coefficient = checked_multiply(term.coefficient, factor);
  return product;
}

Expr Expr::literal(Number number, DType dtype) {
  number = number_of(dtype, number);
  Expr e{.kind = Kind::literal, .dtype = dtype};
  if (is_float(dtype))
    e.number = std::get<double>(number);
  else
    e.integer = std::get<int64_t>(number);
  return e;
}

bool operator==(const Expr &a, const Expr &b) {
  auto parts = [](const Expr &e) {
    return std::tie(e.kind, e.dtype, e.op, e.padded, e.target, e.integer, e.index, e.args);
  };
  return std::bit_cast<uint64_t>(a.number) == std::bit_cast<uint64_t>(b.number) && parts(a) == parts(b);
}

std::string_view to_string(Combiner c) {
  switch (c) {
  case Combiner::none: return "none";
  case Combiner::sum: return "sum";
  case Combiner::max: return "max";
  case Combiner::argmax: return "argmax";
  }
  throw InternalFault("unknown combiner");
}

static size_t hash_of(const Expr &e) {
  size_t hash = 0;
  auto mix = [&](size_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15u + (hash >> 29); };
  mix(static_cast<size_t>(e.kind) << 16 | static_cast<size_t>(e.op) << 8 | static_cast<size_t>(e.dtype));
  mix(static_cast<size_t>(e.target));
  mix(static_cast<size_t>(e.integer));
  mix(std::bit_cast<uint64_t>(e.number));
  for (ExprId arg : e.args)
    mix(static_cast<size_t>(arg));
  for (const IndexExpr &index : e.index) {
    mix(static_cast<size_t>(index.offset));
    for (const IndexTerm &t : index.terms)
      mix(static_cast<size_t>(t.coefficient) << 20 ^ static_cast<size_t>(t.id) << 1 ^ static_cast<size_t>(t.is_axis));
  }
  return hash;
}

ExprId Kernel::intern(Expr expr) {
  while (hashes.size() < exprs.size())
    hashes.push_back(hash_of(exprs[hashes.size()]));
  size_t hash = hash_of(expr);
  for (size_t i = 0; i < exprs.size(); ++i)
    if (hashes[i] == hash && exprs[i] == expr)
      return static_cast<ExprId>(i);
  exprs.push_back(std::move(expr));
  hashes.push_back(hash);
  return static_cast<ExprId>(exprs.size() - 1);
}

std::vector<ExprId> expressions_of(const Kernel &kernel, const Stage &stage) {
  std::vector<ExprId> found;
  std::vector<bool> seen(kernel.exprs.size(), false);
  std::vector<ExprId> work{stage.body};
  auto add = [&](const Index &index) {
    for (const IndexExpr &i : index)
      for (const IndexTerm &t : i.terms)
        if (!t.is_axis)
          work.push_back(t.id);
  };
  add(stage.store_index);
  while (!work.empty()) {
    const ExprId id = work.back();
    work.pop_back();
    if (seen[static_cast<size_t>(id)])
      continue;
    seen[static_cast<size_t>(id)] = true;
    found.push_back(id);
    const Expr &e = kernel.expr(id);
    work.insert(work.end(), e.args.begin(), e.args.end());
    add(e.index);
  }
  return found;
}

const std::set<int> &AxisSets::of(ExprId id) {
  if (auto it = known_.find(id); it != known_.end())
    return it->second;
  const Expr &e = kernel_.expr(id);
  std::set<int> axes = of(e.index);
  for (ExprId arg : e.args)
    axes.insert(of(arg).begin(), of(arg).end());
  return known_[id] = std::move(axes);
}

std::set<int> AxisSets::of(const Index &index) {
  std::set<int> axes;
  for (const IndexExpr &i : index)
    for (const IndexTerm &t : i.terms)
      if (t.is_axis)
        axes.insert(t.id);
      else
        axes.insert(of(t.id).begin(), of(t.id).end());
  return axes;
}

std::vector<int> Kernel::shared_axes() const {
  if (stages.empty())
    return {};
  std::vector<int> shared = stages[0].axes;
  for (const Stage &stage : stages) {
    auto end = std::mismatch(shared.begin(), shared.end(), stage.axes.begin(), stage.axes.end()).first;
    shared.erase(end, shared.end());
  }
  return shared;
}

} // namespace gradc
