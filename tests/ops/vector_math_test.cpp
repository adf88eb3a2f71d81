// The errors vector_math.h promises, measured: every function is compiled with LLVM and run on vectors, f32
// against double and f64 against long double. GRADC_EXHAUSTIVE=exp,tanh tries every f32 for these functions, and
// GRADC_EXHAUSTIVE=all for each of them (minutes a function), instead of one bit pattern in 4099;
// GRADC_PRINT_ULP=1 prints what was measured.
#include "compiler/codegen/llvm.h"
#include "compiler/codegen/mathematics/vector_math.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/TargetSelect.h>
#pragma GCC diagnostic pop

#include <catch2/catch.hpp>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

using namespace gradc;

namespace {

struct Bound {
  ScalarOp op;
  double f32, f32_no_fma, f64, f64_no_fma; // ULP
};
// The table in vector_math.h.
constexpr Bound kBounds[] = {
    {ScalarOp::exp, 1, 1.25, 1.25, 1.25},     {ScalarOp::expm1, 1.75, 2, 2, 2.25},
    {ScalarOp::tanh, 1.75, 1.75, 2.75, 2.75}, {ScalarOp::sigmoid, 1, 1.5, 1, 1.5},
    {ScalarOp::log, 1, 1.25, 1, 1},           {ScalarOp::log1p, 1.75, 2, 1.5, 1.5},
    {ScalarOp::erf, 1, 1.5, 1.25, 1.5},       {ScalarOp::sin, 1.75, 2.5, 1.75, 2.5},
    {ScalarOp::cos, 1.75, 2.5, 1.75, 2.5},    {ScalarOp::sqrt, 0.5, 0.5, 0.5, 0.5},
    {ScalarOp::rsqrt, 1.5, 1.5, 1.5, 1.5},
};
constexpr Bound kPowBound = {ScalarOp::pow, 0.51, 0.51, 1.5, 1.5};

enum class Machine { host, baseline };
constexpr int64_t kBlock = 4096; // values a call; a multiple of every vector length

/// The largest argument for which sin and cos keep their bound.
double trig_limit(bool f64, Machine machine) {
  if (f64)
    return machine == Machine::host ? 1e8 : 1e6;
  return machine == Machine::host ? 1e5 : 1e4;
}

template <class T> T check(llvm::Expected<T> value) {
  if (!value)
    throw std::runtime_error(llvm::toString(value.takeError()));
  return std::move(*value);
}

/// void name(const T *x, const T *y, T *out) over one block.
void define(llvm::Module &module, const std::string &name, ScalarOp op, llvm::Type *element, unsigned lanes,
            MathTarget target) {
  llvm::IRBuilder<> b(module.getContext());
  llvm::Type *ptr = b.getPtrTy();
  auto *function = llvm::Function::Create(llvm::FunctionType::get(b.getVoidTy(), {ptr, ptr, ptr}, false),
                                          llvm::Function::ExternalLinkage, name, module);
  function->addFnAttr("prefer-vector-width", "512");
  auto *entry = llvm::BasicBlock::Create(module.getContext(), "entry", function);
  auto *loop = llvm::BasicBlock::Create(module.getContext(), "loop", function);
  auto *exit = llvm::BasicBlock::Create(module.getContext(), "exit", function);
  b.SetInsertPoint(entry);
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  auto *i = b.CreatePHI(b.getInt64Ty(), 2);
  i->addIncoming(b.getInt64(0), entry);
  llvm::Type *type = lanes == 1 ? element : llvm::FixedVectorType::get(element, lanes);
  llvm::Align align(4);
  auto at = [&](unsigned argument) { return b.CreateGEP(element, function->getArg(argument), i); };
  llvm::Value *x = b.CreateAlignedLoad(type, at(0), align);
  llvm::Value *result = op == ScalarOp::pow ? emit_pow(b, x, b.CreateAlignedLoad(type, at(1), align), target)
                                            : emit_math(b, op, x, target);
  b.CreateAlignedStore(result, at(2), align);
  llvm::Value *next = b.CreateAdd(i, b.getInt64(lanes));
  i->addIncoming(next, loop);
  b.CreateCondBr(b.CreateICmpULT(next, b.getInt64(kBlock)), loop, exit);
  b.SetInsertPoint(exit);
  b.CreateRetVoid();
}

/// All functions, compiled for this machine or for plain x86-64. Nothing of the process is visible to the
/// compiled code, so a call into libm would not link.
class Library {
public:
  explicit Library(Machine machine, unsigned lanes = 0) {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    auto host = check(llvm::orc::JITTargetMachineBuilder::detectHost());
    llvm::orc::JITTargetMachineBuilder builder(host.getTargetTriple());
    if (machine == Machine::host)
      builder = host;
    auto context = std::make_unique<llvm::LLVMContext>();
    auto module = std::make_unique<llvm::Module>("math", *context);
    std::vector<ScalarOp> ops{ScalarOp::pow};
    for (const Bound &bound : kBounds)
      ops.push_back(bound.op);
    MathTarget target;
    if (machine == Machine::host) {
      target.fma = host.getFeatures().getString().find("+fma,") != std::string::npos;
      target.avx512f = host.getFeatures().getString().find("+avx512f,") != std::string::npos;
    }
    for (ScalarOp op : ops) {
      const std::string name = symbol(op);
      define(*module, name + "_f32", op, llvm::Type::getFloatTy(*context), lanes ? lanes : 16, target);
      define(*module, name + "_f64", op, llvm::Type::getDoubleTy(*context), lanes ? lanes : 8, target);
    }
    jit_ = check(llvm::orc::LLJITBuilder()
                     .setJITTargetMachineBuilder(builder)
                     .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                     .setLinkProcessSymbolsByDefault(false)
                     .create());
    module->setDataLayout(jit_->getDataLayout());
    llvm::cantFail(jit_->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context))));
  }

  template <class T> std::vector<T> run(ScalarOp op, std::vector<T> x, std::vector<T> y = {}) const {
    using Function = void (*)(const T *, const T *, T *);
    const size_t count = x.size();
    const size_t padded = (count + kBlock - 1) / kBlock * kBlock;
    x.resize(padded);
    y.resize(padded);
    std::vector<T> out(padded);
    auto address = check(jit_->lookup(symbol(op) + (sizeof(T) == 4 ? "_f32" : "_f64")));
    for (size_t i = 0; i < padded; i += kBlock)
      address.template toPtr<Function>()(&x[i], &y[i], &out[i]);
    out.resize(count);
    return out;
  }

