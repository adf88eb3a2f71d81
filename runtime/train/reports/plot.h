// A picture of the losses of a run: one self-contained SVG file.
#pragma once

#include "runtime/train/reports/events.h"

#include <string>
#include <vector>

namespace gradc::runtime {

struct Point {
  double x = 0, y = 0;
};

/// Training and validation loss over steps as an SVG document. Both may be empty; points that are not finite are left
/// out.
std::string loss_svg(const std::string &title, const std::vector<Point> &train,
                     const std::vector<Point> &validation);

/// A number over the steps of a run.
struct Curve {
  std::string name;
  std::vector<Point> points;
};

/// Curves below each other, each with its own scale from 0, as an SVG document.
std::string curves_svg(const std::string &title, const std::vector<Curve> &curves);
/// A curve in characters, its scale from 0, some twelve lines high and 72 columns wide.
std::string curve_text(const Curve &curve);

/// Collects the losses of a run and writes the picture to `path` at its end.
class LossPlot : public Listener {
public:
  explicit LossPlot(std::string path) : path_(std::move(path)) {}
  void on(const StartEvent &event) override { title_ = event.model; }
  void on(const StepEvent &event) override;
  void on(const EpochEvent &event) override;
  void on(const EndEvent &event) override;

private:
  std::string path_, title_;
  std::vector<Point> train_, validation_;
};

} // namespace gradc::runtime
