#include "passes/split_sums.h"

#include "ir/einsum.h"
#include "ir/op.h"

#include <algorithm>

namespace gradc {
namespace {

constexpr int64_t kPixels = 512;       // terms that the gradient of one chunk should have: writing it must cost little beside
constexpr int64_t kLongExample = 64;   // terms of an example that are worth a sum of their own
constexpr int64_t kLongSum = 1 << 14;  // elements that are worth to be read in pieces

// How many examples go together. 0 where the sum is not worth being cut.
int64_t chunk_of(int64_t examples, int64_t terms) {
  if (examples < 2 || terms < kLongExample)
    return 0;
  int64_t chunk = 1;
  for (int64_t divisor = 1; divisor <= examples / 2; ++divisor)
    if (examples % divisor == 0) {
      chunk = divisor;
      if (divisor * terms >= kPixels)
        break;
    }
  return chunk;
}

// [examples, ...] as [examples / chunk, chunk, ...].
Value in_chunks(Graph &graph, Value v, int64_t chunk, const std::string &location) {
  Type type = graph.type(v);
  type.shape[0] /= chunk;
  type.shape.insert(type.shape.begin() + 1, chunk);
  return chunk == 1 ? v : graph.add("reshape", {v}, {}, location, type);
}

char fresh_letter(const std::string &used) {
  char letter = 'a';
  while (used.find(letter) != std::string::npos)
    ++letter;
  return letter;
}

// The contraction of each chunk, then their sum.
std::optional<Value> split_contract(Graph &graph, const Node &node) {
  Einsum e = parse_einsum(string_attr(node.attrs, "indices"));
  if (e.is_plain() || e.a.empty() || e.b.empty())
    return std::nullopt;
  const char batch = e.a[0].plain();
  if (!batch || e.b[0].plain() != batch || e.out.find(batch) != std::string::npos)
    return std::nullopt;
  const LetterExtents extents = einsum_extents(e, graph.type(node.inputs[0]).shape, graph.type(node.inputs[1]).shape, &node.type.shape);
  int64_t terms = 1;
  for (int64_t extent : extents.of(e.contracted()))
    terms = checked_multiply(terms, extent);
  const int64_t examples = extents.of(batch), chunk = examples == 0 ? 0 : chunk_of(examples, terms / examples);
  // The pieces must not be more to write than the operands are to read.
  const int64_t operands = checked_add(graph.type(node.inputs[0]).bytes(), graph.type(node.inputs[1]).bytes());
  if (chunk == 0 || checked_multiply(node.type.bytes(), examples / chunk) > operands)
    return std::nullopt;
  const char letter = chunk == 1 ? batch : fresh_letter(letters_of(e.a) + letters_of(e.b) + e.out);
  if (chunk > 1) {
    e.a.insert(e.a.begin(), Subscript::of(letter));
    e.b.insert(e.b.begin(), Subscript::of(letter));
  }
  e.out.insert(e.out.begin(), letter);
  Type type = node.type;
  type.shape.insert(type.shape.begin(), examples / chunk);
  if (type.rank() > kMaxRank)
    return std::nullopt;
  const Value a = in_chunks(graph, node.inputs[0], chunk, node.location);
  const Value b = in_chunks(graph, node.inputs[1], chunk, node.location);
  const Value each = graph.add("contract", {a, b}, {{"indices", e.text()}}, node.location, type);
  return graph.add("sum", {each}, {{"axes", std::vector<int64_t>{0}}}, node.location);
}

// The sum of each example, then the sum of these.
std::optional<Value> split_sum(Graph &graph, const Node &node) {
  const Type &x = graph.type(node.inputs[0]);
  std::vector<int64_t> axes = ints_attr(node.attrs, "axes");
  const auto first = std::find(axes.begin(), axes.end(), 0);
  if (first == axes.end() || axes.size() < 2 || x.elements() < kLongSum)
    return std::nullopt;
  axes.erase(first);
  int64_t terms = 1;
  for (int64_t axis : axes)
    terms = checked_multiply(terms, x.shape[static_cast<size_t>(axis)]);
  if (x.shape[0] < 2 || terms < kLongExample)
    return std::nullopt;
  const Value each = graph.add("sum", {node.inputs[0]}, {{"axes", axes}, {"keep", true}}, node.location);
  const Value all = graph.add("sum", {each}, {{"axes", std::vector<int64_t>{0}}, {"keep", true}}, node.location);
  return graph.type(all) == node.type ? all : graph.add("reshape", {all}, {}, node.location, node.type);
}

std::optional<Value> split(Graph &graph, const Node &node) {
  if (node.is_declaration() || node.kernel != kNoKernel || !is_float(node.type.dtype))
    return std::nullopt;
  if (node.op->name == "contract")
    return split_contract(graph, node);
  return node.op->name == "sum" ? split_sum(graph, node) : std::nullopt;
}

} // namespace

bool split_sums(Graph &graph) {
  Rewriter rewriter(graph);
  bool changed = false;
  for (Value v = 0; v < graph.size(); ++v) {
    Node node = graph[v];
    for (Value &input : node.inputs)
      input = rewriter.map(input);
    if (const std::optional<Value> pieces = split(rewriter.to(), node)) {
      rewriter.replace(v, *pieces);
      changed = true;
    } else {
      rewriter.copy(v);
    }
  }
  if (changed)
    graph = rewriter.finish();
  return changed;
}

} // namespace gradc