private:
  static std::string symbol(ScalarOp op) { return "op" + std::to_string(static_cast<int>(op)); }
  std::unique_ptr<llvm::orc::LLJIT> jit_;
};

const Library &library(Machine machine) {
  static const Library host(Machine::host), baseline(Machine::baseline);
  return machine == Machine::host ? host : baseline;
}

template <class Wide> Wide reference(ScalarOp op, Wide x) {
  switch (op) {
  case ScalarOp::exp:
    return std::exp(x);
  case ScalarOp::expm1:
    return std::expm1(x);
  case ScalarOp::tanh:
    return std::tanh(x);
  case ScalarOp::sigmoid:
    return 1 / (1 + std::exp(-x));
  case ScalarOp::log:
    return std::log(x);
  case ScalarOp::log1p:
    return std::log1p(x);
  case ScalarOp::erf:
    return std::erf(x);
  case ScalarOp::sin:
    return std::sin(x);
  case ScalarOp::cos:
    return std::cos(x);
  case ScalarOp::sqrt:
    return std::sqrt(x);
  default:
    return 1 / std::sqrt(x);
  }
}

/// |got - want| in units of the last place of T at `want`; infinity where one is NaN or a zero has the wrong
/// sign.
template <class T, class Wide> double ulp_error(T got, Wide want) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (std::isnan(got) || std::isnan(want))
    return std::isnan(got) && std::isnan(want) ? 0 : infinity;
  if (want == 0)
    return got == 0 && std::signbit(got) == std::signbit(want) ? 0 : infinity;
  using Limits = std::numeric_limits<T>;
  // Infinity counts as the power of two after the largest number.
  const Wide top = std::ldexp(Wide(1), Limits::max_exponent);
  Wide finite = std::isinf(got) ? std::copysign(top, Wide(got)) : Wide(got);
  if (std::abs(want) >= top)
    want = std::copysign(top, want);
  int exponent = std::max(std::ilogb(want), Limits::min_exponent - 1);
  exponent = std::min(exponent, Limits::max_exponent - 1);
  return static_cast<double>(std::abs(std::ldexp(finite - want, Limits::digits - 1 - exponent)));
}

