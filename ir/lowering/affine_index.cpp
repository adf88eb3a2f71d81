#include "ir/lowering/affine_index.h"

namespace gradc {

Index affine_index(const Subscripts &subscripts, std::string_view letters, const Index &point) {
  Index index;
  for (const Subscript &s : subscripts) {
    IndexExpr i = IndexExpr::constant(s.offset);
    for (auto [letter, c] : s.terms)
      i = i + point[letters.find(letter)] * c;
    index.push_back(std::move(i));
  }
  return index;
}

} // namespace gradc
