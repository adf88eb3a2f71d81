#include "tests/ops/scalar_code.h"

#include "compiler/codegen/emission/emit_scalar.h"
#include "compiler/codegen/target.h"
#include "ir/error.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/Support/TargetSelect.h>
#pragma GCC diagnostic pop

#include <stdexcept>

namespace gradc::tests {
namespace {

constexpr int64_t kBlock = 4096; // elements a call; a multiple of every vector length

template <class T> T check(llvm::Expected<T> value) {
  if (!value)
    throw std::runtime_error(llvm::toString(value.takeError()));
  return std::move(*value);
}

bool divides(ScalarOp op) { return op == ScalarOp::floordiv || op == ScalarOp::floormod; }
bool is_logical(ScalarOp op) {
  return op == ScalarOp::logical_not || op == ScalarOp::logical_and || op == ScalarOp::logical_or;
}

std::string symbol(ScalarOp op, DType dtype, int64_t divisor) {
  return std::string(to_string(op)) + "_" + std::string(to_string(dtype)) + "_" + std::to_string(divisor);
}

/// Whether the op is defined on operands of `dtype`, which is what evaluate_scalar says.
bool is_defined(ScalarOp op, DType dtype) {
  const double numbers[] = {1, 1, 1, 1};
  const int64_t integers[] = {1, 1, 1, 1};
  try {
    is_float(dtype) ? static_cast<void>(evaluate_scalar(op, dtype, dtype, numbers))
                    : static_cast<void>(evaluate_scalar(op, dtype, dtype, integers));
    return op != ScalarOp::philox || dtype == DType::i64;
  } catch (const InternalFault &) {
    return false;
  }
}

/// The result for the elements in `x`, which are of `dtype`.
llvm::Value *emit(llvm::IRBuilderBase &b, const Target &target, ScalarOp op, DType dtype, std::vector<llvm::Value *> x) {
  const auto cast = [&](DType from, DType to, llvm::Value *v) { return emit_scalar(b, target, ScalarOp::cast, from, to, {v}); };
  DType operand = dtype, result = dtype;
  if (is_logical(op)) {
    operand = result = DType::boolean;
    for (llvm::Value *&v : x)
      v = cast(dtype, DType::boolean, v);
  } else if (op == ScalarOp::select) {
    x[0] = cast(dtype, DType::boolean, x[0]);
  } else if (op == ScalarOp::cast || row_of(op).result == ScalarResult::i32) {
    result = DType::i32;
  } else if (row_of(op).result == ScalarResult::boolean) {
    result = DType::boolean;
  }
  return cast(result, dtype, emit_scalar(b, target, op, operand, result, x));
}

/// void name(const T *const *operands, T *out) over one block.
void define(llvm::Module &module, const Target &target, ScalarOp op, DType dtype, unsigned lanes, int64_t divisor) {
  llvm::IRBuilder<> b(module.getContext());
  llvm::Type *ptr = b.getPtrTy(), *element = register_type(module.getContext(), dtype);
  auto *function = llvm::Function::Create(llvm::FunctionType::get(b.getVoidTy(), {ptr, ptr}, false),
                                          llvm::Function::ExternalLinkage, symbol(op, dtype, divisor), module);
  function->addFnAttr("prefer-vector-width", "512");
  auto *entry = llvm::BasicBlock::Create(module.getContext(), "entry", function);
  auto *loop = llvm::BasicBlock::Create(module.getContext(), "loop", function);
  auto *exit = llvm::BasicBlock::Create(module.getContext(), "exit", function);
  b.SetInsertPoint(entry);
  std::vector<llvm::Value *> operands;
  for (size_t n = 0; n < row_of(op).arity; ++n)
    operands.push_back(b.CreateLoad(ptr, b.CreateConstGEP1_64(ptr, function->getArg(0), n)));
  b.CreateBr(loop);
  b.SetInsertPoint(loop);
  auto *i = b.CreatePHI(b.getInt64Ty(), 2);
  i->addIncoming(b.getInt64(0), entry);
  llvm::Type *type = lanes == 1 ? element : llvm::FixedVectorType::get(element, lanes);
  const llvm::Align align(4);
  std::vector<llvm::Value *> values;
  for (llvm::Value *operand : operands)
    values.push_back(b.CreateAlignedLoad(type, b.CreateGEP(element, operand, i), align));
  if (divisor)
    values[1] = llvm::ConstantInt::getSigned(type, divisor);
  b.CreateAlignedStore(emit(b, target, op, dtype, values), b.CreateGEP(element, function->getArg(1), i), align);
  llvm::Value *next = b.CreateAdd(i, b.getInt64(lanes));
  i->addIncoming(next, b.GetInsertBlock());
  b.CreateCondBr(b.CreateICmpULT(next, b.getInt64(kBlock)), loop, exit);
  b.SetInsertPoint(exit);
  b.CreateRetVoid();
}

template <class T> constexpr DType kDTypeOf = DType::f32;
template <> constexpr DType kDTypeOf<double> = DType::f64;
template <> constexpr DType kDTypeOf<int32_t> = DType::i32;
template <> constexpr DType kDTypeOf<int64_t> = DType::i64;

} // namespace

ScalarCode::ScalarCode(Machine machine, unsigned lanes) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto host = check(llvm::orc::JITTargetMachineBuilder::detectHost());
  llvm::orc::JITTargetMachineBuilder builder(host.getTargetTriple());
  if (machine == Machine::host)
    builder = host;
  const Target target = machine == Machine::host ? host_target() : Target{};
  fma_ = target.fma;
  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = std::make_unique<llvm::Module>("math", *context);
  for (int n = 0; n < kScalarOpCount; ++n)
    for (DType dtype : {DType::f32, DType::f64, DType::i32, DType::i64}) {
      const auto op = static_cast<ScalarOp>(n);
      const auto all = static_cast<unsigned>(64 / size_of(dtype));
      if (is_defined(op, dtype) && !divides(op))
        define(*module, target, op, dtype, lanes ? lanes : all, 0);
      for (int64_t divisor : kDivisors)
        if (is_defined(op, dtype) && divides(op))
          define(*module, target, op, dtype, lanes ? lanes : all, divisor);
    }
  jit_ = check(llvm::orc::LLJITBuilder()
                   .setJITTargetMachineBuilder(builder)
                   .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                   .setLinkProcessSymbolsByDefault(false)
                   .create());
  module->setDataLayout(jit_->getDataLayout());
  llvm::cantFail(jit_->addIRModule(llvm::orc::ThreadSafeModule(std::move(module), std::move(context))));
}

