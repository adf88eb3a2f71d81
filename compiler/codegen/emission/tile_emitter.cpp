#include "compiler/codegen/emission/tile_emitter.h"

#include "compiler/codegen/emission/emit_philox.h"
#include "ir/error.h"

#include <algorithm>
#include <bit>

namespace gradc {

TileEmitter::TileEmitter(llvm::IRBuilder<> &builder, const Kernel &kernel, const Target &target,
                         std::vector<llvm::Value *> params)
    : b_(builder), k_(kernel), target_(target), params_(std::move(params)), entry_(builder.GetInsertBlock()), axes_(kernel) {
  axis.assign(k_.axes.size(), i64(0));
  scopes_.emplace_back();
}

bool TileEmitter::depends(ExprId id, int a) { return a >= 0 && axes_.of(id).contains(a); }

// Whether an expression has one value for the whole run of the kernel, whatever the kernel stores meanwhile.
bool TileEmitter::invariant(ExprId id) {
  if (auto it = invariant_.find(id); it != invariant_.end())
    return it->second;
  const Expr &e = k_.expr(id);
  bool result = axes_.of(id).empty() && e.kind != Expr::Kind::stage &&
                !(e.kind == Expr::Kind::load && k_.params[static_cast<size_t>(e.target)].written) &&
                std::all_of(e.args.begin(), e.args.end(), [&](ExprId arg) { return invariant(arg); });
  for (const IndexExpr &index : e.index)
    for (const IndexTerm &t : index.terms)
      result = result && (t.is_axis || invariant(t.id));
  return invariant_[id] = result;
}

bool TileEmitter::depends(const IndexExpr &index, int a) {
  for (const IndexTerm &t : index.terms)
    if (t.is_axis ? t.id == a : depends(t.id, a))
      return true;
  return false;
}

int TileEmitter::existing(int col) const { return view.masked(col) ? view.active : view.lanes; }

llvm::Value *TileEmitter::mask(int col) {
  return view.masked(col) ? first_lanes(b_, view.lanes, view.active) : nullptr;
}

llvm::Value *TileEmitter::lane_numbers() {
  std::vector<llvm::Constant *> numbers;
  for (int lane = 0; lane < view.lanes; ++lane)
    numbers.push_back(b_.getInt64(static_cast<uint64_t>(lane)));
  return llvm::ConstantVector::get(numbers);
}

llvm::Value *TileEmitter::widen(llvm::Value *value) {
  bool narrow = view.lanes > 1 && !value->getType()->isVectorTy();
  return narrow ? splat(b_, value, view.lanes) : value;
}

llvm::Value *TileEmitter::position(int a, llvm::Value *row, int col) {
  llvm::Value *p = axis[static_cast<size_t>(a)];
  if (a == view.row_axis)
    p = b_.CreateNSWAdd(p, row);
  if (a == view.col_axis)
    p = b_.CreateNSWAdd(p, i64(col * view.col_step));
  return p;
}

llvm::Value *TileEmitter::index_value(const IndexExpr &index, llvm::Value *row, int col) {
  return index_sum(index, row, col, depends(index, view.lane_axis));
}

llvm::Value *TileEmitter::index_sum(const IndexExpr &index, llvm::Value *row, int col, bool wide) {
  llvm::Value *sum = i64(index.offset);
  const bool exact = index.is_affine(); // a computed term may be any integer, and then the sum wraps
  if (wide)
    sum = widen(sum);
  for (const IndexTerm &t : index.terms) {
    llvm::Value *value = t.is_axis ? position(t.id, row, col) : eval(t.id, row, col);
    if (wide) {
      value = widen(value);
      if (t.is_axis && t.id == view.lane_axis)
        value = b_.CreateNSWAdd(value, lane_numbers());
    }
    llvm::Value *factor = wide ? widen(i64(t.coefficient)) : i64(t.coefficient);
    sum = b_.CreateAdd(sum, b_.CreateMul(value, factor, "", false, exact), "", false, exact);
  }
  return sum;
}

Address TileEmitter::address(const FlatAccess &flat, llvm::Value *row, int col) {
  // Loop-dependent parts first and constants last, so that the constants become displacements.
  llvm::Value *moving = i64(0);
  int64_t fixed = flat.offset;
  for (size_t a = 0; a < flat.coefficients.size(); ++a) {
    if (int64_t c = flat.coefficients[a]; c != 0)
      moving = b_.CreateNSWAdd(moving, b_.CreateNSWMul(axis[a], i64(c)));
  }
  if (view.row_axis >= 0) {
    int64_t c = flat.coefficients[static_cast<size_t>(view.row_axis)];
    if (auto *constant = llvm::dyn_cast<llvm::ConstantInt>(row))
      fixed += c * constant->getSExtValue();
    else
      moving = b_.CreateNSWAdd(moving, b_.CreateNSWMul(row, i64(c)));
  }
  if (view.col_axis >= 0)
    fixed += flat.coefficients[static_cast<size_t>(view.col_axis)] * view.col_step * col;
  int64_t lane_stride = view.lane_axis >= 0 ? flat.coefficients[static_cast<size_t>(view.lane_axis)] : 0;
  llvm::Value *varying = nullptr;
  for (auto [coefficient, id] : flat.computed) {
    llvm::Value *term = eval(id, row, col);
    bool wide = term->getType()->isVectorTy();
    term = b_.CreateNSWMul(term, wide ? widen(i64(coefficient)) : i64(coefficient));
    if (wide)
      varying = varying ? b_.CreateNSWAdd(varying, term) : term;
    else
      moving = b_.CreateNSWAdd(moving, term);
  }
  Address result{b_.CreateNSWAdd(moving, i64(fixed)), nullptr, lane_stride, view.lanes};
  if (varying || (view.lanes > 1 && lane_stride != 0 && lane_stride != 1)) {
    llvm::Value *lanes = b_.CreateNSWMul(lane_numbers(), widen(i64(lane_stride)));
    result.indices = varying ? b_.CreateNSWAdd(varying, lanes) : lanes;
    result.regular = !varying;
  }
  return result;
}

Address TileEmitter::address(const LocalBuffer &local, llvm::Value *row, int col) {
  std::vector<llvm::Value *> outer = axis;
  if (local.counted_axis >= 0) {
    llvm::Value *&here = axis[static_cast<size_t>(local.counted_axis)];
    here = here == local.counted_from ? i64(0) : b_.CreateNSWSub(here, local.counted_from);
  }
  for (int a : {view.row_axis, view.col_axis})
    if (local.tile_relative && a >= 0)
      axis[static_cast<size_t>(a)] = i64(0);
  Address at = address(FlatAccess{local.offset, local.strides, {}}, row, col);
  axis = std::move(outer);
  return at;
}

// Where a padded load is within the bounds of the parameter.
TileEmitter::Bounds TileEmitter::bounds(const Expr &e, llvm::Value *row, int col) {
  const Shape &shape = k_.params[static_cast<size_t>(e.target)].type.shape;
  Bounds inside;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (!may_leave(k_, e.index[d], shape[d]))
      continue;
    llvm::Value *i = index_value(e.index[d], row, col);
    llvm::Value *extent = llvm::ConstantInt::getSigned(i->getType(), shape[d]);
    llvm::Value *below = b_.CreateICmpULT(i, extent); // unsigned: negative indices are out too
    llvm::Value *&part = i->getType()->isVectorTy() ? inside.lanes : inside.all;
    part = part ? b_.CreateAnd(part, below) : below;
  }
  return inside;
}

