#include "compiler/codegen/entries/emit_entry.h"

#include "compiler/codegen/entries/call_record.h"
#include "compiler/codegen/entries/model_table.h"
#include "compiler/codegen/emission/emit_kernel.h"
#include "compiler/codegen/emission/emit_loop.h"
#include "compiler/codegen/emission/emit_scalar.h"
#include "compiler/codegen/schedules/parallel_runs.h"
#include "ir/lowering/lower.h"
#include "ir/op.h"

#include <cstddef>

namespace gradc {
namespace {

class EntryEmitter {
public:
  EntryEmitter(llvm::Module &module, const EntrySpec &spec, llvm::Constant *hyper_defaults, const Target &target,
               KernelSet &kernels, bool profile)
      : module_(module), b_(module.getContext()), spec_(spec), graph_(spec.graph), hyper_defaults_(hyper_defaults),
        target_(target), kernels_(kernels), profile_(profile),
        pointer_(llvm::PointerType::getUnqual(module.getContext())) {}

  llvm::Function *run(const std::string &symbol);

private:
  llvm::Value *field(size_t offset, llvm::Type *type) {
    return b_.CreateLoad(type, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), call_, offset));
  }
  llvm::Value *array_entry(llvm::Value *array, int64_t index) {
    return b_.CreateLoad(pointer_, b_.CreateConstInBoundsGEP1_64(pointer_, array, static_cast<uint64_t>(index)));
  }
  void check_call();
  void check_arenas(const std::vector<int> &used);
  void require(llvm::Value *condition, int32_t status);
  void require_pointer(llvm::Value *pointer) { require(b_.CreateIsNotNull(pointer), GRADC_NULL_POINTER); }
  llvm::Value *scalar_address(Value v);
  llvm::Value *constant_address(Value v);
  llvm::Value *address(Value v);
  Value updated_state(Value v) const;
  void schedule_kernels();
  llvm::Value *store_args(const ParallelRun &);
  llvm::Value *args_from(llvm::IRBuilder<> &b, llvm::Value *args, size_t place) {
    return place == 0 ? args : b.CreateConstInBoundsGEP1_64(pointer_, args, place);
  }
  void call_run(const ParallelRun &);
  llvm::Function *emit_run(const ParallelRun &);
  llvm::Value *read_ticks() { return b_.CreateIntrinsic(llvm::Intrinsic::readcyclecounter, {}, {}); }
  void start_records();
  void record_call();
  llvm::Value *outcome();

  llvm::Module &module_;
  llvm::IRBuilder<> b_;
  const EntrySpec &spec_;
  const Graph &graph_;
  llvm::Constant *hyper_defaults_;
  const Target &target_;
  KernelSet &kernels_;
  std::vector<LoweredKernel> calls_; // in order
  std::vector<std::vector<Value>> args_; // of each call: a state and its new value are one
  std::vector<LoopSchedule> schedules_;
  std::vector<llvm::Function *> functions_;
  const bool profile_;
  llvm::PointerType *pointer_;
  llvm::Function *function_ = nullptr;
  std::map<int32_t, llvm::BasicBlock *> refusals_; // by status
  llvm::Value *call_ = nullptr, *inputs_ = nullptr, *outputs_ = nullptr, *hypers_ = nullptr, *team_ = nullptr;
  std::map<int, llvm::Value *> arenas_; // by number, those that are used
  std::map<Value, llvm::Value *> addresses_;
  llvm::Value *records_ = nullptr, *last_ticks_ = nullptr; // of a profile
  uint64_t recorded_ = 0;
};

void EntryEmitter::require(llvm::Value *condition, int32_t status) {
  llvm::BasicBlock *&refusal = refusals_[status];
  if (!refusal) {
    refusal = llvm::BasicBlock::Create(module_.getContext(), "refused", function_);
    llvm::IRBuilder<>(refusal).CreateRet(b_.getInt32(static_cast<uint32_t>(status)));
  }
  auto *next = llvm::BasicBlock::Create(module_.getContext(), "", function_);
  b_.CreateCondBr(condition, next, refusal);
  b_.SetInsertPoint(next);
}

