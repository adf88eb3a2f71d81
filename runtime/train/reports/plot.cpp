// Draws the losses; see plot.h.
#include "runtime/train/reports/plot.h"

#include "runtime/train/io/file.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gradc::runtime {
namespace {

constexpr double kWidth = 720, kHeight = 420, kLeft = 70, kRight = 20, kTop = 46, kBottom = 48;
constexpr size_t kMaxPoints = 600; // about one a pixel
constexpr const char *kTrainColor = "#4477aa", *kValidationColor = "#ee6677"; // told apart by the color-blind

std::vector<Point> finite(const std::vector<Point> &points) {
  std::vector<Point> kept;
  for (const Point &p : points)
    if (std::isfinite(p.x) && std::isfinite(p.y))
      kept.push_back(p);
  return kept;
}

/// At most kMaxPoints means of neighboring points.
std::vector<Point> thin(const std::vector<Point> &points) {
  const size_t each = (points.size() + kMaxPoints - 1) / kMaxPoints;
  std::vector<Point> means;
  for (size_t i = 0; i < points.size(); i += each) {
    const size_t end = std::min(points.size(), i + each);
    Point mean;
    for (size_t j = i; j < end; ++j) {
      mean.x += points[j].x / static_cast<double>(end - i);
      mean.y += points[j].y / static_cast<double>(end - i);
    }
    means.push_back(mean);
  }
  return means;
}

/// A scale from [low, high] to pixels: linear, with ticks at multiples of 1, 2 or 5 times a power of ten; or logarithmic, with
/// ticks at the powers of ten, and at 2 and 5 times these where there are few.
struct Axis {
  double low, high, pixel_low, pixel_high;
  bool logarithmic = false;

  double operator()(double value) const {
    const double share = logarithmic ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
    return pixel_low + share * (pixel_high - pixel_low);
  }

  std::vector<double> ticks() const {
    if (logarithmic)
      return powers_of_ten();
    const double rough = (high - low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
    const double step = power * (rough > 5 * power ? 10 : rough > 2 * power ? 5 : rough > power ? 2 : 1);
    std::vector<double> values;
    for (double k = std::ceil(low / step); k * step <= high; ++k)
      values.push_back(k * step);
    return values;
  }

  std::vector<double> powers_of_ten() const {
    constexpr double kManyDecades = 3, kMostTicks = 10;
    const double decades = std::log10(high / low), each = std::ceil(decades / kMostTicks);
    std::vector<double> values;
    for (double power = std::floor(std::log10(low)); power <= std::log10(high); power += each)
      for (const double factor : {1.0, 2.0, 5.0})
        if (const double value = factor * std::pow(10, power);
            value >= low && value <= high && (factor == 1 || decades < kManyDecades))
          values.push_back(value);
    return values;
  }
};

Axis make_axis(const std::vector<Point> &points, double Point::*coordinate, bool from_zero, double pixel_low,
               double pixel_high) {
  double low = from_zero ? 0 : INFINITY, high = -INFINITY;
  for (const Point &p : points) {
    low = std::min(low, p.*coordinate);
    high = std::max(high, p.*coordinate);
  }
  if (!(low < high)) { // no points, or all alike
    low = std::isfinite(low) ? low : 0;
    high = low + 1;
  }
  return {low, high, pixel_low, pixel_high};
}

/// The axis of the losses: from 0, or logarithmic where the largest is so many times the least that the least would lie on the
/// axis.
Axis loss_axis(const std::vector<Point> &points) {
  constexpr double kWideRange = 50;
  Axis axis = make_axis(points, &Point::y, true, kHeight - kBottom, kTop);
  const auto least = std::min_element(points.begin(), points.end(), [](Point a, Point b) { return a.y < b.y; });
  if (least == points.end() || least->y <= 0 || axis.high < kWideRange * least->y)
    return axis;
  axis.low = least->y;
  axis.logarithmic = true;
  return axis;
}

std::string escaped(const std::string &text) {
  std::string out;
  for (const char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

std::string polyline(const std::vector<Point> &points, const Axis &x, const Axis &y, const char *color) {
  std::string list;
  for (const Point &p : points)
    list += fmt::format("{:.1f},{:.1f} ", x(p.x), y(p.y));
  return fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\" "
                     "stroke-linejoin=\"round\"/>\n",
                     list, color);
}

std::string grid(const Axis &x, const Axis &y) {
  std::string svg;
  for (const double v : y.ticks())
    svg += fmt::format("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#e4e4e4\"/>"
                       "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:.4g}</text>\n",
                       kLeft, kWidth - kRight, y(v), kLeft - 8, y(v) + 4, v);
  for (const double v : x.ticks())
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:.6g}</text>\n", x(v),
                       kHeight - kBottom + 18, v);
  return svg + fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">step</text>\n",
                           (kLeft + kWidth - kRight) / 2, kHeight - 10);
}

