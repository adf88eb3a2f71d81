#include "ir/affine_adjoint.h"

#include <algorithm>
#include <numeric>

namespace gradc {

namespace {

constexpr int64_t kMostPhases = 4096; // each is a node: strides of 64 in two dims

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t floor_mod(int64_t a, int64_t b) { return ((a % b) + b) % b; }

// One axis of the operand in one phase.
struct AxisPhase {
  bool empty = false;
  int64_t extent = 0;
  std::optional<LetterSlice> slice = {};
  std::optional<std::pair<char, Subscript>> solved = {};
};

// A sum of letters that an axis is read at, and what has become of these letters so far.
class AxisSolver {
public:
  AxisSolver(Subscript index, char axis, int64_t extent, std::string fixed, const LetterExtents &extents)
      : index_(std::move(index)), axis_(axis), extent_(extent), fixed_(std::move(fixed)), extents_(extents) {}

  // Chooses the letter to solve for: what is left to walk over must be short.
  std::vector<AxisPhase> phases() {
    char best = 0;
    int64_t least = 0;
    for (auto [letter, c] : index_.terms) {
      if (is_fixed(letter))
        continue;
      const std::optional<int64_t> terms = terms_left(letter, c);
      if (terms && (!best || *terms < least || (*terms == least && std::abs(c) == 1))) {
        best = letter;
        least = *terms;
      }
    }
    if (!best)
      throw Error("there is no formula for the gradient of what is read at " + to_string(Subscripts{index_}) +
                  ": none of its letters can be solved for");
    std::vector<AxisPhase> result;
    const int64_t modulus = std::abs(index_.coefficient(best));
    if (modulus > kMostPhases)
      throw Error("the gradient of what is read in steps of " + std::to_string(modulus) + " has as many parts: at most " +
                  std::to_string(kMostPhases) + " are supported");
    for (int64_t f = 0; f < modulus; ++f)
      result.push_back(phase(best, f));
    return result;
  }

private:
  bool is_fixed(char letter) const { return fixed_.find(letter) != std::string::npos; }

  // The one letter besides `solved` that is walked over, if there is one alone and nothing else varies.
  std::optional<std::pair<char, int64_t>> other(char solved) const {
    if (index_.terms.size() != 2)
      return std::nullopt;
    const auto &term = index_.terms[index_.terms[0].first == solved ? 1 : 0];
    return is_fixed(term.first) ? std::nullopt : std::optional(term);
  }

  // How many values of other letters are left for each element, if `letter` can be solved for.
  std::optional<int64_t> terms_left(char letter, int64_t c) const {
    if (std::abs(c) == 1) {
      int64_t terms = 1;
      for (auto [l, unused] : index_.terms)
        if (l != letter && !is_fixed(l))
          terms = checked_multiply(terms, extents_.of(l));
      return terms;
    }
    if (index_.terms.size() == 1)
      return 1;
    if (const auto rest = other(letter))
      return ceil_div(extents_.of(rest->first), std::abs(c) / std::gcd(c, rest->second));
    return std::nullopt;
  }

  // Solves c * letter + d * r + offset = m * h + f for the letter, where m = |c|.
  AxisPhase phase(char letter, int64_t f) const {
    const int64_t c = index_.coefficient(letter), m = std::abs(c), sign = c < 0 ? -1 : 1;
    AxisPhase p;
    p.extent = extent_ > f ? ceil_div(extent_ - f, m) : 0;
    Subscript rest = index_.with(letter, {}); // d * r + offset
    if (m > 1) {
      int64_t start = 0, stride = 1;
      if (const auto r = other(letter)) {
        stride = m / std::gcd(m, r->second);
        while (start < stride && floor_mod(r->second * start + index_.offset - f, m) != 0)
          ++start;
        p.empty = start == stride || start >= extents_.of(r->first);
        if (stride > 1)
          p.slice = LetterSlice{r->first, start, stride};
        rest = rest.with(r->first, Subscript{start, {{r->first, stride}}});
      } else {
        p.empty = floor_mod(index_.offset - f, m) != 0;
      }
    }
    p.empty |= p.extent == 0;
    if (p.empty)
      return p;
    Subscript value{(f - rest.offset) / m, {}}; // exactly, as are the coefficients below
    for (auto [l, d] : rest.terms)
      value = value + Subscript{0, {{l, -d / m}}};
    p.solved = {letter, (value + Subscript::of(axis_)) * sign};
    return p;
  }

