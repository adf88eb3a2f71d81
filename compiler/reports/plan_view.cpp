#include "compiler/reports/plan_view.h"

#include "ir/op.h"
#include "ir/text/text.h"

#include <algorithm>
#include <set>
#include <fmt/format.h>

namespace gradc {
namespace {

// A value in the workspace. `until` is its last kernel, or the one before, where another value takes its bytes over.
struct Block {
  Value value;
  std::string name, from; // from: the layer, or what else of the model file
  int64_t offset, bytes;
  int first, last, until;
  bool in_place, retained;
  int64_t passes; // over the value: by the kernel that writes it, and by each that reads it
};

// Forward values that a later kernel reads for something else than the returned values, itself or through views.
std::vector<bool> retained_values(const Graph &graph) {
  const std::vector<bool> forward = graph.forward();
  std::vector<bool> retained(graph.size(), false);
  for (Value v = static_cast<Value>(graph.size()); v-- > 0;)
    for (Value input : graph[v].inputs) {
      const bool view = graph[v].kernel == kNoKernel;
      const bool reads = view ? retained[v] : !forward[v] && graph[v].kernel != graph[input].kernel;
      if (reads)
        retained[input] = true;
    }
  for (Value v = 0; v < graph.size(); ++v)
    retained[v] = retained[v] && forward[v];
  return retained;
}

// How many kernels read each value, itself or through views.
std::vector<int64_t> reading_kernels(const Graph &graph) {
  std::vector<std::set<int>> readers(graph.size());
  for (Value v = 0; v < graph.size(); ++v)
    for (Value input : graph[v].inputs)
      if (const Value root = storage_root(graph, input); graph[v].kernel != kNoKernel && graph[v].kernel != graph[root].kernel)
        readers[root].insert(graph[v].kernel);
  std::vector<int64_t> counts;
  for (const std::set<int> &kernels : readers)
    counts.push_back(static_cast<int64_t>(kernels.size()));
  return counts;
}

std::vector<Block> blocks_of(const Graph &graph, const PlaceNames &places) {
  const std::vector<std::string> names = value_names(graph);
  const std::vector<int64_t> readers = reading_kernels(graph);
  const std::vector<bool> retained = retained_values(graph);
  std::vector<Block> blocks;
  for (Value v = 0; v < graph.size(); ++v) {
    const Placement &p = graph.plan->places[v];
    if (p.space == Space::workspace && graph[v].kernel != kNoKernel)
      blocks.push_back({v, names[v], places(graph[v].location), p.offset, p.bytes, p.first, p.last, p.last, p.in_place, retained[v],
                        1 + readers[v]});
  }
  for (Block &b : blocks)
    for (const Block &next : blocks)
      if (next.in_place && next.offset == b.offset && next.first == b.last && next.first > b.first)
        b.until = b.last - 1;
  std::stable_sort(blocks.begin(), blocks.end(), [](const Block &a, const Block &b) { return a.first < b.first; });
  return blocks;
}

std::string summary_of(const Plan &plan) {
  const double ratio =
      plan.lower_bound ? static_cast<double>(plan.arena_bytes) / static_cast<double>(plan.lower_bound) : 1;
  return fmt::format("workspace {} bytes, lower bound {} ({:.3f})", plan.arena_bytes, plan.lower_bound, ratio);
}

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
char letter_of(size_t block) { return kLetters[block % kLetters.size()]; }

// Rows from the bottom up: they begin where a block begins or ends, so that every block shows; where there are too
// many, the thinnest give way.
std::vector<int64_t> row_starts(const std::vector<Block> &blocks, int64_t arena) {
  constexpr size_t kMaxRows = 48;
  std::vector<int64_t> starts = {0, arena};
  for (const Block &b : blocks) {
    starts.push_back(b.offset);
    starts.push_back(std::min(b.offset + (b.bytes + 63) / 64 * 64, arena));
  }
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  while (starts.size() > kMaxRows + 1) {
    size_t thinnest = 1;
    for (size_t i = 1; i + 1 < starts.size(); ++i)
      if (starts[i + 1] - starts[i - 1] < starts[thinnest + 1] - starts[thinnest - 1])
        thinnest = i;
    starts.erase(starts.begin() + static_cast<std::ptrdiff_t>(thinnest));
  }
  return starts;
}

// The block that fills most of some rows and columns, or a dot.
char cell(const std::vector<Block> &blocks, int64_t from, int64_t to, int first, int last) {
  int64_t most = 0;
  char letter = '.';
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Block &b = blocks[i];
    const int64_t bytes = std::min(to, b.offset + b.bytes) - std::max(from, b.offset);
    const int64_t kernels = std::min(last, b.until) - std::max(first, b.first) + 1;
    if (bytes > 0 && kernels > 0 && bytes * kernels > most) {
      most = bytes * kernels;
      letter = letter_of(i);
    }
  }
  return letter;
}

std::string drawing(const std::vector<Block> &blocks, int64_t arena, int kernels) {
  constexpr int kMaxColumns = 90, kWidest = 3;
  const int step = (kernels + kMaxColumns - 1) / kMaxColumns;
  const int columns = (kernels + step - 1) / step, width = std::clamp(kMaxColumns / columns, 1, kWidest);
  std::string text;
  const std::vector<int64_t> starts = row_starts(blocks, arena);
  for (size_t r = starts.size() - 1; r-- > 0;) {
    text += fmt::format("// {:>11} |", starts[r]);
    for (int c = 0; c < columns; ++c)
      text.append(static_cast<size_t>(width), cell(blocks, starts[r], starts[r + 1], c * step, c * step + step - 1));
    text += "\n";
  }
  std::string ticks;
  for (int c = 0; c < columns; ++c)
    if (static_cast<size_t>(c * width) >= ticks.size() + !ticks.empty() && c * width % (4 * width) == 0) {
      ticks.resize(static_cast<size_t>(c * width), ' ');
      ticks += std::to_string(c * step);
    }
  const std::string axis(static_cast<size_t>(columns * width), '-');
  return text + fmt::format("// {:>11} +{}\n//              {}\n", "kernel", axis, ticks);
}

std::string legend(const Graph &graph, const std::vector<Block> &blocks) {
  size_t name_width = 5, op_width = 2, from_width = 4;
  for (const Block &b : blocks) {
    name_width = std::max(name_width, b.name.size());
    from_width = std::max(from_width, b.from.size());
    op_width = std::max(op_width, graph[b.value].op->name.size());
  }
  std::string text = fmt::format("//   {:<{}}  {:<{}}  {:<{}}  {:>11}  {:>11}  {:>6}  kernels\n", "value", name_width, "op", op_width,
                                 "from", from_width, "offset", "bytes", "passes");
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Block &b = blocks[i];
    text += fmt::format("// {} {:<{}}  {:<{}}  {:<{}}  {:>11}  {:>11}  {:>6}  {}..{}{}{}\n", letter_of(i), b.name, name_width,
                        graph[b.value].op->name, op_width, b.from, from_width, b.offset, b.bytes, b.passes, b.first, b.last,
                        b.in_place ? ", in place" : "", b.retained ? ", retained for backward" : "");
  }
  return text;
}