ScalarCode::~ScalarCode() = default;

void *ScalarCode::address(const std::string &name) const { return check(jit_->lookup(name)).toPtr<void *>(); }

template <class T>
std::vector<T> ScalarCode::run(ScalarOp op, std::vector<std::vector<T>> operands, int64_t divisor) const {
  const size_t count = operands[0].size();
  const size_t padded = (count + kBlock - 1) / kBlock * kBlock;
  for (std::vector<T> &operand : operands)
    operand.resize(padded, T(1));
  std::vector<T> out(padded);
  using Function = void (*)(const T *const *, T *);
  const auto function = reinterpret_cast<Function>(address(symbol(op, kDTypeOf<T>, divisor)));
  for (size_t i = 0; i < padded; i += kBlock) {
    std::vector<const T *> pointers;
    for (const std::vector<T> &operand : operands)
      pointers.push_back(&operand[i]);
    function(pointers.data(), &out[i]);
  }
  out.resize(count);
  return out;
}

template std::vector<float> ScalarCode::run(ScalarOp, std::vector<std::vector<float>>, int64_t) const;
template std::vector<double> ScalarCode::run(ScalarOp, std::vector<std::vector<double>>, int64_t) const;
template std::vector<int32_t> ScalarCode::run(ScalarOp, std::vector<std::vector<int32_t>>, int64_t) const;
template std::vector<int64_t> ScalarCode::run(ScalarOp, std::vector<std::vector<int64_t>>, int64_t) const;

const ScalarCode &scalar_code(Machine machine) {
  static const ScalarCode host(Machine::host), baseline(Machine::baseline);
  return machine == Machine::host ? host : baseline;
}

} // namespace gradc::tests
