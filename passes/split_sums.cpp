#include "passes/split_sums.h"

#include "ir/einsum.h"
#include "ir/op.h"
#include "passes/node_rewriting.h"

#include <algorithm>

namespace gradc {
namespace {

constexpr int64_t kPixels = 512;       // terms of a chunk's sum, so that writing the sum costs little beside computing it
constexpr int64_t kLongExample = 64;   // an example with fewer terms gets no sum of its own
constexpr int64_t kLongSum = 1 << 14;  // a sum of fewer elements is not worth a second sum

// How many examples, or rows, go together. 0 where the sum is not worth being cut.
int64_t chunk_of(int64_t examples, int64_t terms) {
  if (examples < 2)
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

// A dim of `extent` elements as two, of extent / chunk and chunk.
Value in_chunks(Graph &graph, Value v, size_t dim, int64_t chunk, const std::string &location) {
  Type type = graph.type(v);
  type.shape[dim] /= chunk;
  type.shape.insert(type.shape.begin() + static_cast<std::ptrdiff_t>(dim) + 1, chunk);
  return chunk == 1 ? v : graph.add("reshape", {v}, {}, location, type);
}

char fresh_letter(const std::string &used) {
  char letter = 'a';
  while (used.find(letter) != std::string::npos)
    ++letter;
  return letter;
}

// A contraction that reads an operand at sums of letters: which of the letters that are summed over may be cut, and how.
class ContractionSplitter {
public:
  ContractionSplitter(Graph &graph, const Node &node)
      : graph_(graph), node_(node), e_(parse_einsum(string_attr(node.attrs, "indices"))) {}

  std::optional<Value> split() {
    if (e_.is_plain() || e_.a.empty() || e_.b.empty() || node_.type.rank() == kMaxRank)
      return std::nullopt;
    const char batch = e_.a[0].plain();
    if (!batch || e_.b[0].plain() != batch || !is_summed(batch))
      return std::nullopt;
    if (extent(batch) > 1) {
      const int64_t chunk = terms_of_each(batch) >= kLongExample ? chunk_of_letter(batch) : 0;
      return chunk ? std::optional(by_examples(batch, chunk)) : std::nullopt;
    }
    // Of one example, rows of pixels: the first letter that stands alone in one operand and is a part of a sum in the other.
    for (size_t d = 0; d < e_.b.size(); ++d)
      if (const char letter = e_.b[d].plain(); letter && is_summed(letter) && mentions(e_.a, letter) && !stands_alone(e_.a, letter)) {
        const int64_t chunk = chunk_of_letter(letter);
        return chunk ? std::optional(by_rows(letter, d, chunk)) : std::nullopt;
      }
    return std::nullopt;
  }

private:
  bool is_summed(char letter) const { return e_.out.find(letter) == std::string::npos; }
  static bool stands_alone(const Subscripts &subscripts, char letter) {
    return std::any_of(subscripts.begin(), subscripts.end(), [&](const Subscript &s) { return s.plain() == letter; });
  }
  const Type &operand(size_t n) const { return graph_.type(node_.inputs[n]); }
  int64_t extent(char letter) const { return extents_.of(letter); }

  // Terms of the sum for one value of the letter.
  int64_t terms_of_each(char letter) const {
    int64_t terms = 1;
    for (char other : e_.contracted())
      terms = checked_multiply(terms, other == letter ? 1 : extent(other));
    return terms;
  }

  // The pieces must not be more to write than the operands are to read.
  int64_t chunk_of_letter(char letter) const {
    const int64_t all = extent(letter), chunk = chunk_of(all, terms_of_each(letter));
    const int64_t bytes = checked_add(operand(0).bytes(), operand(1).bytes());
    return chunk == 0 || checked_multiply(node_.type.bytes(), all / chunk) > bytes ? 0 : chunk;
  }

  Value by_examples(char batch, int64_t chunk) {
    char letter = batch;
    if (chunk > 1) {
      letter = fresh_letter(letters_of(e_.a) + letters_of(e_.b) + e_.out);
      e_.a.insert(e_.a.begin(), Subscript::of(letter));
      e_.b.insert(e_.b.begin(), Subscript::of(letter));
    }
    const Value a = in_chunks(graph_, node_.inputs[0], 0, chunk, node_.location);
    return add(letter, extent(batch) / chunk, a, in_chunks(graph_, node_.inputs[1], 0, chunk, node_.location));
  }

  // Row p is row p of chunk k: p = chunk * k + p.
  Value by_rows(char row, size_t dim, int64_t chunk) {
    const char letter = fresh_letter(letters_of(e_.a) + letters_of(e_.b) + e_.out);
    for (Subscript &s : e_.a)
      s = s + Subscript::of(letter) * checked_multiply(s.coefficient(row), chunk);
    if (chunk == 1)
      for (Subscript &s : e_.a)
        s = s.with(row, {});
    e_.b.insert(e_.b.begin() + static_cast<std::ptrdiff_t>(dim), Subscript::of(letter));
    if (chunk == 1)
      e_.b.erase(e_.b.begin() + static_cast<std::ptrdiff_t>(dim) + 1);
    return add(letter, extent(row) / chunk, node_.inputs[0], in_chunks(graph_, node_.inputs[1], dim, chunk, node_.location));
  }

  // The contraction of each chunk, then their sum.
  Value add(char letter, int64_t chunks, Value a, Value b) {
    e_.out.insert(e_.out.begin(), letter);
    Type type = node_.type;
    type.shape.insert(type.shape.begin(), chunks);
    const Value each = graph_.add("contract", {a, b}, {{"indices", e_.text()}}, node_.location, type);
    return graph_.add("sum", {each}, {{"axes", std::vector<int64_t>{0}}}, node_.location);
  }

  Graph &graph_;
  const Node &node_;
  Einsum e_;
  const LetterExtents extents_ = einsum_extents(e_, operand(0).shape, operand(1).shape, &node_.type.shape);
};

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
    return ContractionSplitter(graph, node).split();
  return node.op->name == "sum" ? split_sum(graph, node) : std::nullopt;
}

} // namespace

bool split_sums(Graph &graph) { return rewrite_nodes(graph, split); }

} // namespace gradc