// All that this entry will follow is there.
void EntryEmitter::check_call() {
  require_pointer(call_);
  auto number = [&](size_t offset) { return field(offset, b_.getInt32Ty()); };
  require(b_.CreateICmpUGE(number(offsetof(gradc_call, struct_size)), b_.getInt32(GRADC_CALL_LEAST)), GRADC_BAD_CALL);
  llvm::Value *unknown = b_.CreateOr(number(offsetof(gradc_call, flags)), number(offsetof(gradc_call, reserved)));
  require(b_.CreateIsNull(unknown), GRADC_BAD_CALL);
  const CallNeeds needs = call_needs(graph_);
  check_arenas(needs.arenas);
  inputs_ = field(offsetof(gradc_call, inputs), pointer_);
  outputs_ = field(offsetof(gradc_call, outputs), pointer_);
  team_ = field(offsetof(gradc_call, team), pointer_);
  llvm::Value *hypers = field(offsetof(gradc_call, hypers), pointer_);
  hypers_ = b_.CreateSelect(b_.CreateIsNull(hypers), hyper_defaults_, hypers);
  if (!needs.inputs.empty())
    require_pointer(inputs_);
  if (!graph_.returns.empty())
    require_pointer(outputs_);
  auto take = [&](Value v, llvm::Value *pointer) {
    addresses_[v] = pointer;
    if (graph_.type(v).elements() > 0)
      require_pointer(pointer);
  };
  for (Value v : needs.inputs)
    take(v, array_entry(inputs_, graph_.plan->places[v].index));
  for (size_t i = 0; i < graph_.returns.size(); ++i)
    take(graph_.returns[i].value, array_entry(outputs_, static_cast<int64_t>(i)));
}

void EntryEmitter::check_arenas(const std::vector<int> &used) {
  if (used.empty())
    return;
  llvm::Value *arenas = field(offsetof(gradc_call, arenas), pointer_);
  llvm::Value *count = field(offsetof(gradc_call, arena_count), b_.getInt32Ty());
  llvm::Value *enough = b_.CreateICmpSGT(count, b_.getInt32(static_cast<uint32_t>(used.back())));
  require(b_.CreateAnd(enough, b_.CreateIsNotNull(arenas)), GRADC_MISSING_ARENA);
  for (int number : used) {
    arenas_[number] = array_entry(arenas, number);
    require(b_.CreateIsNotNull(arenas_[number]), GRADC_MISSING_ARENA);
  }
}

llvm::Value *EntryEmitter::scalar_address(Value v) {
  auto in_call = [&](size_t offset) { return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), call_, offset); };
  switch (call_field(graph_[v].name)) {
  case CallField::seed: return in_call(offsetof(gradc_call, seed));
  case CallField::step: return in_call(offsetof(gradc_call, step));
  case CallField::total_steps: return in_call(offsetof(gradc_call, total_steps));
  case CallField::hyper: break;
  }
  uint64_t hyper = 0; // its position among the hypers
  for (Value u = 0; u < v; ++u)
    hyper += graph_[u].role == Role::scalar && call_field(graph_[u].name) == CallField::hyper;
  return b_.CreateConstInBoundsGEP1_64(b_.getDoubleTy(), hypers_, hyper);
}

llvm::Value *EntryEmitter::constant_address(Value v) {
  const Node &node = graph_[v];
  const std::vector<Number> values = numbers_attr(node.attrs, "values");
  Tensor tensor(node.type);
  for (size_t i = 0; i < values.size(); ++i)
    tensor.set_exact(static_cast<int64_t>(i), values[i]);
  std::vector<std::byte> bytes = tensor.to_bytes();
  auto *data = llvm::ConstantDataArray::getRaw(
      llvm::StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size()), bytes.size(), b_.getInt8Ty());
  auto *global = new llvm::GlobalVariable(module_, data->getType(), true, llvm::GlobalValue::PrivateLinkage, data);
  global->setAlignment(llvm::Align(64));
  return global;
}

// The state whose place a value takes, else the value itself. Not what shares its place by chance of the plan: equal
// kernels of several entries would differ.
Value EntryEmitter::updated_state(Value v) const {
  const std::vector<Placement> &places = graph_.plan->places;
  for (const Update &update : graph_.updates)
    if (update.value == v && places[v].space == places[update.target].space && places[v].offset == places[update.target].offset)
      return update.target;
  return v;
}

