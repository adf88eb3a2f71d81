// Every scalar operation as machine code: a loop over arrays, in vectors of a number of lanes, for this machine or for any
// x86-64. Nothing of the process is visible to the code, so what calls into libm does not link.
#pragma once

#include "ir/scalar.h"

#include <memory>
#include <string>
#include <vector>

namespace llvm::orc {
class LLJIT;
}

namespace gradc::tests {

enum class Machine { host, baseline };

/// The divisors that floordiv and floormod, which take no others than literals, are compiled for.
constexpr int64_t kDivisors[] = {1, 7, 8};

class ScalarCode {
public:
  /// 0 lanes: as many as a vector register of 512 bits has.
  explicit ScalarCode(Machine, unsigned lanes = 0);
  ~ScalarCode();
  bool fma() const { return fma_; }

  /// The op on elements i of all operands, of which there are as many as it takes. T is float, double, int32_t or int64_t.
  /// What an op wants as a bool is one where it is not zero; a result that is a bool is 0 or 1. `cast` goes to i32 and back.
  /// `divisor` stands for the second operand of floordiv and floormod.
  template <class T>
  std::vector<T> run(ScalarOp, std::vector<std::vector<T>> operands, int64_t divisor = 0) const;

private:
  void *address(const std::string &symbol) const;
  std::unique_ptr<llvm::orc::LLJIT> jit_;
  bool fma_ = false;
};

/// Compiled once.
const ScalarCode &scalar_code(Machine);

} // namespace gradc::tests