llvm::Value *TileEmitter::pad_vector(llvm::Constant *pad) {
  llvm::Constant *all = llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(static_cast<unsigned>(view.lanes)), pad);
  llvm::GlobalVariable *&global = pads_[all];
  if (!global)
    global = new llvm::GlobalVariable(*entry_->getModule(), all->getType(), true, llvm::GlobalValue::PrivateLinkage, all, "pad");
  global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
  return global;
}

// Where the target has masked loads, elements two apart are read without a gather.
llvm::Value *TileEmitter::read(llvm::Value *base, DType dtype, const Address &at, int col, bool masked) {
  constexpr int kLeastLanes = 8;
  if (at.indices && at.regular && at.lane_stride == 2 && view.lanes >= kLeastLanes)
    return load_every_second(b_, base, dtype, at, existing(col));
  return load_elements(b_, base, dtype, at, masked ? mask(col) : nullptr);
}

llvm::Value *TileEmitter::load(const Expr &e, llvm::Value *row, int col) {
  const Param &param = k_.params[static_cast<size_t>(e.target)];
  llvm::Value *base = params_[static_cast<size_t>(e.target)];
  Address at = address(flatten(k_, e), row, col);
  if (!e.padded)
    return read(base, param.type.dtype, at, col, true);
  llvm::Type *element = memory_type(b_.getContext(), param.type.dtype);
  llvm::Constant *pad = is_float(param.type.dtype)
                            ? llvm::ConstantFP::get(element, e.number)
                            : llvm::ConstantInt::getSigned(element, e.integer);
  const Bounds inside = bounds(e, row, col);
  llvm::Value *all = inside.all ? inside.all : b_.getTrue();
  if (!at.is_vector() && inside.lanes) // all lanes have one address, but not all of them are inside
    at.indices = llvm::Constant::getNullValue(lane_numbers()->getType());
  if (at.is_vector()) {
    at.padded = true;
    llvm::Value *lanes = inside.lanes, *exist = mask(col);
    if (exist)
      lanes = lanes ? b_.CreateAnd(lanes, exist) : exist;
    if (at.indices)
      return load_elements(b_, base, param.type.dtype, at, lanes ? b_.CreateAnd(lanes, widen(all)) : widen(all), pad);
    // Where `all` does not hold, the vector is read from a vector of pads instead. That is not done by the mask,
    // because of LLVM 19: where a vector takes two registers, it may replace the masked load of the second by an
    // unmasked one.
    llvm::Value *pointer = b_.CreateSelect(all, element_pointer(b_, base, param.type.dtype, at), pad_vector(pad));
    return load_elements(b_, pointer, param.type.dtype, {i64(0), nullptr, 1, view.lanes, true}, lanes, pad);
  }
  at.offset = b_.CreateSelect(all, at.offset, i64(0));
  llvm::Value *value = load_elements(b_, base, param.type.dtype, at);
  llvm::Value *otherwise = param.type.dtype == DType::boolean ? b_.getInt1(e.integer != 0) : static_cast<llvm::Value *>(pad);
  return b_.CreateSelect(all, value, otherwise);
}

