#include "compiler/codegen/emission/emit_scalar.h"

#include "compiler/codegen/emission/emit_philox.h"
#include "compiler/codegen/emission/shared_function.h"
#include "compiler/codegen/mathematics/vector_math.h"
#include "ir/error.h"

namespace gradc {

llvm::Type *register_type(llvm::LLVMContext &c, DType dtype) {
  switch (dtype) {
  case DType::f32: return llvm::Type::getFloatTy(c);
  case DType::f64: return llvm::Type::getDoubleTy(c);
  case DType::i32: return llvm::Type::getInt32Ty(c);
  case DType::i64: return llvm::Type::getInt64Ty(c);
  case DType::boolean: return llvm::Type::getInt1Ty(c);
  }
  throw InternalFault("unknown dtype");
}

llvm::Type *memory_type(llvm::LLVMContext &c, DType dtype) {
  return dtype == DType::boolean ? llvm::Type::getInt8Ty(c) : register_type(c, dtype);
}

llvm::Value *splat(llvm::IRBuilderBase &b, llvm::Value *scalar, int lanes) {
  return b.CreateVectorSplat(static_cast<unsigned>(lanes), scalar);
}

llvm::Value *emit_fma(llvm::IRBuilderBase &b, const Target &target, llvm::Value *x, llvm::Value *y, llvm::Value *z) {
  if (!target.fma)
    return b.CreateFAdd(b.CreateFMul(x, y), z);
  return b.CreateIntrinsic(x->getType(), llvm::Intrinsic::fma, {x, y, z});
}

llvm::Value *emit_maximum(llvm::IRBuilderBase &b, llvm::Value *x, llvm::Value *y) {
  llvm::Value *larger = b.CreateSelect(b.CreateFCmpOGT(y, x), y, x); // one instruction on x86
  return b.CreateSelect(b.CreateFCmpUNO(y, y), y, larger);
}

namespace {

llvm::Constant *integer(llvm::Type *type, int64_t value) { return llvm::ConstantInt::getSigned(type, value); }

llvm::Value *emit_compare(llvm::IRBuilderBase &b, ScalarOp op, DType operand, llvm::Value *x, llvm::Value *y) {
  using P = llvm::CmpInst::Predicate;
  bool f = is_float(operand), u = operand == DType::boolean;
  switch (op) {
  case ScalarOp::lt: return f ? b.CreateFCmpOLT(x, y) : b.CreateICmp(u ? P::ICMP_ULT : P::ICMP_SLT, x, y);
  case ScalarOp::le: return f ? b.CreateFCmpOLE(x, y) : b.CreateICmp(u ? P::ICMP_ULE : P::ICMP_SLE, x, y);
  case ScalarOp::eq: return f ? b.CreateFCmpOEQ(x, y) : b.CreateICmpEQ(x, y);
  case ScalarOp::ne: return f ? b.CreateFCmpUNE(x, y) : b.CreateICmpNE(x, y);
  case ScalarOp::gt: return f ? b.CreateFCmpOGT(x, y) : b.CreateICmp(u ? P::ICMP_UGT : P::ICMP_SGT, x, y);
  case ScalarOp::ge: return f ? b.CreateFCmpOGE(x, y) : b.CreateICmp(u ? P::ICMP_UGE : P::ICMP_SGE, x, y);
  default: throw InternalFault("not a comparison");
  }
}

// x/0 = 0, and the one overflowing quotient (least / -1) wraps.
llvm::Value *emit_int_div(llvm::IRBuilderBase &b, llvm::Value *x, llvm::Value *y) {
  llvm::Type *t = x->getType();
  llvm::Value *zero = b.CreateICmpEQ(y, integer(t, 0)), *minus_one = b.CreateICmpEQ(y, integer(t, -1));
  llvm::Value *safe = b.CreateSelect(b.CreateOr(zero, minus_one), integer(t, 1), y);
  llvm::Value *quotient = b.CreateSDiv(x, safe);
  return b.CreateSelect(zero, integer(t, 0), b.CreateSelect(minus_one, b.CreateNeg(x), quotient));
}

llvm::Value *emit_floor_division(llvm::IRBuilderBase &b, ScalarOp op, llvm::Value *x, llvm::Value *y) {
  llvm::Type *t = x->getType();
  const llvm::APInt &divisor = llvm::cast<llvm::Constant>(y)->getUniqueInteger();
  if (divisor.isPowerOf2())
    return op == ScalarOp::floormod ? b.CreateAnd(x, integer(t, divisor.getSExtValue() - 1))
                                    : b.CreateAShr(x, integer(t, divisor.logBase2()));
  llvm::Value *rest = b.CreateSRem(x, y);
  llvm::Value *negative = b.CreateICmpSLT(rest, integer(t, 0));
  if (op == ScalarOp::floormod)
    return b.CreateSelect(negative, b.CreateAdd(rest, y), rest);
  return b.CreateSub(b.CreateSDiv(x, y), b.CreateZExt(negative, t)); // x - rest could leave the range
}

// Processors of x86-64-v1 have no instruction for it, and LLVM would call libm. From 2^(digits - 1) on all numbers are whole.
// Below it, adding that number and taking it away again leaves the nearest whole number, which may be one too large.
llvm::Value *emit_floor(llvm::IRBuilderBase &b, const Target &target, llvm::Value *x) {
  if (target.level >= 2)
    return b.CreateUnaryIntrinsic(llvm::Intrinsic::floor, x);
  llvm::Type *t = x->getType();
  llvm::Value *whole = llvm::ConstantFP::get(t, t->getScalarType()->isDoubleTy() ? 0x1p52 : 0x1p23);
  llvm::Value *size = b.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  llvm::Value *nearest = b.CreateFSub(b.CreateFAdd(size, whole), whole);
  nearest = b.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, nearest, x);
  llvm::Value *below = b.CreateFSub(nearest, llvm::ConstantFP::get(t, 1.0));
  llvm::Value *floor = b.CreateSelect(b.CreateFCmpOGT(nearest, x), below, nearest);
  return b.CreateSelect(b.CreateFCmpOLT(size, whole), floor, x); // also where x is no number
}

llvm::Value *emit_cast(llvm::IRBuilderBase &b, DType from, DType to, llvm::Value *x) {
  llvm::Type *t = register_type(b.getContext(), to);
  if (auto *vector = llvm::dyn_cast<llvm::FixedVectorType>(x->getType()))
    t = llvm::FixedVectorType::get(t, vector->getNumElements());
  if (from == to)
    return x;
  if (is_float(from) && is_float(to))
    return b.CreateFPCast(x, t);
  if (to == DType::boolean)
    return is_float(from) ? b.CreateFCmpUNE(x, llvm::Constant::getNullValue(x->getType()))
                          : b.CreateICmpNE(x, llvm::Constant::getNullValue(x->getType()));
  if (is_float(from))
    return b.CreateIntrinsic(llvm::Intrinsic::fptosi_sat, {t, x->getType()}, {x});
  if (is_float(to))
    return from == DType::boolean ? b.CreateUIToFP(x, t) : b.CreateSIToFP(x, t);
  return from == DType::boolean ? b.CreateZExt(x, t) : b.CreateSExtOrTrunc(x, t);
}

llvm::Value *emit_sign(llvm::IRBuilderBase &b, DType dtype, llvm::Value *x) {
  llvm::Type *t = x->getType();
  if (!is_float(dtype)) {
    llvm::Value *positive = b.CreateSelect(b.CreateICmpSGT(x, integer(t, 0)), integer(t, 1), integer(t, 0));
    return b.CreateSelect(b.CreateICmpSLT(x, integer(t, 0)), integer(t, -1), positive);
  }
  llvm::Value *zero = llvm::ConstantFP::get(t, 0.0);
  llvm::Value *negative = b.CreateSelect(b.CreateFCmpOLT(x, zero), llvm::ConstantFP::get(t, -1.0), x); // 0, NaN: x
  return b.CreateSelect(b.CreateFCmpOGT(x, zero), llvm::ConstantFP::get(t, 1.0), negative);
}

llvm::Value *emit_arithmetic(llvm::IRBuilderBase &b, ScalarOp op, DType dtype, llvm::Value *x, llvm::Value *y) {
  bool f = is_float(dtype);
  switch (op) {
  case ScalarOp::add: return f ? b.CreateFAdd(x, y) : b.CreateAdd(x, y);
  case ScalarOp::sub: return f ? b.CreateFSub(x, y) : b.CreateSub(x, y);
  case ScalarOp::mul: return f ? b.CreateFMul(x, y) : b.CreateMul(x, y);
  case ScalarOp::div: return f ? b.CreateFDiv(x, y) : emit_int_div(b, x, y);
  case ScalarOp::maximum:
    return f ? emit_maximum(b, x, y) : b.CreateSelect(emit_compare(b, ScalarOp::gt, dtype, x, y), x, y);
  case ScalarOp::minimum: {
    if (!f)
      return b.CreateSelect(emit_compare(b, ScalarOp::lt, dtype, x, y), x, y);
    llvm::Value *smaller = b.CreateSelect(b.CreateFCmpOLT(y, x), y, x);
    return b.CreateSelect(b.CreateFCmpUNO(y, y), y, smaller);
  }
  default: throw InternalFault("not arithmetic");
  }
}

MathTarget math_target(const Target &target) { return {target.fma, target.vector_bits == 512}; }

llvm::Value *emit_function(llvm::IRBuilderBase &b, const Target &target, vector_math::Real (*function)(vector_math::Real),
                           const std::vector<llvm::Value *> &args) {
  return emit_math(b, function, args[0], math_target(target));
}

llvm::Value *emit_function(llvm::IRBuilderBase &b, const Target &target,
                           vector_math::Real (*function)(vector_math::Real, vector_math::Real),
                           const std::vector<llvm::Value *> &args) {
  return emit_math(b, function, args[0], args[1], math_target(target));
}

// On scalars they are called, as loops over them are rare or short; on vectors they stand where they are used.
llvm::Value *call_function(llvm::IRBuilderBase &b, const Target &target, ScalarOp op, auto function,
                           const std::vector<llvm::Value *> &args) {
  llvm::Type *type = args[0]->getType();
  const std::string name = std::string(to_string(op)) + (type->isDoubleTy() ? ".f64" : ".f32");
  auto *signature = llvm::FunctionType::get(type, std::vector<llvm::Type *>(args.size(), type), false);
  llvm::Function *shared = shared_function(b, name, signature, [&](llvm::Function &f) {
    f.setDoesNotAccessMemory();
    f.setDoesNotThrow();
    f.setWillReturn();
    std::vector<llvm::Value *> own;
    for (llvm::Argument &arg : f.args())
      own.push_back(&arg);
    b.CreateRet(emit_function(b, target, function, own));
  });
  return b.CreateCall(shared, args);
}

} // namespace