  const Subscript index_;
  const char axis_;
  const int64_t extent_;
  const std::string fixed_;
  const LetterExtents &extents_;
};

char fresh_letter(const std::string &used) {
  for (char c : std::string("hwdabcefgijklmnopqrstuvxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if (used.find(c) == std::string::npos)
      return c;
  throw Error("a formula has too many letters");
}

void extend(AdjointPhase &phase, const AxisPhase &axis) {
  phase.empty |= axis.empty;
  phase.shape.push_back(axis.extent);
  if (axis.slice)
    phase.slices.push_back(*axis.slice);
  if (axis.solved)
    phase.solved.insert(*axis.solved);
}

} // namespace

Subscripts AdjointPhase::in(const Subscripts &subscripts) const {
  Subscripts result;
  for (Subscript s : subscripts) {
    const char alone = s.plain();
    for (const LetterSlice &slice : slices)
      if (slice.letter != alone)
        s = s.with(slice.letter, Subscript{slice.start, {{slice.letter, slice.stride}}});
    for (const auto &[letter, value] : solved)
      s = s.with(letter, value);
    result.push_back(s);
  }
  return result;
}

AffineAdjoint affine_adjoint(const Subscripts &subscripts, const Shape &shape, const std::string &used,
                             const LetterExtents &extents) {
  std::string letters = used, names, fixed;
  for (const Subscript &s : subscripts) { // letters that stand alone stay what they are
    names += s.plain() ? s.plain() : fresh_letter(letters);
    letters += names.back();
  }
  fixed = names;
  std::map<char, Subscript> solved; // by axes before, where these have one phase
  AffineAdjoint result;
  AdjointPhase whole;
  whole.letters = names;
  result.phases = {whole};
  for (size_t d = 0; d < subscripts.size(); ++d) {
    std::vector<AxisPhase> axis{{.extent = shape[d]}};
    if (!subscripts[d].plain()) {
      Subscript index = subscripts[d];
      for (const auto &[letter, value] : solved)
        index = index.with(letter, value);
      axis = AxisSolver(index, names[d], shape[d], fixed, extents).phases();
      for (auto [letter, c] : index.terms) // no letter is sliced or solved for twice
        if (axis.size() > 1)
          fixed += letter;
      if (axis.size() == 1 && axis[0].solved)
        solved.insert(*axis[0].solved);
    }
    result.factors.push_back(static_cast<int64_t>(axis.size()));
    if (axis.size() * result.phases.size() > kMostPhases)
      throw Error("the gradient of what is read at " + to_string(subscripts) + " has over " + std::to_string(kMostPhases) + " parts");
    std::vector<AdjointPhase> phases;
    for (const AdjointPhase &before : result.phases)
      for (const AxisPhase &here : axis) {
        phases.push_back(before);
        extend(phases.back(), here);
      }
    result.phases = std::move(phases);
  }
  return result;
}

Var sliced(const AdjointPhase &phase, Var v, const Subscripts &letters) {
  std::vector<int64_t> starts(letters.size(), 0), strides(letters.size(), 1);
  for (size_t d = 0; d < letters.size(); ++d)
    for (const LetterSlice &slice : phase.slices)
      if (letters[d].plain() == slice.letter) {
        starts[d] = slice.start;
        strides[d] = slice.stride;
      }
  if (std::all_of(strides.begin(), strides.end(), [](int64_t stride) { return stride == 1; }))
    return v;
  return apply("slice", {v}, {{"starts", starts}, {"limits", v.shape()}, {"strides", strides}});
}

Var join_phases(const AffineAdjoint &adjoint, const Type &operand, const Scope &scope,
                const std::function<Var(const AdjointPhase &)> &of) {
  std::vector<Var> phases;
  for (const AdjointPhase &phase : adjoint.phases)
    phases.push_back(phase.empty ? constant(scope, 0, {operand.dtype, phase.shape}) : of(phase));
  return phases.size() == 1 ? phases[0] : apply("interleave", phases, {{"factors", adjoint.factors}});
}

Var contract_adjoint(const Einsum &e, bool first, const Type &operand, Var dy, Var other) {
  const Subscripts &subscripts = first ? e.a : e.b, &others = first ? e.b : e.a, out = subscripts_of(e.out);
  const Shape of_other = other.shape(), result = dy.shape();
  const LetterExtents extents =
      first ? einsum_extents(e, operand.shape, of_other, &result) : einsum_extents(e, of_other, operand.shape, &result);
  const std::string used = letters_of(e.a) + letters_of(e.b) + e.out;
  const AffineAdjoint adjoint = affine_adjoint(subscripts, operand.shape, used, extents);
  return join_phases(adjoint, operand, *dy.scope, [&](const AdjointPhase &phase) {
    const Var of_result = sliced(phase, dy, out), factor = sliced(phase, other, others);
    const Subscripts at_result = phase.in(out), at_factor = phase.in(others);
    const Type type{operand.dtype, phase.shape};
    return first ? apply("contract", {of_result, factor}, {{"indices", Einsum{at_result, at_factor, phase.letters}.text()}}, type)
                 : apply("contract", {factor, of_result}, {{"indices", Einsum{at_factor, at_result, phase.letters}.text()}}, type);
  });
}

} // namespace gradc
