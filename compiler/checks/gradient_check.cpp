#include "compiler/checks/gradient_check.h"

#include "compiler/checks/choices.h"
#include "compiler/engines/call_values.h"
#include "runtime/train/data/permutation.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace gradc {
namespace {

constexpr double kSteps[] = {1e-3, 1e-4, 1e-5, 1e-6}; // of an element that is at most 1
constexpr double kTelling = 1e-3; // the share of a difference that may be rounding where a step is shrunk

class GradientChecker {
public:
  GradientChecker(const gradc_entry &entry, const gradc_call &call, const ModelSpec &spec, const Graph &graph)
      : entry_(entry), call_(call), spec_(spec), graph_(graph) {
    settle();
    for (const Update &update : graph.updates)
      if (const Node &state = graph[update.target]; state.role == Role::buffer)
        buffers_.push_back({elements(update.target), {elements(update.target), elements(update.target) + state.type.elements()}});
    loss_ = loss();
    if (!std::isfinite(loss_))
      throw Error(fmt::format("the loss is {}: there is no gradient to check", loss_), "/loss");
  }

  TensorCheck check(const Update &update, const GradientCheckOptions &options) {
    const Node &grad = graph_[update.target];
    const Value param = *graph_.find(grad.name.substr(0, grad.name.size() - std::string_view(".grad").size()));
    TensorCheck result{graph_[param].name, grad.location, grad.type.shape};
    values_ = elements(param);
    loss();
    const double *gradients = elements(update.target);
    const std::vector<double> gradient(gradients, gradients + grad.type.elements());
    for (int64_t element : chosen(gradient, options))
      note(result, check_element(element, gradient[static_cast<size_t>(element)]));
    return result;
  }

private:
  double *elements(Value state) const { return reinterpret_cast<double *>(address_of(call_, graph_.plan->places[state])); }

  /// Lets buffers that a step moves come to rest, as spectral vectors do, which gradients take for constants: so the loss does not
  /// change through them when a parameter is moved.
  void settle() const {
    constexpr int kMost = 4000;
    const bool moves = std::ranges::any_of(graph_.updates, [&](const Update &u) { return graph_[u.target].role == Role::buffer; });
    double before = std::numeric_limits<double>::infinity();
    for (int i = 0; moves && i < kMost; ++i)
      if (const double now = loss(); now == before)
        return;
      else
        before = now;
  }

  /// Also writes the gradients. Buffers that a step moves, as spectral vectors, begin each time as they did the first.
  double loss() const {
    const int32_t status = entry_.run(&entry_, &call_);
    internal_check(gradc_succeeded(status), "a call that was checked is refused");
    for (const auto &[at, values] : buffers_)
      std::ranges::copy(values, at);
    return *static_cast<const double *>(call_.outputs[0]);
  }

  std::vector<int64_t> chosen(const std::vector<double> &gradient, const GradientCheckOptions &options) const {
    const auto size = static_cast<int64_t>(gradient.size());
    const bool all = options.all || size <= options.sample;
    const runtime::Permutation drawn(size, call_.seed, runtime::Stream::split);
    std::vector<int64_t> elements;
    for (int64_t i = 0; i < (all ? size : options.sample); ++i)
      elements.push_back(all ? i : drawn(i));
    const auto by_size = [](double a, double b) { return std::abs(a) < std::abs(b); };
    const auto largest = std::max_element(gradient.begin(), gradient.end(), by_size) - gradient.begin();
    if (size > 0 && std::ranges::find(elements, largest) == elements.end())
      elements.push_back(largest);
    return elements;
  }