llvm::Value *emit_scalar(llvm::IRBuilderBase &b, const Target &target, ScalarOp op, DType operand, DType result,
                         const std::vector<llvm::Value *> &args) {
  llvm::Value *x = args[0];
  bool f = is_float(operand);
  auto unary = [&](llvm::Intrinsic::ID id) { return b.CreateUnaryIntrinsic(id, x); };
  auto function = [&](auto emit) {
    return is_expensive(op) && !x->getType()->isVectorTy() ? call_function(b, target, op, emit, args)
                                                           : emit_function(b, target, emit, args);
  };
  switch (op) {
  case ScalarOp::neg: return f ? b.CreateFNeg(x) : b.CreateNeg(x);
  case ScalarOp::abs:
    return f ? unary(llvm::Intrinsic::fabs)
             : b.CreateSelect(b.CreateICmpSLT(x, integer(x->getType(), 0)), b.CreateNeg(x), x);
  case ScalarOp::sign: return emit_sign(b, operand, x);
  case ScalarOp::floor: return f ? emit_floor(b, target, x) : x;
  case ScalarOp::logical_not: return b.CreateNot(x);
  case ScalarOp::logical_and: return b.CreateAnd(x, args[1]);
  case ScalarOp::logical_or: return b.CreateOr(x, args[1]);
  case ScalarOp::add: case ScalarOp::sub: case ScalarOp::mul: case ScalarOp::div: case ScalarOp::maximum:
  case ScalarOp::minimum:
    return emit_arithmetic(b, op, operand, x, args[1]);
  case ScalarOp::lt: case ScalarOp::le: case ScalarOp::eq: case ScalarOp::ne: case ScalarOp::gt: case ScalarOp::ge:
    return emit_compare(b, op, operand, x, args[1]);
  case ScalarOp::floordiv: case ScalarOp::floormod: return emit_floor_division(b, op, x, args[1]);
  case ScalarOp::select: return b.CreateSelect(x, args[1], args[2]);
  case ScalarOp::cast: return emit_cast(b, operand, result, x);
  case ScalarOp::philox: return emit_philox(b, args);
  case ScalarOp::exp: return function(vector_math::emit_exp);
  case ScalarOp::expm1: return function(vector_math::emit_expm1);
  case ScalarOp::log: return function(vector_math::emit_log);
  case ScalarOp::log1p: return function(vector_math::emit_log1p);
  case ScalarOp::sqrt: return function(vector_math::emit_sqrt);
  case ScalarOp::rsqrt: return function(vector_math::emit_rsqrt);
  case ScalarOp::tanh: return function(vector_math::emit_tanh);
  case ScalarOp::sigmoid: return function(vector_math::emit_sigmoid);
  case ScalarOp::erf: return function(vector_math::emit_erf);
  case ScalarOp::erfc: return function(vector_math::emit_erfc);
  case ScalarOp::sin: return function(vector_math::emit_sin);
  case ScalarOp::cos: return function(vector_math::emit_cos);
  case ScalarOp::pow: return function(vector_math::emit_pow);
  }
  throw InternalFault("unknown scalar op");
}

} // namespace gradc
