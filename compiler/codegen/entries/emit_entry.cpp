#include "compiler/codegen/entries/emit_entry.h"

#include "compiler/codegen/emission/emit_kernel.h"
#include "compiler/codegen/emission/emit_loop.h"
#include "compiler/codegen/entries/call_record.h"
#include "compiler/codegen/entries/emit_checks.h"
#include "compiler/codegen/entries/model_table.h"
#include "compiler/codegen/schedules/local_memory.h"
#include "compiler/codegen/schedules/parallel_runs.h"
#include "ir/op.h"

#include <algorithm>
#include <cstddef>

namespace gradc {
namespace {

class EntryEmitter {
public:
  EntryEmitter(llvm::Module &module, const EntrySpec &spec, const Target &target, KernelSet &kernels, bool profile)
      : module_(module), b_(module.getContext()), spec_(spec), graph_(spec.graph), target_(target), kernels_(kernels),
        profile_(profile), pointer_(llvm::PointerType::getUnqual(module.getContext())) {
    for (const Update &update : graph_.updates)
      updated_.emplace(update.value, update.target);
  }

  EmittedEntry run(const std::string &symbol, llvm::Constant *hyper_defaults);

private:
  using Builder = llvm::IRBuilder<>;
  llvm::Value *scalar_address(Builder &, const CallBases &, Value);
  llvm::Value *constant_address(Value);
  llvm::Value *address(Builder &, const CallBases &, Value);
  Value updated_state(Value v) const;
  void schedule_kernels();
  llvm::Value *reserve(llvm::Function *, size_t pointers);
  size_t most_args(const ParallelRun &) const;
  void store_args(Builder &, const CallBases &, llvm::Value *block, size_t kernel);
  void store_bases();
  CallBases load_bases(Builder &, llvm::Value *block);
  void call_run(const ParallelRun &);
  void fork(llvm::Function *, llvm::Value *args, const ParallelRun &);
  llvm::Function *emit_run(const ParallelRun &);
  llvm::Value *read_ticks() { return b_.CreateIntrinsic(llvm::Intrinsic::readcyclecounter, {}, {}); }
  void start_records();
  void record_call();
  llvm::Value *outcome();

  llvm::Module &module_;
  Builder b_;
  const EntrySpec &spec_;
  const Graph &graph_;
  const Target &target_;
  KernelSet &kernels_;
  std::multimap<Value, Value> updated_;  // from a value to the states that take it
  std::vector<LoweredKernel> calls_;     // in order
  std::vector<std::vector<Value>> args_; // of each call: a state and its new value are one
  std::vector<LoopSchedule> schedules_;
  std::vector<llvm::Function *> functions_;
  int64_t thread_bytes_ = 0;
  const bool profile_;
  llvm::PointerType *pointer_;
  llvm::Function *function_ = nullptr;
  CallBases bases_;
  std::map<Value, llvm::Value *> constants_;
  llvm::Value *scratch_ = nullptr;     // of the first thread
  llvm::Value *args_block_ = nullptr;  // the pointers that one kernel takes: all take turns
  llvm::Value *bases_block_ = nullptr; // bases_, for the functions of runs
  llvm::Value *records_ = nullptr, *last_ticks_ = nullptr; // of a profile
  uint64_t recorded_ = 0;
};

llvm::Value *EntryEmitter::scalar_address(Builder &b, const CallBases &bases, Value v) {
  auto in_call = [&](size_t offset) { return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), bases.call, offset); };
  switch (call_field(graph_[v].name)) {
  case CallField::seed: return in_call(offsetof(gradc_call, seed));
  case CallField::step: return in_call(offsetof(gradc_call, step));
  case CallField::total_steps: return in_call(offsetof(gradc_call, total_steps));
  case CallField::hyper: break;
  }
  uint64_t hyper = 0; // its position among the hypers
  for (Value u = 0; u < v; ++u)
    hyper += graph_[u].role == Role::scalar && call_field(graph_[u].name) == CallField::hyper;
  return b.CreateConstInBoundsGEP1_64(b.getDoubleTy(), bases.hypers, hyper);
}

llvm::Value *EntryEmitter::constant_address(Value v) {
  llvm::Value *&known = constants_[v];
  if (known)
    return known;
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
  return known = global;
}

// The state whose place a value takes, else the value itself. Not what shares its place by chance of the plan: equal
// kernels of several entries would differ.
Value EntryEmitter::updated_state(Value v) const {
  const std::vector<Placement> &places = graph_.plan->places;
  auto [first, end] = updated_.equal_range(v);
  for (auto update = first; update != end; ++update)
    if (const Value state = update->second;
        places[v].space == places[state].space && places[v].offset == places[state].offset)
      return state;
  return v;
}