  ElementCheck check_element(int64_t element, double gradient) {
    double &x = values_[element];
    const double middle = x;
    std::optional<ElementCheck> best;
    std::optional<Value> kink;
    for (double step : kSteps) {
      const double h = step * std::max(1.0, std::abs(middle));
      const ElementCheck check = difference(x, h, {element, gradient});
      if (step < kSteps[0] && rounding_at(h) > kTelling * (std::abs(check.gradient) + std::abs(check.difference)))
        break;
      if (check.error <= TensorCheck::kTolerance)
        return check;
      if (const std::optional<Value> found = choice_between(x, h)) {
        kink = found;
        continue;
      }
      const bool converged =
          best && std::abs(check.difference - best->difference) <= TensorCheck::kTolerance * std::abs(check.difference);
      if (!best || !(check.error >= best->error))
        best = check;
      if (converged)
        break;
    }
    return best ? *best : ElementCheck{element, gradient, 0, 0, graph_[*kink].location};
  }

  ElementCheck difference(double &x, double h, ElementCheck check) const {
    const double middle = x;
    const auto central = [&](double by) {
      x = middle + by;
      const double above = loss(), right = x;
      x = middle - by;
      const double slope = (above - loss()) / (right - x);
      x = middle;
      return slope;
    };
    check.difference = (4 * central(h / 2) - central(h)) / 3;
    const double size = std::abs(check.gradient) + std::abs(check.difference), rounding = rounding_at(h);
    const double off = std::abs(check.gradient - check.difference);
    check.error = off == 0 ? 0 : off / std::max(size, rounding / TensorCheck::kTolerance);
    if (!std::isfinite(check.error))
      check.error = std::numeric_limits<double>::infinity();
    return check;
  }

  /// What the difference for h may be off because the losses are rounded sums, of which the last 4 bits may be wrong.
  double rounding_at(double h) const { return 16 * std::numeric_limits<double>::epsilon() * std::abs(loss_) / h; }

  /// A node that decides otherwise at one of the ends than in the middle.
  std::optional<Value> choice_between(double &x, double h) {
    const double middle = x;
    if (here_.empty())
      here_ = interpret_all(graph_, call_values(call_, spec_, graph_));
    std::optional<Value> found;
    for (const double end : {middle + h, middle - h}) {
      x = end;
      if (!found)
        found = first_other_choice(graph_, here_, interpret_all(graph_, call_values(call_, spec_, graph_)));
    }
    x = middle;
    return found;
  }

  static void note(TensorCheck &tensor, const ElementCheck &check) {
    if (check.kink) {
      if (tensor.kinks++ == 0)
        tensor.kink = *check.kink;
    } else if (tensor.checked++ == 0 || check.error > tensor.worst.error) {
      tensor.worst = check;
    }
  }

  const gradc_entry &entry_;
  const gradc_call &call_;
  const ModelSpec &spec_;
  const Graph &graph_;
  std::vector<std::pair<double *, std::vector<double>>> buffers_; // where those lie that the entry writes, and how they begin
  double loss_ = 0;           // with the parameters as they are
  std::vector<Tensor> here_;  // all values there; empty as long as nobody has asked
  double *values_ = nullptr; // of the parameter that is checked
};

} // namespace

std::vector<TensorCheck> check_gradients(const gradc_entry &entry, const gradc_call &call, const ModelSpec &spec,
                                         const EntrySpec &source, const GradientCheckOptions &options) {
  GradientChecker checker(entry, call, spec, source.graph);
  std::vector<TensorCheck> checks;
  for (const Update &update : source.graph.updates)
    if (source.graph[update.target].role == Role::grad)
      checks.push_back(checker.check(update, options));
  std::ranges::stable_sort(checks, std::ranges::greater(), [](const TensorCheck &check) { return check.worst.error; });
  return checks;
}

void require_right(const std::vector<TensorCheck> &tensors) {
  const auto wrong = std::ranges::count_if(tensors, &TensorCheck::is_wrong);
  if (wrong > 0)
    throw Error(fmt::format("the gradient of {}'{}' is not that of the loss; "
                            "the fault is in this layer or in one that reads it",
                            wrong > 1 ? fmt::format("{} tensors, first of all ", wrong) : "", tensors[0].name),
                tensors[0].location);
}

} // namespace gradc
