#include "ir/share.h"

#include <algorithm>
#include <map>
#include <set>

namespace gradc {
namespace {

constexpr int64_t kBufferBytes = 8 << 10; // of one shared value: a quarter of the smallest L1

class Sharer {
public:
  explicit Sharer(Kernel &k) : k_(k) {}

  // Shares the first candidate; false when there is none.
  bool step() {
    for (ExprId id = 0; id < static_cast<ExprId>(k_.exprs.size()); ++id) {
      const Expr &e = k_.expr(id);
      if (e.kind != Expr::Kind::op || !is_expensive(e.op))
        continue;
      std::vector<size_t> users = users_of(id);
      bool several = std::any_of(users.begin(), users.end(),
                                 [&](size_t s) { return k_.stages[s].axes != k_.stages[users[0]].axes; });
      if (several && fits(id)) {
        make_stage(id, users);
        return true;
      }
    }
    return false;
  }

private:
  std::vector<size_t> users_of(ExprId id) {
    std::vector<size_t> users;
    for (size_t s = 0; s < k_.stages.size(); ++s)
      if (k_.stages[s].body != id && below(k_.stages[s].body).contains(id))
        users.push_back(s);
    for (const Stage &stage : k_.stages)
      if (stage.body == id && stage.reduce.empty())
        return {}; // it has a stage already
    for (size_t s = 0; s < k_.stages.size(); ++s)
      if (k_.stages[s].body == id)
        users.push_back(s);
    std::sort(users.begin(), users.end());
    return users;
  }

  std::set<ExprId> below(ExprId root) {
    std::set<ExprId> seen;
    std::vector<ExprId> work{root};
    while (!work.empty()) {
      ExprId id = work.back();
      work.pop_back();
      if (!seen.insert(id).second)
        continue;
      const Expr &e = k_.expr(id);
      work.insert(work.end(), e.args.begin(), e.args.end());
      for (const IndexExpr &index : e.index)
        for (const IndexTerm &t : index.terms)
          if (!t.is_axis)
            work.push_back(t.id);
    }
    return seen;
  }

  // The axes of an expression: those all stages share first, then the others.
  std::vector<int> axes_of(ExprId id) {
    std::set<int> all = AxisSets(k_).of(id);
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
      bytes *= k_.axes[static_cast<size_t>(axes[i])].extent;
    return keeps_shared && bytes <= kBufferBytes;
  }

  void make_stage(ExprId id, const std::vector<size_t> &users) {
    int at = static_cast<int>(users[0]);
    Stage stage;
    stage.dtype = k_.expr(id).dtype;
    stage.axes = axes_of(id);
    stage.body = id;
    for (Expr &e : k_.exprs) // later stages move up by one
      if (e.kind == Expr::Kind::stage && e.target >= at)
        ++e.target;
    k_.hashes.clear();
    k_.stages.insert(k_.stages.begin() + at, stage);
    Expr ref{.kind = Expr::Kind::stage, .dtype = stage.dtype, .target = at};
    for (int a : stage.axes)
      ref.index.push_back(IndexExpr::axis(a));
    ExprId value = k_.intern(std::move(ref));
    for (size_t s : users) {
      std::map<ExprId, ExprId> image{{id, value}};
      k_.stages[s + 1].body = substitute(k_.stages[s + 1].body, image);
    }
    for (size_t s = 0; s < k_.stages.size(); ++s)
      k_.stages[s].name = "s" + std::to_string(s);
  }

  ExprId substitute(ExprId id, std::map<ExprId, ExprId> &image) {
    if (auto it = image.find(id); it != image.end())
      return it->second;
    Expr e = k_.expr(id);
    for (ExprId &arg : e.args)
      arg = substitute(arg, image);
    for (IndexExpr &index : e.index)
      for (IndexTerm &t : index.terms)
        if (!t.is_axis)
          t.id = substitute(t.id, image);
    return image[id] = k_.intern(std::move(e));
  }

  Kernel &k_;
};

} // namespace

void share_expensive(Kernel &kernel) {
  Sharer sharer(kernel);
  while (sharer.step()) {
  }
}

} // namespace gradc