llvm::Value *EntryEmitter::address(Value v) {
  v = storage_root(graph_, v);
  if (auto it = addresses_.find(v); it != addresses_.end())
    return it->second;
  const Placement &p = graph_.plan->places[v];
  llvm::Value *result = nullptr;
  if (int a = arena_of(p.space); a >= 0)
    result = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), arenas_.at(a), static_cast<uint64_t>(p.offset));
  else if (p.space == Space::scalar)
    result = scalar_address(v);
  else if (p.space == Space::constant)
    result = constant_address(v);
  internal_check(result, "a value of a kernel has no place in memory");
  return addresses_[v] = result;
}

void EntryEmitter::schedule_kernels() {
  calls_ = called_kernels(graph_);
  for (const LoweredKernel &lowered : calls_) {
    Kernel kernel = lowered.kernel;
    kernel.name = "kernel";
    std::map<Value, size_t> known;
    std::vector<size_t> places; // of the parameters among the arguments
    args_.emplace_back();
    for (Value v : lowered.values) {
      auto [place, fresh] = known.try_emplace(updated_state(v), args_.back().size());
      if (fresh)
        args_.back().push_back(v);
      places.push_back(place->second);
    }
    const PendingKernel &pending = kernels_.add(kernel, places, target_);
    schedules_.push_back(pending.schedule);
    functions_.push_back(declare_kernel(module_, pending.symbol));
  }
}

// An array of the pointers that the kernels take, one kernel after the other.
llvm::Value *EntryEmitter::store_args(const ParallelRun &run) {
  std::vector<Value> values;
  for (size_t k = run.first; k < run.first + run.count; ++k)
    values.insert(values.end(), args_[k].begin(), args_[k].end());
  llvm::IRBuilder<> entry(&function_->getEntryBlock(), function_->getEntryBlock().begin());
  llvm::Value *args = entry.CreateAlloca(llvm::ArrayType::get(pointer_, values.size()));
  for (size_t i = 0; i < values.size(); ++i)
    b_.CreateStore(address(values[i]), b_.CreateConstInBoundsGEP1_64(pointer_, args, i));
  return args;
}

void EntryEmitter::call_run(const ParallelRun &run) {
  llvm::Value *args = store_args(run);
  if (run.forks) {
    auto *type = llvm::FunctionType::get(b_.getVoidTy(), {pointer_, pointer_, pointer_, b_.getInt64Ty()}, false);
    llvm::Function *function = run.count == 1 ? functions_[run.first] : emit_run(run);
    b_.CreateCall(module_.getOrInsertFunction("gradc_core_parallel", type),
                  {team_, function, args, b_.getInt64(static_cast<uint64_t>(run.iterations))});
    return;
  }
  size_t place = 0;
  for (size_t k = run.first; k < run.first + run.count; ++k) {
    llvm::Value *count = b_.getInt64(static_cast<uint64_t>(schedules_[k].iterations()));
    b_.CreateCall(functions_[k], {args_from(b_, args, place), b_.getInt64(0), count});
    place += args_[k].size();
  }
}

// A kernel for gradc_core_parallel that is all kernels of a run: of each the same share, one after the other.
llvm::Function *EntryEmitter::emit_run(const ParallelRun &run) {
  llvm::Function *function = llvm::Function::Create(
      functions_[run.first]->getFunctionType(), llvm::Function::InternalLinkage,
      function_->getName() + ".run" + std::to_string(run.first), module_);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  set_target(*function, target_);
  llvm::LLVMContext &c = module_.getContext();
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(c, "entry", function));
  size_t place = 0;
  for (size_t k = run.first; k < run.first + run.count; ++k) {
    llvm::Value *begin = function->getArg(1), *end = function->getArg(2);
    const int64_t count = schedules_[k].iterations();
    auto call = [&] { b.CreateCall(functions_[k], {args_from(b, function->getArg(0), place), begin, end}); };
    if (count == run.iterations) {
      call();
    } else { // a share may be empty
      auto part = [&](llvm::Value *v) { // no overflow: both counts are at most kMaxDim
        return b.CreateUDiv(b.CreateNUWMul(v, b.getInt64(static_cast<uint64_t>(count))),
                            b.getInt64(static_cast<uint64_t>(run.iterations)));
      };
      begin = part(begin);
      end = part(end);
      emit_if(b, b.CreateICmpULT(begin, end), call);
    }
    place += args_[k].size();
  }
  b.CreateRetVoid();
  return function;
}

