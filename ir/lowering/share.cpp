#include "ir/lowering/share.h"

#include "ir/lowering/nests.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {
namespace {

constexpr int64_t kBufferBytes = 8 << 10; // of one shared value: a quarter of the smallest L1

// `id` with images in place of some expressions; `image` learns that of every expression below.
ExprId substitute(Kernel &k, ExprId id, std::map<ExprId, ExprId> &image) {
  if (auto it = image.find(id); it != image.end())
    return it->second;
  Expr e = k.expr(id);
  for (ExprId &arg : e.args)
    arg = substitute(k, arg, image);
  for (IndexExpr &index : e.index)
    for (IndexTerm &t : index.terms)
      if (!t.is_axis)
        t.id = substitute(k, t.id, image);
  return image[id] = k.intern(std::move(e));
}

class Sharer {
public:
  explicit Sharer(Kernel &k) : k_(k) {}

  // Shares the first candidate; false when there is none.
  bool step() {
    evaluated_.clear();
    for (const Stage &stage : k_.stages) {
      evaluated_.emplace_back(k_.exprs.size(), false);
      for (ExprId id : expressions_of(k_, stage))
        evaluated_.back()[static_cast<size_t>(id)] = true;
    }
    const std::set<ExprId> factors = repeated_factors();
    for (ExprId id = 0; id < static_cast<ExprId>(k_.exprs.size()); ++id) {
      const Expr &e = k_.expr(id);
      if (e.kind != Expr::Kind::op || !(is_expensive(e.op) || factors.contains(id)))
        continue;
      const std::optional<size_t> owner = owner_of(id);
      const std::vector<size_t> users = users_of(id, owner);
      if (users.empty() || !(in_several_nests(users, owner) || factors.contains(id)) || !fits(id))
        continue;
      if (owner && *owner < users[0])
        refer(id, *owner, users);
      else
        make_stage(id, owner, users);
      return true;
    }
    return false;
  }

private:
  // The stage whose value an expression is already.
  std::optional<size_t> owner_of(ExprId id) const {
    for (size_t s = 0; s < k_.stages.size(); ++s)
      if (k_.stages[s].body == id && k_.stages[s].reduce.empty())
        return s;
    return std::nullopt;
  }

  // The stages that evaluate an expression, but for its owner.
  std::vector<size_t> users_of(ExprId id, std::optional<size_t> owner) const {
    std::vector<size_t> users;
    for (size_t s = 0; s < k_.stages.size(); ++s)
      if (s != owner && evaluated_[s][static_cast<size_t>(id)])
        users.push_back(s);
    return users;
  }

  bool in_several_nests(const std::vector<size_t> &users, std::optional<size_t> owner) const {
    const std::vector<int> &axes = k_.stages[owner.value_or(users[0])].axes;
    return std::any_of(users.begin(), users.end(), [&](size_t s) { return k_.stages[s].axes != axes; });
  }

  // What a sum of products would evaluate again for many of its points.
  std::set<ExprId> repeated_factors() const {
    AxisSets axes(k_);
    std::set<ExprId> factors;
    for (const Stage &stage : k_.stages)
      if (sums_products(k_, stage))
        for (ExprId factor : k_.expr(stage.body).args)
          if (axes.of(factor).size() < stage.axes.size() + stage.reduce.size())
            factors.insert(factor);
    return factors;
  }

  // The axes of an expression: as other stages order them; else those all stages share first, then the others.
  std::vector<int> axes_of(ExprId id) {
    std::set<int> all = AxisSets(k_).of(id);
    for (const Stage &stage : k_.stages)
      if (std::set<int>(stage.axes.begin(), stage.axes.end()) == all)
        return stage.axes;
    std::vector<int> axes;
    for (int a : k_.shared_axes())
      if (all.erase(a))
        axes.push_back(a);
    axes.insert(axes.end(), all.begin(), all.end());
    return axes;
  }

  bool fits(ExprId id) {
    std::vector<int> axes = axes_of(id), shared = k_.shared_axes();
    bool keeps_shared = axes.size() >= shared.size() && std::equal(shared.begin(), shared.end(), axes.begin());
    int64_t bytes = size_of(k_.expr(id).dtype);
    for (size_t i = shared.size(); i < axes.size(); ++i)
      bytes = checked_multiply(bytes, k_.axes[static_cast<size_t>(axes[i])].extent);
    return keeps_shared && bytes <= kBufferBytes;
  }

  void make_stage(ExprId id, std::optional<size_t> owner, std::vector<size_t> users) {
    if (owner)
      users.push_back(*owner);
    const int at = static_cast<int>(users[0]);
    Stage stage;
    stage.dtype = k_.expr(id).dtype;
    stage.axes = axes_of(id);
    stage.body = id;
    for (Expr &e : k_.exprs) // later stages move up by one
      if (e.kind == Expr::Kind::stage && e.target >= at)
        ++e.target;
    k_.hashes.clear();
    k_.stages.insert(k_.stages.begin() + at, stage);
    for (size_t &s : users)
      ++s;
    refer(id, static_cast<size_t>(at), users);
    for (size_t s = 0; s < k_.stages.size(); ++s)
      k_.stages[s].name = "s" + std::to_string(s);
  }

  // Makes users read a stage instead of evaluating its body.
  void refer(ExprId id, size_t stage, const std::vector<size_t> &users) {
    Expr ref{.kind = Expr::Kind::stage, .dtype = k_.expr(id).dtype, .target = static_cast<int32_t>(stage)};
    for (int a : k_.stages[stage].axes)
      ref.index.push_back(IndexExpr::axis(a));
    const ExprId value = k_.intern(std::move(ref));
    for (size_t s : users) {
      std::map<ExprId, ExprId> image{{id, value}};
      k_.stages[s].body = substitute(k_, k_.stages[s].body, image);
    }
  }

  Kernel &k_;
  std::vector<std::vector<bool>> evaluated_; // by each stage: which expressions
};

} // namespace

void read_stored_values(Kernel &k) {
  const std::vector<int> shared = k.shared_axes();
  if (shared.empty()) // the nests run one after the other, each over all of its points
    return;
  const std::vector<int> nests = nests_of(k);
  for (size_t number = 0; number < k.stages.size(); ++number) {
    const Stage stage = k.stages[number];
    int64_t bytes = size_of(stage.dtype);
    for (int a : stage.axes)
      if (std::find(shared.begin(), shared.end(), a) == shared.end())
        bytes = checked_multiply(bytes, k.axes[static_cast<size_t>(a)].extent);
    const bool computes = !stage.reduce.empty() || k.expr(stage.body).kind == Expr::Kind::op;
    if (stage.store < 0 || stage.accumulate || !computes || bytes <= kBufferBytes)
      continue;
    Expr load{.kind = Expr::Kind::load, .dtype = stage.dtype, .target = stage.store, .index = stage.store_index};
    Expr ref{.kind = Expr::Kind::stage, .dtype = stage.dtype, .target = static_cast<int32_t>(number)};
    for (int a : stage.axes)
      ref.index.push_back(IndexExpr::axis(a));
    const ExprId from = k.intern(ref), to = k.intern(load);
    for (size_t s = number + 1; s < k.stages.size(); ++s)
      if (nests[s] != nests[number]) {
        std::map<ExprId, ExprId> image{{from, to}};
        if (stage.reduce.empty())
          image.emplace(stage.body, to);
        k.stages[s].body = substitute(k, k.stages[s].body, image);
      }
  }
}

void share_values(Kernel &kernel) {
  Sharer sharer(kernel);
  while (sharer.step()) {
  }
}

} // namespace gradc