llvm::Value *TileEmitter::load_stage(const Expr &read, llvm::Value *row, int col) {
  const Stage &stage = k_.stages[static_cast<size_t>(read.target)];
  auto it = locals.find(read.target);
  if (it == locals.end()) { // nothing was stored for this stage: its value is computed where it is used
    internal_check(stage.reduce.empty(), "a reduction is read before it is computed");
    return eval(stage.body, row, col);
  }
  return load_local(read_at(it->second, stage, read.index), read.dtype, row, col);
}

// The buffer of a stage as a reader sees it whose index is not that of the stage: f(n, p+r) of a stage f(n, h).
LocalBuffer TileEmitter::read_at(LocalBuffer buffer, const Stage &stage, const Index &index) const {
  const std::vector<int64_t> strides = buffer.strides;
  buffer.strides.assign(k_.axes.size(), 0);
  for (size_t i = 0; i < index.size(); ++i) {
    const int64_t stride = strides[static_cast<size_t>(stage.axes[i])];
    buffer.offset += stride * index[i].offset;
    for (const IndexTerm &t : index[i].terms)
      buffer.strides[static_cast<size_t>(t.id)] += stride * t.coefficient;
  }
  return buffer;
}

llvm::Value *TileEmitter::load_local(const LocalBuffer &local, DType dtype, llvm::Value *row, int col) {
  Address at = address(local, row, col);
  // Lanes that are no points may be read without a mask where they are consecutive: behind each row lies slack. They
  // need a mask where they must be zero, and where every lane has an address of its own, which may be anywhere.
  return read(local.memory, dtype, at, col, at.indices || view.mask_all);
}

