// The metrics. Sums are taken in f64, so that evaluation over many batches adds no error of its own.
#include "compiler/model/tables/metrics.h"

#include "compiler/model/expressions/expression.h"
#include "ir/error.h"

#include <cmath>

namespace gradc {
namespace {

/// Divides by the elements of one example, so that the mean over examples is the mean over elements.
Var per_example(Var values) {
  const int64_t elements = values.type().elements() / std::max<int64_t>(values.shape()[0], 1);
  return sum(values) * (1.0 / static_cast<double>(std::max<int64_t>(elements, 1)));
}

/// Whether a label counts nowhere.
Var is_ignored(const MetricBuild &b) { return equal(b.target, static_cast<double>(*b.ignored)); }

/// Which answers are called a yes: sigmoid(prediction) > threshold.
Var is_called_yes(const MetricBuild &b) {
  const double threshold = b.attrs.find("threshold") ? b.attrs.number_at("threshold") : 0.5;
  return greater(b.prediction, std::log(threshold / (1 - threshold)));
}

std::vector<Var> accuracy(const MetricBuild &b) {
  if (answers_yes_or_no(b.link))
    return {per_example(cast(equal(is_called_yes(b), greater(b.target, 0.5)), DType::f64))};
  const Var chosen = argmax_last(b.prediction);
  const Var wanted = is_float(b.target.dtype()) ? argmax_last(b.target) : b.target;
  const Var right = cast(equal(cast(chosen, wanted.dtype()), wanted), DType::f64);
  if (!b.ignored)
    return {per_example(right)};
  const Var counts = select(is_ignored(b), 0, number_like(right, 1));
  return {per_example(counts * right), per_example(counts)};
}

std::vector<Var> absolute_error(const MetricBuild &b) {
  return {per_example(abs(cast(b.prediction, DType::f64) - cast(b.target, DType::f64)))};
}

std::vector<Var> determination(const MetricBuild &b) {
  const Var t = cast(b.target, DType::f64);
  const Var count = number_like(t, static_cast<double>(t.type().elements())), batch_mean = sum(t) / count;
  return {sum(square(cast(b.prediction, DType::f64) - t)), count, batch_mean, sum(square(t - batch_mean))};
}

/// As a matrix whose rows are the answers that count one by one.
Var as_rows(Var values, int64_t columns) {
  const int64_t elements = values.type().elements();
  return reshape(values, {columns == 0 ? 0 : elements / columns, columns});
}

/// [rows, classes] as f64: 1 where an example is of the class. Of yes/no answers every element of an example is a class.
Var wanted_classes(const MetricBuild &b) {
  const int64_t classes = judged_classes(b.link, b.prediction.shape());
  if (answers_yes_or_no(b.link))
    return as_rows(cast(greater(b.target, 0.5), DType::f64), classes);
  const Var labels = is_float(b.target.dtype()) ? argmax_last(b.target) : b.target;
  return as_rows(cast(one_hot(labels, classes), DType::f64), classes);
}

/// The same for what the example is called.
Var called_classes(const MetricBuild &b) {
  const int64_t classes = judged_classes(b.link, b.prediction.shape());
  if (answers_yes_or_no(b.link))
    return as_rows(cast(is_called_yes(b), DType::f64), classes);
  const Var called = as_rows(cast(one_hot(argmax_last(b.prediction), classes), DType::f64), classes);
  return b.ignored ? select(as_rows(is_ignored(b), 1), 0, called) : called;
}

std::vector<Var> class_counts(const MetricBuild &b) {
  const Var wanted = wanted_classes(b), called = called_classes(b);
  return {sum(wanted * called, {0}, false), sum(called, {0}, false), sum(wanted, {0}, false)};
}

/// Entry [i, j] counts examples of class i that were called j. Yes/no answers have the classes no and yes.
std::vector<Var> confusion(const MetricBuild &b) {
  Var wanted = wanted_classes(b), called = called_classes(b);
  if (answers_yes_or_no(b.link)) {
    auto no_or_yes = [](Var yes) { return as_rows(cast(one_hot(cast(reshape(yes, {yes.type().elements()}), DType::i64), 2), DType::f64), 2); };
    wanted = no_or_yes(wanted), called = no_or_yes(called);
  }
  const Type counts{DType::f64, {wanted.shape()[1], called.shape()[1]}};
  return {apply("contract", {wanted, called}, {{"indices", "ap,aq->pq"}}, counts)};
}

/// Scores that order the examples, for each class, and whether they are of it. -1 says that a label counts nowhere. Probabilities in f64: those in f32 would be 1
/// for all that are confident, and so have no order.
std::vector<Var> ranking(const MetricBuild &b) {
  const Var scores = cast(b.prediction, DType::f64);
  const int64_t classes = judged_classes(b.link, b.prediction.shape());
  const Var wanted = wanted_classes(b);
  return {as_rows(b.link == Link::softmax ? softmax(scores) : scores, classes),
          b.ignored ? select(as_rows(is_ignored(b), 1), -1, wanted) : wanted};
}

std::vector<Var> expression(const MetricBuild &b) {
  return {per_example(expand(parse_expression(b.attrs.string_at("of")), b.named, DType::f64))};
}

std::vector<Attr> keys() {
  return {attr::path("prediction", "the layer it judges").otherwise("that of the first loss it applies to"),
          attr::name("target", "the input it compares with").otherwise("that of the first loss it applies to")};
}

std::vector<Attr> keys_of_answers() {
  std::vector<Attr> all = keys();
  all.push_back(attr::number("threshold",
                             "the chance above which a yes/no answer is a yes; not for hinge, which gives no chances")
                    .above(0)
                    .below(1)
                    .otherwise("that of a positive logit, 0.5"));
  return all;
}

std::vector<Attr> keys_of_classes() {
  std::vector<Attr> all = keys_of_answers();
  all.push_back(attr::choice("average", {"macro", "weighted", "micro"},
                             "over the classes that occur: their mean; weighted by how often each is the target; or from the "
                             "counts of all classes together")
                    .defaults_to("\"macro\""));
  return all;
}

const std::vector<MetricDef> &table() {
  static const std::vector<MetricDef> defs = {
      {{"accuracy", "Share of right answers: the class of the largest logit, or yes for a positive one.",
        keys_of_answers()},
       MetricKind::mean,
       true,
       true,
       {"sum"},
       accuracy},
      {{"mae", "Mean of |prediction - target| over all elements.", keys()},
       MetricKind::mean,
       false,
       false,
       {"sum"},
       absolute_error},
      {{"r2",
        "1 - sum((prediction - target)^2) / sum((target - mean(target))^2): 1 is perfect, 0 is no better "
        "than the mean.",
        keys()},
       MetricKind::r2,
       false,
       true,
       {"sse", "count", "mean", "spread"},
       determination},
      {{"precision",
        "Of the examples that are called a class, the share that is of it; 0 where none is called so. Of yes/no answers every "
        "element of the prediction is a class.",
        keys_of_classes()},
       MetricKind::precision,
       true,
       true,
       {"hits", "called", "are"},
       class_counts},
      {{"recall",
        "Of the examples of a class, the share that is called so; 0 where there are none. Classes as for precision.",
        keys_of_classes()},
       MetricKind::recall,
       true,
       true,
       {"hits", "called", "are"},
       class_counts},
      {{"f1", "The harmonic mean of precision and recall of a class. Classes as for precision.", keys_of_classes()},
       MetricKind::f1,
       true,
       true,
       {"hits", "called", "are"},
       class_counts},
      {{"confusion",
        "A table in place of a number: how many examples of each class (rows) are called which class (columns). Yes/no answers "
        "are counted all together, with the classes no and yes.",
        keys_of_answers()},
       MetricKind::confusion,
       true,
       true,
       {"counts"},
       confusion},
      {{"auc",
        "Area under the ROC curve: how often an example of a class has a larger score for it than one that is not of it; ties "
        "count one half. The mean over the classes for which there are both. Classes as for precision.",
        keys()},
       MetricKind::auc,
       true,
       true,
       {"scores", "wanted"},
       ranking},
      {{"expression",
        "The mean over all examples, and over all elements where an example has several, of a formula over the layers and "
        "inputs that it names. Reductions work within one example. A prediction of a scaled or standardized target, and that "
        "target, are in the units of the data; other inputs are as layers see them.",
        {attr::name("name", "what reports call it"),
         attr::expression("of", "the formula, such as \"max(abs(y - t))\""),
         attr::boolean("higher_is_better", "whether more is progress, for early stopping").defaults_to("false")}},
       MetricKind::mean,
       false,
       false,
       {"sum"},
       expression},
  };
  return defs;
}

} // namespace

std::string_view to_string(MetricKind kind) {
  switch (kind) {
  case MetricKind::mean: return "mean";
  case MetricKind::ratio: return "ratio";
  case MetricKind::r2: return "r2";
  case MetricKind::precision: return "precision";
  case MetricKind::recall: return "recall";
  case MetricKind::f1: return "f1";
  case MetricKind::confusion: return "confusion";
  case MetricKind::auc: return "auc";
  }
  return {};
}

MetricKind kind_of(const MetricDef &def, std::optional<int64_t> ignored) {
  return ignored && def.kind == MetricKind::mean ? MetricKind::ratio : def.kind;
}

std::vector<std::string_view> terms_of(const MetricDef &def, std::optional<int64_t> ignored) {
  std::vector<std::string_view> terms = def.terms;
  if (kind_of(def, ignored) == MetricKind::ratio)
    terms.push_back("weight");
  return terms;
}

int64_t judged_classes(Link link, const Shape &prediction) {
  return chooses_class(link) ? prediction.back() : element_count(Shape(prediction.begin() + 1, prediction.end()));
}

const Family &metrics() {
  static const Family family = [] {
    Family f{"metric", "What is reported besides the loss. A label that the loss ignores counts in none of them."};
    f.common = {attr::name("name", "what reports call it").otherwise("its type")};
    f.by_name = true;
    for (const MetricDef &def : table())
      f.types.push_back(&def.spec);
    return f;
  }();
  return family;
}

const MetricDef &find_metric(std::string_view type) {
  for (const MetricDef &def : table())
    if (def.spec.name == type)
      return def;
  throw InternalFault("no such metric");
}

} // namespace gradc