template <class T> std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> values{0,
                        Limits::denorm_min(),
                        3 * Limits::denorm_min(),
                        Limits::min(),
                        Limits::epsilon(),
                        T(0.25),
                        T(0.5),
                        T(1),
                        T(1.5),
                        T(2),
                        T(3),
                        T(4),
                        T(88),
                        T(103.9),
                        T(709.7),
                        T(745.1),
                        T(0x1.921fb54442d18p0),
                        T(0x1.921fb54442d18p1),
                        std::ldexp(T(1), Limits::digits - 1),
                        std::ldexp(T(1), Limits::digits) - 1,
                        std::ldexp(T(1), Limits::digits),
                        Limits::max(),
                        Limits::infinity(),
                        Limits::quiet_NaN()};
  std::vector<T> all;
  for (T v : values)
    for (T near : {v, std::nextafter(v, T(0)), std::nextafter(v, Limits::infinity())})
      for (T sign : {T(1), T(-1)})
        all.push_back(std::copysign(near, sign));
  return all;
}

std::vector<double> samples_f64() {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> unit(-1, 1);
  std::vector<double> values = special_values<double>();
  for (int i = 0; i < 40000; ++i) {
    values.push_back(std::bit_cast<double>(random()));
    for (double range : {0.5, 2.0, 8.0, 40.0, 750.0})
      values.push_back(range * unit(random));
    values.push_back(1 + std::ldexp(unit(random), -static_cast<int>(random() % 30)));
    values.push_back(std::ldexp(unit(random), 27 - static_cast<int>(random() % 60)));
  }
  return values;
}

bool is_exhaustive(ScalarOp op) {
  const char *wanted = std::getenv("GRADC_EXHAUSTIVE");
  const std::string names = "," + std::string(wanted ? wanted : "") + ",";
  return names == ",all," || names.find("," + std::string(to_string(op)) + ",") != names.npos;
}

bool is_trig(ScalarOp op) { return op == ScalarOp::sin || op == ScalarOp::cos; }

struct Worst {
  double error = 0, x = 0, y = 0, got = 0;
  void take(double e, double at, double at_y, double value) {
    if (e > error)
      *this = {e, at, at_y, value};
  }
};

/// The largest error of `op` over `x`; past the limit of sin and cos, only that the result lies in [-1, 1].
template <class T, class Wide>
void measure(const Library &lib, const std::vector<T> &x, ScalarOp op, double limit, Worst &worst) {
  const std::vector<T> got = lib.run(op, x);
  for (size_t i = 0; i < x.size(); ++i) {
    if (is_trig(op) && std::abs(x[i]) > limit) {
      if (!(std::abs(got[i]) <= 1) && std::isfinite(x[i]))
        worst.take(std::numeric_limits<double>::infinity(), x[i], 0, got[i]);
      continue;
    }
    worst.take(ulp_error(got[i], reference<Wide>(op, x[i])), x[i], 0, got[i]);
  }
}

void expect(const char *what, ScalarOp op, const Worst &worst, double bound) {
  INFO(what << " op " << to_string(op) << ": " << worst.error << " ULP at x = " << worst.x
            << ", y = " << worst.y << ": got " << worst.got);
  CHECK(worst.error <= bound);
  if (std::getenv("GRADC_PRINT_ULP"))
    WARN(what << " " << to_string(op) << " " << worst.error << " ULP at " << worst.x << " " << worst.y);
}

} // namespace