void TileEmitter::prefetch(ExprId load, const std::map<int, llvm::Value *> &moves) {
  const std::vector<llvm::Value *> here = axis;
  for (auto [a, by] : moves)
    axis[static_cast<size_t>(a)] = b_.CreateNSWAdd(here[static_cast<size_t>(a)], by);
  llvm::Value *place = pointer(load);
  axis = here;
  const Expr &e = k_.expr(load);
  bool written = false;
  for (size_t i = 0; i < params_.size(); ++i)
    written |= k_.params[i].written && params_[i] == params_[static_cast<size_t>(e.target)];
  const uint32_t keep = 3, data = 1;
  b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {place->getType()},
                     {place, b_.getInt32(written), b_.getInt32(keep), b_.getInt32(data)});
}

llvm::Value *TileEmitter::pointer(ExprId load) {
  const Expr &e = k_.expr(load);
  return element_pointer(b_, params_[static_cast<size_t>(e.target)], e.dtype, address(flatten(k_, e), i64(0), 0));
}

llvm::Value *TileEmitter::pointer(const LocalBuffer &local, DType dtype) {
  return element_pointer(b_, local.memory, dtype, address(local, i64(0), 0));
}

void TileEmitter::store_local(const LocalBuffer &local, DType dtype, llvm::Value *row, int col, llvm::Value *value) {
  Address at = address(local, row, col);
  int count = existing(col);
  if (local.tile_relative) {
    count = view.lanes; // packed copies hold whole vectors
  } else if (at.lane_stride == 1) { // rows are padded (handed_over_layout), and behind the last lies slack
    const bool rows = std::count_if(local.strides.begin(), local.strides.end(), [](int64_t s) { return s != 0; }) > 1;
    count = rows ? static_cast<int>(std::bit_ceil(static_cast<unsigned>(count))) : view.lanes;
  }
  store_elements(b_, local.memory, dtype, at, count, value);
}

void TileEmitter::store_param(int param, const Index &index, llvm::Value *row, int col, llvm::Value *value, bool accumulate) {
  const Type &type = k_.params[static_cast<size_t>(param)].type;
  llvm::Value *base = params_[static_cast<size_t>(param)];
  Address at = address(flatten(k_, type.shape, index), row, col);
  if (accumulate) {
    llvm::Value *old = load_elements(b_, base, type.dtype, at, mask(col));
    value = emit_scalar(b_, target_, ScalarOp::add, type.dtype, type.dtype, {old, value});
  }
  store_elements(b_, base, type.dtype, at, existing(col), value);
}

bool TileEmitter::stores_every_second(const Stage &stage) const {
  if (view.lanes < 2 || view.lane_axis < 0 || stage.store < 0 || stage.accumulate)
    return false;
  const FlatAccess flat = flatten(k_, k_.params[static_cast<size_t>(stage.store)].type.shape, stage.store_index);
  return flat.computed.empty() && flat.coefficients[static_cast<size_t>(view.lane_axis)] == 2;
}

bool TileEmitter::stores_in_turn(const Stage &even, const Stage &odd) const {
  if (even.store != odd.store || odd.accumulate || !stores_every_second(even))
    return false;
  const Shape &shape = k_.params[static_cast<size_t>(even.store)].type.shape;
  FlatAccess first = flatten(k_, shape, even.store_index);
  ++first.offset;
  return first == flatten(k_, shape, odd.store_index);
}

void TileEmitter::store_params_in_turn(int param, const Index &first, llvm::Value *row, int col, llvm::Value *even,
                                       llvm::Value *odd) {
  const Type &type = k_.params[static_cast<size_t>(param)].type;
  store_in_turn(b_, params_[static_cast<size_t>(param)], type.dtype, address(flatten(k_, type.shape, first), row, col),
                existing(col), even, odd);
}