llvm::Value *EntryEmitter::address(Builder &b, const CallBases &bases, Value v) {
  v = storage_root(graph_, v);
  if (auto it = bases.pointers.find(v); it != bases.pointers.end())
    return load_pointer(b, bases.call, it->second);
  const Placement &p = graph_.plan->places[v];
  if (int a = arena_of(p.space); a >= 0)
    return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), bases.arenas.at(a), static_cast<uint64_t>(p.offset));
  if (p.space == Space::scalar)
    return scalar_address(b, bases, v);
  internal_check(p.space == Space::constant, "a value of a kernel has no place in memory");
  return constant_address(v);
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
    const PendingKernel &pending = kernels_.add(kernel, places, target_, spec_.sums);
    schedules_.push_back(pending.schedule);
    thread_bytes_ = std::max(thread_bytes_, pending.thread_bytes);
    functions_.push_back(declare_kernel(module_, pending.symbol));
  }
}

llvm::Value *EntryEmitter::reserve(llvm::Function *function, size_t pointers) {
  llvm::BasicBlock &entry = function->getEntryBlock();
  return Builder(&entry, entry.begin()).CreateAlloca(llvm::ArrayType::get(pointer_, pointers));
}

size_t EntryEmitter::most_args(const ParallelRun &run) const {
  size_t most = 0;
  for (size_t k = run.first; k < run.first + run.count; ++k)
    most = std::max(most, args_[k].size());
  return most;
}

void EntryEmitter::store_args(Builder &b, const CallBases &bases, llvm::Value *block, size_t kernel) {
  for (size_t i = 0; i < args_[kernel].size(); ++i)
    b.CreateStore(address(b, bases, args_[kernel][i]), b.CreateConstInBoundsGEP1_64(pointer_, block, i));
}

// The functions of runs find the values by themselves, from here: so an entry of thousands of kernels, all in one run
// perhaps, has a small frame.
void EntryEmitter::store_bases() {
  bases_block_ = reserve(function_, 2 + bases_.arenas.size());
  size_t at = 0;
  auto store = [&](llvm::Value *base) {
    b_.CreateStore(base, b_.CreateConstInBoundsGEP1_64(pointer_, bases_block_, at++));
  };
  store(bases_.call);
  store(bases_.hypers);
  for (const auto &[number, base] : bases_.arenas)
    store(base);
}

CallBases EntryEmitter::load_bases(Builder &b, llvm::Value *block) {
  CallBases bases;
  size_t at = 0;
  auto load = [&] { return b.CreateLoad(pointer_, b.CreateConstInBoundsGEP1_64(pointer_, block, at++)); };
  bases.call = load();
  bases.hypers = load();
  for (const auto &[number, base] : bases_.arenas)
    bases.arenas[number] = load();
  bases.pointers = bases_.pointers;
  return bases;
}

void EntryEmitter::fork(llvm::Function *body, llvm::Value *args, const ParallelRun &run) {
  llvm::Type *i64 = b_.getInt64Ty();
  auto *type = llvm::FunctionType::get(b_.getVoidTy(), {pointer_, pointer_, pointer_, pointer_, i64, i64}, false);
  b_.CreateCall(module_.getOrInsertFunction("gradc_core_parallel", type),
                {bases_.team, body, args, scratch_, b_.getInt64(static_cast<uint64_t>(thread_bytes_)),
                 b_.getInt64(static_cast<uint64_t>(run.iterations))});
}

void EntryEmitter::call_run(const ParallelRun &run) {
  if (run.forks && run.count > 1)
    return fork(emit_run(run), bases_block_, run);
  for (size_t k = run.first; k < run.first + run.count; ++k) {
    store_args(b_, bases_, args_block_, k);
    if (run.forks)
      return fork(functions_[k], args_block_, run);
    llvm::Value *count = b_.getInt64(static_cast<uint64_t>(schedules_[k].iterations()));
    b_.CreateCall(functions_[k], {args_block_, scratch_, b_.getInt64(0), count});
  }
}

// A kernel for gradc_core_parallel that is all kernels of a run: of each the same share, one after the other.
llvm::Function *EntryEmitter::emit_run(const ParallelRun &run) {
  llvm::Function *function = llvm::Function::Create(
      functions_[run.first]->getFunctionType(), llvm::Function::InternalLinkage,
      function_->getName() + ".run" + std::to_string(run.first), module_);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  set_target(*function, target_);
  Builder b(llvm::BasicBlock::Create(module_.getContext(), "entry", function));
  llvm::Value *block = reserve(function, most_args(run));
  const CallBases bases = load_bases(b, function->getArg(0));
  for (size_t k = run.first; k < run.first + run.count; ++k) {
    llvm::Value *begin = function->getArg(2), *end = function->getArg(3);
    const int64_t count = schedules_[k].iterations();
    auto call = [&] {
      store_args(b, bases, block, k);
      b.CreateCall(functions_[k], {block, function->getArg(1), begin, end});
    };
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
  }
  b.CreateRetVoid();
  return function;
}