void EntryEmitter::start_records() {
  llvm::Value *self = function_->getArg(0);
  records_ = b_.CreateLoad(pointer_, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), self, offsetof(gradc_entry, context)));
  require_pointer(records_);
  last_ticks_ = read_ticks();
}

// The call that was emitted just now goes into its CallRecord.
void EntryEmitter::record_call() {
  llvm::Value *now = read_ticks();
  auto place = [&](size_t offset) {
    return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), records_, recorded_ * sizeof(CallRecord) + offset);
  };
  auto add = [&](size_t offset, llvm::Value *amount) {
    b_.CreateStore(b_.CreateAdd(b_.CreateLoad(b_.getInt64Ty(), place(offset)), amount), place(offset));
  };
  add(offsetof(CallRecord, calls), b_.getInt64(1));
  add(offsetof(CallRecord, ticks), b_.CreateSub(now, last_ticks_));
  b_.CreateStore(last_ticks_, place(offsetof(CallRecord, begin)));
  b_.CreateStore(now, place(offsetof(CallRecord, end)));
  last_ticks_ = now;
  ++recorded_;
}

// What the entry returns once all is done: whether the loss is finite, where there is one.
llvm::Value *EntryEmitter::outcome() {
  llvm::Value *good = b_.getInt32(GRADC_OK);
  if (spec_.kind != GRADC_TRAIN_STEP && spec_.kind != GRADC_GRAD_STEP)
    return good;
  internal_check(graph_.returns.size() == 1 && graph_.type(graph_.returns[0].value) == Type{DType::f64, {}},
                 "a step returns its loss");
  llvm::Value *loss = b_.CreateLoad(b_.getDoubleTy(), addresses_.at(graph_.returns[0].value));
  llvm::Value *finite = b_.CreateFCmpOLT(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, loss),
                                         llvm::ConstantFP::getInfinity(b_.getDoubleTy()));
  return b_.CreateSelect(finite, good, b_.getInt32(GRADC_NOT_FINITE));
}

llvm::Function *EntryEmitter::run(const std::string &symbol) {
  internal_check(graph_.plan.has_value(), "an entry point needs a planned graph");
  llvm::LLVMContext &c = module_.getContext();
  auto *type = llvm::FunctionType::get(b_.getInt32Ty(), {pointer_, pointer_}, false);
  function_ = llvm::Function::Create(type, llvm::Function::InternalLinkage, symbol, module_);
  function_->addFnAttr(llvm::Attribute::NoUnwind);
  call_ = function_->getArg(1);
  auto *entry = llvm::BasicBlock::Create(c, "entry", function_);
  b_.SetInsertPoint(entry);
  check_call();
  if (profile_)
    start_records();
  schedule_kernels();
  for (const ParallelRun &run : parallel_runs(graph_, calls_, schedules_, target_, profile_)) {
    call_run(run);
    if (profile_)
      record_call();
  }
  b_.CreateRet(outcome());
  return function_;
}

} // namespace

const PendingKernel &KernelSet::add(const Kernel &kernel, const std::vector<size_t> &places, const Target &target) {
  std::string text = print(kernel);
  for (size_t place : places)
    text += " " + std::to_string(place);
  auto [it, is_new] = numbers.try_emplace(std::move(text), pending.size());
  if (is_new)
    pending.push_back({prefix + std::to_string(it->second), kernel, places, schedule_loops(kernel, target), &target});
  return pending[it->second];
}

std::vector<LoweredKernel> called_kernels(const Graph &graph) {
  std::vector<LoweredKernel> kernels = lower_kernels(graph);
  std::erase_if(kernels, [](const LoweredKernel &k) { return k.kernel.stages.empty(); });
  return kernels;
}

llvm::Function *emit_entry(llvm::Module &module, const std::string &symbol, const EntrySpec &spec,
                           llvm::Constant *hyper_defaults, const Target &target, KernelSet &kernels, bool profile) {
  return EntryEmitter(module, spec, hyper_defaults, target, kernels, profile).run(symbol);
}

} // namespace gradc