std::string escaped(const std::string &text) {
  std::string result;
  for (char c : text)
    result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : std::string(1, c);
  return result;
}

} // namespace

std::string plan_text(const Graph &graph, int64_t thread_bytes, const PlaceNames &places) {
  const Plan &plan = *graph.plan;
  const std::vector<Block> blocks = blocks_of(graph, places);
  std::string text = "// " + summary_of(plan) + "\n";
  if (thread_bytes > 0)
    text += fmt::format("// and {} bytes a thread\n", thread_bytes);
  if (blocks.empty() || plan.arena_bytes == 0)
    return text;
  int64_t count = 0, bytes = 0, moved = 0;
  for (const Block &b : blocks) {
    moved = checked_add(moved, checked_multiply(b.bytes, b.passes));
    count += b.retained;
    bytes += b.retained ? b.bytes : 0;
  }
  if (count > 0)
    text += fmt::format("// retained for backward: {} values, {} bytes\n", count, bytes);
  text += fmt::format("// passes over these: {} bytes, a value once for the kernel that writes it and once for each that reads it\n", moved);
  return text + drawing(blocks, plan.arena_bytes, graph.kernel_count()) + legend(graph, blocks);
}

std::string plan_svg(const Graph &graph, const PlaceNames &places) {
  constexpr double kWidth = 960, kHeight = 540, kLeft = 90, kTop = 40, kBottom = 50;
  const Plan &plan = *graph.plan;
  const int kernels = std::max(graph.kernel_count(), 1);
  const double column = kWidth / kernels, scale = kHeight / static_cast<double>(std::max<int64_t>(plan.arena_bytes, 1));
  auto x_of = [&](int kernel) { return kLeft + column * kernel; };
  auto y_of = [&](int64_t bytes) { return kTop + kHeight - scale * static_cast<double>(bytes); };
  const double right = kLeft + kWidth, floor = kTop + kHeight;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{2}\" y=\"24\">{3}: {4}</text>\n",
      kLeft + kWidth + 30, kTop + kHeight + kBottom, kLeft, escaped(graph.name.empty() ? "graph" : graph.name),
      summary_of(plan));
  const std::vector<Block> blocks = blocks_of(graph, places);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const Block &b = blocks[i];
    const double width = column * (b.until - b.first + 1), height = scale * static_cast<double>(b.bytes);
    const double x = x_of(b.first), y = y_of(b.offset + b.bytes);
    const std::string label = escaped(b.from.empty() ? b.name : b.from + " " + b.name);
    svg += fmt::format("<g><title>{} ({}), {} bytes at {}, kernels {}..{}{}{}</title>"
                       "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" "
                       "fill=\"hsl({},55%,{}%)\" stroke=\"#333\" stroke-width=\"0.5\"/>",
                       label, graph[b.value].op->name, b.bytes, b.offset, b.first, b.last,
                       b.in_place ? ", in place" : "", b.retained ? ", retained for backward" : "", x, y, width, height,
                       i * 137 % 360, b.retained ? 60 : 82); // turns of the golden angle keep neighbours apart
    if (width > 7.0 * static_cast<double>(label.size()) && height > 13)
      svg += fmt::format("<text x=\"{:.2f}\" y=\"{:.2f}\">{}</text>", x + 3, y + height / 2 + 4, label);
    svg += "</g>\n";
  }
  svg += fmt::format("<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"black\"/>\n", kLeft, kTop, floor, right);
  auto mark = [&](int64_t bytes, std::string_view style) {
    svg += fmt::format("<path d=\"M{0} {1:.2f}H{2}\" stroke=\"{3}/>\n"
                       "<text x=\"{4}\" y=\"{5:.2f}\" text-anchor=\"end\">{6}</text>\n",
                       kLeft, y_of(bytes), right, style, kLeft - 6, y_of(bytes) + 4, bytes);
  };
  mark(0, "black\"");
  mark(plan.lower_bound, "red\" stroke-dasharray=\"6 4\"");
  if (plan.arena_bytes != plan.lower_bound)
    mark(plan.arena_bytes, "black\"");
  for (int k = 0, step = (kernels + 19) / 20; k < kernels; k += step)
    svg += fmt::format("<text x=\"{:.2f}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", x_of(k) + column / 2,
                       floor + 16, k);
  return svg + fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">kernels over bytes; darker: retained for "
                           "backward; red: lower bound</text>\n</svg>\n",
                           kLeft + kWidth / 2, floor + 36);
}

} // namespace gradc