void EntryEmitter::start_records() {
  llvm::Value *self = function_->getArg(0);
  records_ = b_.CreateLoad(pointer_, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), self, offsetof(gradc_entry, context)));
  emit_require(b_, b_.CreateIsNotNull(records_), GRADC_NULL_POINTER);
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
  if (!gradc_computes_gradients(spec_.kind))
    return good;
  internal_check(graph_.returns.size() == 1 && graph_.type(graph_.returns[0].value) == Type{DType::f64, {}},
                 "a step returns its loss");
  llvm::Value *loss = b_.CreateLoad(b_.getDoubleTy(), address(b_, bases_, graph_.returns[0].value));
  llvm::Value *finite = b_.CreateFCmpOLT(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, loss),
                                         llvm::ConstantFP::getInfinity(b_.getDoubleTy()));
  return b_.CreateSelect(finite, good, b_.getInt32(GRADC_NOT_FINITE));
}

EmittedEntry EntryEmitter::run(const std::string &symbol, llvm::Constant *hyper_defaults) {
  internal_check(graph_.plan.has_value(), "an entry point needs a planned graph");
  auto *type = llvm::FunctionType::get(b_.getInt32Ty(), {pointer_, pointer_}, false);
  function_ = llvm::Function::Create(type, llvm::Function::InternalLinkage, symbol, module_);
  function_->addFnAttr(llvm::Attribute::NoUnwind);
  set_target(*function_, target_);
  b_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", function_));
  schedule_kernels();
  bases_ = emit_checks(b_, function_->getArg(1), graph_, hyper_defaults, thread_bytes_ > 0);
  if (profile_)
    start_records();
  scratch_ = llvm::ConstantPointerNull::get(pointer_);
  if (thread_bytes_ > 0)
    scratch_ = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), bases_.arenas.at(arena_of(Space::workspace)),
                                             static_cast<uint64_t>(workspace_bytes(graph_)));
  const std::vector<ParallelRun> runs = parallel_runs(graph_, calls_, schedules_, target_, profile_);
  auto shares_bases = [](const ParallelRun &run) { return run.forks && run.count > 1; };
  if (std::any_of(runs.begin(), runs.end(), shares_bases))
    store_bases();
  size_t most = 0;
  for (const ParallelRun &run : runs)
    most = std::max(most, shares_bases(run) ? 0 : most_args(run));
  args_block_ = reserve(function_, most);
  for (const ParallelRun &run : runs) {
    call_run(run);
    if (profile_)
      record_call();
  }
  b_.CreateRet(outcome());
  return {function_, thread_bytes_};
}

} // namespace

const PendingKernel &KernelSet::add(const Kernel &kernel, const std::vector<size_t> &places, const Target &target,
                                    SumOrder sums) {
  std::string text = print(kernel) + (sums == SumOrder::fixed ? "fixed" : "");
  for (size_t place : places)
    text += " " + std::to_string(place);
  auto [it, is_new] = numbers.try_emplace(text, pending.size());
  if (is_new) {
    LoopSchedule schedule = schedule_loops(kernel, target, sums);
    const int64_t thread_bytes = local_memory(kernel, schedule).thread_bytes;
    pending.push_back({prefix + std::to_string(it->second), kernel, places, std::move(schedule), thread_bytes, &target, std::move(text)});
  }
  return pending[it->second];
}

std::vector<LoweredKernel> called_kernels(const Graph &graph) {
  std::vector<LoweredKernel> kernels = lower_kernels(graph);
  std::erase_if(kernels, [](const LoweredKernel &k) { return k.kernel.stages.empty(); });
  return kernels;
}

int64_t thread_bytes(const std::vector<LoweredKernel> &kernels, const Target &target, SumOrder sums) {
  int64_t most = 0;
  for (const LoweredKernel &k : kernels)
    most = std::max(most, local_memory(k.kernel, schedule_loops(k.kernel, target, sums)).thread_bytes);
  return most;
}

EmittedEntry emit_entry(llvm::Module &module, const std::string &symbol, const EntrySpec &spec, llvm::Constant *hyper_defaults,
                        const Target &target, KernelSet &kernels, bool profile) {
  return EntryEmitter(module, spec, target, kernels, profile).run(symbol, hyper_defaults);
}

} // namespace gradc