TEST_CASE("f32 functions keep their error bounds", "[vector_math]") {
  for (Machine machine : {Machine::host, Machine::baseline})
    for (const Bound &bound : kBounds) {
      Worst worst;
      const uint64_t stride = is_exhaustive(bound.op) ? 1 : 4099;
      const double limit = trig_limit(false, machine);
      measure<float, double>(library(machine), special_values<float>(), bound.op, limit, worst);
      std::vector<float> x;
      for (uint64_t pattern = 0; pattern <= UINT32_MAX; pattern += stride) {
        x.push_back(std::bit_cast<float>(static_cast<uint32_t>(pattern)));
        if (x.size() == 1 << 16 || pattern + stride > UINT32_MAX) {
          measure<float, double>(library(machine), x, bound.op, limit, worst);
          x.clear();
        }
      }
      const bool host = machine == Machine::host;
      expect(host ? "f32" : "f32 no fma", bound.op, worst, host ? bound.f32 : bound.f32_no_fma);
    }
}

TEST_CASE("f64 functions keep their error bounds", "[vector_math]") {
  const std::vector<double> x = samples_f64();
  for (Machine machine : {Machine::host, Machine::baseline})
    for (const Bound &bound : kBounds) {
      Worst worst;
      measure<double, long double>(library(machine), x, bound.op, trig_limit(true, machine), worst);
      const bool host = machine == Machine::host;
      expect(host ? "f64" : "f64 no fma", bound.op, worst, host ? bound.f64 : bound.f64_no_fma);
    }
}

namespace {

/// Pairs whose power is spread evenly over all results, zero and infinity included.
template <class T> void power_samples(std::vector<T> &x, std::vector<T> &y, int count) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> unit(-1, 1);
  const double largest = std::log(std::numeric_limits<T>::max());
  for (int i = 0; i < count; ++i) {
    double base = i % 2 ? std::ldexp(1 + std::abs(unit(random)), static_cast<int>(random() % 250) - 125)
                        : 1 + std::ldexp(unit(random), -static_cast<int>(random() % 22));
    x.push_back(static_cast<T>(base));
    y.push_back(static_cast<T>(1.1 * largest * unit(random) / std::log(static_cast<double>(x.back()))));
  }
}

template <class T, class Wide> void check_power(Machine machine, const char *what, double bound) {
  std::vector<T> x, y;
  for (T a : special_values<T>())
    for (T b : special_values<T>()) {
      x.push_back(a);
      y.push_back(b);
    }
  power_samples(x, y, 100000);
  const std::vector<T> got = library(machine).run(ScalarOp::pow, x, y);
  Worst worst;
  for (size_t i = 0; i < x.size(); ++i)
    worst.take(ulp_error(got[i], std::pow(static_cast<Wide>(x[i]), static_cast<Wide>(y[i]))), x[i], y[i],
               got[i]);
  expect(what, ScalarOp::pow, worst, bound);
}

} // namespace

TEST_CASE("pow keeps its error bound and the special values of C99", "[vector_math]") {
  check_power<float, double>(Machine::host, "f32", kPowBound.f32);
  check_power<float, double>(Machine::baseline, "f32 no fma", kPowBound.f32_no_fma);
  check_power<double, long double>(Machine::host, "f64", kPowBound.f64);
  check_power<double, long double>(Machine::baseline, "f64 no fma", kPowBound.f64_no_fma);
}

TEST_CASE("every lane count gives the same bits", "[vector_math]") {
  const std::vector<float> x = special_values<float>();
  const std::vector<double> wide = special_values<double>();
  auto same = [](auto a, auto b) {
    return a == b ? std::signbit(a) == std::signbit(b) : std::isnan(a) && std::isnan(b);
  };
  for (unsigned lanes : {1u, 4u, 32u}) {
    Library other(Machine::host, lanes);
    for (const Bound &bound : kBounds) {
      INFO(to_string(bound.op) << " with " << lanes << " lanes");
      const auto a = library(Machine::host).run(bound.op, x), b = other.run(bound.op, x);
      CHECK(std::equal(a.begin(), a.end(), b.begin(), same));
      const auto c = library(Machine::host).run(bound.op, wide), d = other.run(bound.op, wide);
      CHECK(std::equal(c.begin(), c.end(), d.begin(), same));
    }
  }
}