std::string legend(double x, const char *name, const char *color) {
  return fmt::format("<line x1=\"{0}\" x2=\"{1}\" y1=\"24\" y2=\"24\" stroke=\"{2}\" stroke-width=\"3\"/>"
                     "<text x=\"{3}\" y=\"28\">{4}</text>\n",
                     x, x + 18, color, x + 24, name);
}

std::string document(const std::string &title, double height, const std::string &content) {
  return fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
                     "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n"
                     "<rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>\n"
                     "<text x=\"{2}\" y=\"28\" font-size=\"15\">{3}</text>\n{4}</svg>\n",
                     kWidth, height, kLeft, escaped(title), content);
}

} // namespace

std::string curves_svg(const std::string &title, const std::vector<Curve> &curves) {
  std::string panels;
  for (size_t i = 0; i < curves.size(); ++i) {
    const std::vector<Point> points = thin(finite(curves[i].points));
    const Axis x = make_axis(points, &Point::x, true, kLeft, kWidth - kRight);
    const Axis y = make_axis(points, &Point::y, true, kHeight - kBottom, kTop);
    panels += fmt::format("<g transform=\"translate(0,{})\">\n{}{}<text x=\"{}\" y=\"28\" text-anchor=\"end\">{}</text>\n</g>\n",
                          static_cast<double>(i) * kHeight, grid(x, y), polyline(points, x, y, kTrainColor), kWidth - kRight,
                          escaped(curves[i].name));
  }
  return document(title, kHeight * static_cast<double>(std::max<size_t>(curves.size(), 1)), panels);
}

std::string curve_text(const Curve &curve) {
  constexpr size_t kColumns = 60, kLines = 12;
  const std::vector<Point> points = finite(curve.points);
  const Axis x = make_axis(points, &Point::x, true, 0, kColumns - 1), y = make_axis(points, &Point::y, true, 0, kLines - 1);
  std::vector<std::string> lines(kLines, std::string(kColumns, ' '));
  for (const Point &p : points)
    lines[kLines - 1 - static_cast<size_t>(std::lround(y(p.y)))][static_cast<size_t>(std::lround(x(p.x)))] = '*';
  std::string text = curve.name + "\n";
  for (size_t i = 0; i < kLines; ++i) {
    lines[i].erase(lines[i].find_last_not_of(' ') + 1);
    const std::string label = i == 0 ? fmt::format("{:.4g}", y.high) : i + 1 == kLines ? fmt::format("{:.4g}", y.low) : "";
    text += fmt::format("{:>10} |{}\n", label, lines[i]);
  }
  const std::string end = fmt::format("{:.0f}", x.high);
  return text + fmt::format("{:>10} +{}\n{:>12}{:>{}}\n", "", std::string(kColumns, '-'), fmt::format("{:.0f}", x.low), end, kColumns - 1);
}

std::string loss_svg(const std::string &title, const std::vector<Point> &train,
                     const std::vector<Point> &validation) {
  const std::vector<Point> losses = thin(finite(train)), checks = thin(finite(validation));
  std::vector<Point> all = losses;
  all.insert(all.end(), checks.begin(), checks.end());
  const Axis x = make_axis(all, &Point::x, true, kLeft, kWidth - kRight);
  const Axis y = loss_axis(all);
  std::string svg = grid(x, y);
  svg += polyline(losses, x, y, kTrainColor) + legend(kWidth - 230, "training", kTrainColor);
  if (checks.empty())
    return document(title + ": loss", kHeight, svg);
  svg += polyline(checks, x, y, kValidationColor) + legend(kWidth - 120, "validation", kValidationColor);
  if (checks.size() <= 60)
    for (const Point &p : checks)
      svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\" fill=\"{}\"/>\n", x(p.x), y(p.y),
                         kValidationColor);
  return document(title + ": loss", kHeight, svg);
}

void LossPlot::on(const StepEvent &event) { train_.push_back({static_cast<double>(event.step), event.loss}); }

void LossPlot::on(const EpochEvent &event) {
  for (const Metric &metric : event.validation)
    if (metric.name == "loss")
      validation_.push_back({static_cast<double>(event.step), metric.value});
}

void LossPlot::on(const EndEvent &) { write_file(path_, loss_svg(title_, train_, validation_)); }

} // namespace gradc::runtime
