#include "runtime/train/metric_kinds.h"

#include "runtime/train/data/spread.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradc::runtime {
namespace {

using Columns = std::vector<const std::vector<double> *>;
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

// sum / examples
double mean(const MetricInfo &, const Columns &terms, double examples) { return terms[0]->at(0) / examples; }

// 1 - sse / (the sum of (y - m)^2), m the mean of all targets y. Of each batch: its sse, how many targets it has, their mean and
// the sum of (y - mean)^2.
double r2(const MetricInfo &, const Columns &terms, double) {
  Spread targets;
  double sse = 0;
  for (size_t batch = 0; batch < terms[0]->size(); ++batch) {
    sse += terms[0]->at(batch);
    targets.take(Spread{terms[1]->at(batch), terms[2]->at(batch), terms[3]->at(batch)});
  }
  return targets.is_constant() ? kUndefined : 1 - sse / targets.squares;
}

// sum / weight; 0 where there is no weight
double fraction(const std::vector<double> &sum, const std::vector<double> &weight) {
  return weight.at(0) > 0 ? sum.at(0) / weight.at(0) : 0;
}
double ratio_of_sums(const MetricInfo &, const Columns &terms, double) { return fraction(*terms[0], *terms[1]); }

// The sum of fractions, each times its factor, and of the last term / examples.
double total(const MetricInfo &metric, const Columns &terms, double examples) {
  double sum = terms.back()->at(0) / examples;
  for (size_t i = 0; i < metric.factors.size(); ++i)
    sum += metric.factors[i] * fraction(*terms[2 * i], *terms[2 * i + 1]);
  return sum;
}

// What a class counts: examples that are of it and were called so ("hits"), that were called so, that are of it.
struct Counts {
  double hits, called, are;
};

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }
double precision_of(Counts c) { return ratio(c.hits, c.called); }
double recall_of(Counts c) { return ratio(c.hits, c.are); }
double f1_of(Counts c) { return ratio(2 * c.hits, c.called + c.are); }

// The score of each class, averaged: "macro" over the classes that occur among targets or predictions, "weighted" by how often
// a class occurs among the targets, "micro" from the counts of all classes together. The terms are hits, called, are.
template <double (*score)(Counts)> double averaged(const MetricInfo &metric, const Columns &terms, double) {
  Counts all{};
  double sum = 0, weights = 0;
  for (size_t i = 0; i < terms[0]->size(); ++i) {
    const Counts c{terms[0]->at(i), terms[1]->at(i), terms[2]->at(i)};
    const double weight = metric.average == "weighted" ? c.are : c.called + c.are > 0;
    all = {all.hits + c.hits, all.called + c.called, all.are + c.are};
    sum += weight * score(c);
    weights += weight;
  }
  return metric.average == "micro" ? score(all) : ratio(sum, weights);
}

// The share of pairs of a yes and a no in which the yes has the larger score; a tie counts one half (Hanley and McNeil, 1982).
// Rows whose wanted is -1 count nowhere. By ranks: (sum of the ranks of the yes - p (p + 1) / 2) / (p n), with p yes and n no. NaN without a yes or without a no.
double area_of_class(const std::vector<double> &scores, const std::vector<double> &wanted, size_t of, size_t classes) {
  std::vector<size_t> order;
  for (size_t row = 0; row < scores.size() / classes; ++row)
    if (wanted[row * classes + of] >= 0)
      order.push_back(row);
  auto score = [&](size_t row) { return scores[row * classes + of]; };
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return score(a) < score(b); });
  double ranks = 0, yes = 0;
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    for (end = begin; end < order.size() && score(order[end]) == score(order[begin]);)
      ++end;
    const double rank = static_cast<double>(begin + end + 1) / 2; // of tied scores: the mean of begin + 1 .. end
    for (size_t i = begin; i < end; ++i) {
      ranks += wanted[order[i] * classes + of] * rank;
      yes += wanted[order[i] * classes + of];
    }
  }
  const double no = static_cast<double>(order.size()) - yes;
  return yes > 0 && no > 0 ? (ranks - yes * (yes + 1) / 2) / (yes * no) : kUndefined;
}

// The mean over the classes for which it is defined. The terms are scores and wanted, [examples, classes] each.
double auc(const MetricInfo &metric, const Columns &terms, double) {
  const auto classes = static_cast<size_t>(metric.per_example);
  double sum = 0, defined = 0;
  for (size_t i = 0; i < classes; ++i)
    if (const double area = area_of_class(*terms[0], *terms[1], i, classes); !std::isnan(area)) {
      sum += area;
      ++defined;
    }
  return defined > 0 ? sum / defined : kUndefined;
}

constexpr MetricKind kKinds[] = {
    {"mean", 1, false, mean},
    {"ratio", 2, false, ratio_of_sums},
    {"total", 0, false, total},
    {"r2", 4, true, r2},
    {"precision", 3, false, averaged<precision_of>},
    {"recall", 3, false, averaged<recall_of>},
    {"f1", 3, false, averaged<f1_of>},
    {"confusion", 1, false, nullptr}, // its one term is the table
    {"auc", 2, true, auc},
};

} // namespace

const MetricKind *find_metric_kind(std::string_view name) {
  const auto *found = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const MetricKind &kind) { return kind.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

} // namespace gradc::runtime