// The random words of a vector, where their numbers are in arithmetic progression over the lanes; null where they are
// not.
llvm::Value *TileEmitter::random_words(const Expr &e, llvm::Value *row, int col) {
  constexpr int64_t kMaxStride = 2; // with larger strides, few lanes share a block of random words
  const Expr &n = k_.expr(e.args[3]);
  if (view.lanes == 1 || n.kind != Expr::Kind::index)
    return nullptr;
  int64_t stride = 0;
  for (const IndexTerm &t : n.index[0].terms)
    if (t.is_axis && t.id == view.lane_axis)
      stride = t.coefficient;
    else if (!t.is_axis && depends(t.id, view.lane_axis))
      return nullptr;
  if (stride < 1 || stride > kMaxStride)
    return nullptr;
  std::vector<llvm::Value *> args;
  for (size_t i = 0; i < 3; ++i)
    args.push_back(eval(e.args[i], row, col));
  if (std::any_of(args.begin(), args.end(), [](llvm::Value *v) { return v->getType()->isVectorTy(); }))
    return nullptr;
  IndexExpr whole = n.index[0]; // the number of the block's first word: vectors that share a block then share its computation
  const int64_t offset = whole.offset & 3;
  whole.offset -= offset;
  args.push_back(index_sum(whole, row, col, false));
  return emit_philox_run(b_, args, static_cast<int>(offset), stride, view.lanes);
}

llvm::Value *TileEmitter::apply(const Expr &e, llvm::Value *row, int col) {
  if (e.op == ScalarOp::philox)
    if (llvm::Value *words = random_words(e, row, col))
      return words;
  std::vector<llvm::Value *> args;
  bool wide = false;
  for (ExprId arg : e.args) {
    args.push_back(eval(arg, row, col));
    wide |= args.back()->getType()->isVectorTy();
  }
  if (wide)
    for (llvm::Value *&arg : args)
      arg = widen(arg);
  DType operand = k_.expr(e.args[e.op == ScalarOp::select ? 1 : 0]).dtype;
  return emit_scalar(b_, target_, e.op, operand, e.dtype, args);
}

bool TileEmitter::is_read(ExprId id) const {
  const Expr &e = k_.expr(id);
  return (e.kind == Expr::Kind::load && !e.padded) || (e.kind == Expr::Kind::stage && locals.contains(e.target)) ||
         packed.contains(id);
}

llvm::Value *TileEmitter::eval(ExprId id, llvm::Value *row, int col) {
  const Expr &e = k_.expr(id);
  if (e.kind == Expr::Kind::literal) {
    llvm::Type *type = register_type(b_.getContext(), e.dtype);
    return is_float(e.dtype) ? llvm::ConstantFP::get(type, e.number)
                             : static_cast<llvm::Value *>(llvm::ConstantInt::getSigned(type, e.integer));
  }
  if (invariant(id)) {
    auto [it, fresh] = scopes_.front().try_emplace(Key{id, nullptr, -1, -1, 0});
    if (fresh) { // at the entry, once: LLVM would not move a load across stores
      llvm::IRBuilderBase::InsertPointGuard guard(b_);
      if (llvm::Instruction *end = entry_->getTerminator())
        b_.SetInsertPoint(end);
      else
        b_.SetInsertPoint(entry_);
      llvm::Value *value = compute(e, i64(0), 0);
      it->second = value;
    }
    return it->second;
  }
  bool varies = depends(id, view.lane_axis);
  Key key{id, depends(id, view.row_axis) ? row : nullptr, depends(id, view.col_axis) ? col : -1,
          varies ? view.lane_axis : -1, varies && view.masked(col)};
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
    if (auto it = scope->find(key); it != scope->end())
      return it->second;
  auto copy = packed.find(id);
  llvm::Value *value = copy != packed.end() ? load_local(copy->second, e.dtype, row, col) : compute(e, row, col);
  scopes_.back()[key] = value;
  return value;
}

llvm::Value *TileEmitter::compute(const Expr &e, llvm::Value *row, int col) {
  switch (e.kind) {
  case Expr::Kind::index: return index_value(e.index[0], row, col);
  case Expr::Kind::load: return load(e, row, col);
  case Expr::Kind::stage: return load_stage(e, row, col);
  default: return apply(e, row, col);
  }
}

llvm::Value *TileEmitter::eval_lanes(ExprId id, llvm::Value *row, int col) { return widen(eval(id, row, col)); }

} // namespace gradc
