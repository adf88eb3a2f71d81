#include "compiler/codegen/entries/emit_checks.h"

#include "compiler/codegen/emission/emit_loop.h"
#include "compiler/codegen/entries/model_table.h"
#include "runtime/core/core.h"

#include <algorithm>
#include <cstddef>
#include <functional>

namespace gradc {
namespace {

class CheckEmitter {
public:
  CheckEmitter(llvm::IRBuilder<> &builder, llvm::Value *call, const Graph &graph)
      : b_(builder), graph_(graph), pointer_(llvm::PointerType::getUnqual(builder.getContext())) {
    bases_.call = call;
  }

  CallBases run(llvm::Constant *hyper_defaults, bool scratch);

private:
  llvm::Value *field(size_t offset, llvm::Type *type) {
    return b_.CreateLoad(type, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), bases_.call, offset));
  }
  llvm::Value *number(size_t offset) { return field(offset, b_.getInt32Ty()); }
  llvm::Value *pointer_to(Value v) { return load_pointer(b_, bases_.call, bases_.pointers.at(v)); }
  llvm::Value *later_pointer(size_t offset);
  void require_pointer(llvm::Value *pointer) { emit_require(b_, b_.CreateIsNotNull(pointer), GRADC_NULL_POINTER); }
  void check_counts();
  void check_arenas(const std::vector<int> &used);
  void check_values(const std::vector<Value> &inputs);
  llvm::Value *first_outside(Value input);
  llvm::Constant *domain_record(const Domain &domain);
  llvm::Value *labels_are_good(Value input);
  llvm::Value *lies_in(Value scalar, llvm::Value *place);
  void refuse_unless(llvm::Value *good, int32_t status, int64_t position, const std::function<llvm::Value *()> &element);

  llvm::IRBuilder<> &b_;
  const Graph &graph_;
  llvm::PointerType *pointer_;
  CallBases bases_;
};

CallBases CheckEmitter::run(llvm::Constant *hyper_defaults, bool scratch) {
  require_pointer(bases_.call);
  llvm::Value *size = number(offsetof(gradc_call, struct_size));
  emit_require(b_, b_.CreateICmpUGE(size, b_.getInt32(GRADC_CALL_LEAST)), GRADC_BAD_CALL);
  llvm::Value *unknown = b_.CreateOr(number(offsetof(gradc_call, flags)), number(offsetof(gradc_call, reserved)));
  emit_require(b_, b_.CreateIsNull(unknown), GRADC_BAD_CALL);
  check_counts();
  CallNeeds needs = call_needs(graph_);
  const int workspace = arena_of(Space::workspace);
  if (scratch && std::find(needs.arenas.begin(), needs.arenas.end(), workspace) == needs.arenas.end())
    needs.arenas.insert(std::upper_bound(needs.arenas.begin(), needs.arenas.end(), workspace), workspace);
  check_arenas(needs.arenas);
  check_values(needs.inputs);
  for (Value v : needs.inputs)
    if (graph_[v].below > 0 || graph_[v].domain)
      refuse_unless(labels_are_good(v), GRADC_BAD_LABEL, graph_.plan->places[v].index, [&] { return first_outside(v); });
  bases_.team = field(offsetof(gradc_call, team), pointer_);
  llvm::Value *hypers = field(offsetof(gradc_call, hypers), pointer_);
  bases_.hypers = b_.CreateSelect(b_.CreateIsNull(hypers), hyper_defaults, hypers);
  for (const auto &[v, hyper] : needs.hypers)
    if (graph_[v].domain) {
      llvm::Value *place = b_.CreateConstInBoundsGEP1_64(b_.getDoubleTy(), bases_.hypers, static_cast<uint64_t>(hyper));
      refuse_unless(lies_in(v, place), GRADC_BAD_HYPER, hyper, [&] { return b_.getInt64(0); });
    }
  return std::move(bases_);
}

// The counts of steps: none is negative, and one more step can be counted.
void CheckEmitter::check_counts() {
  auto count = [&](size_t offset) { return field(offset, b_.getInt64Ty()); };
  llvm::Value *counted = b_.CreateICmpULT(count(offsetof(gradc_call, step)), b_.getInt64(GRADC_MAX_STEP));
  llvm::Value *length = b_.CreateICmpSGE(count(offsetof(gradc_call, total_steps)), b_.getInt64(0));
  emit_require(b_, b_.CreateAnd(counted, length), GRADC_BAD_CALL);
}

void CheckEmitter::check_arenas(const std::vector<int> &used) {
  if (used.empty())
    return;
  llvm::Value *arenas = field(offsetof(gradc_call, arenas), pointer_);
  llvm::Value *enough =
      b_.CreateICmpSGT(number(offsetof(gradc_call, arena_count)), b_.getInt32(static_cast<uint32_t>(used.back())));
  emit_require(b_, b_.CreateAnd(enough, b_.CreateIsNotNull(arenas)), GRADC_MISSING_ARENA);
  for (int a : used) {
    bases_.arenas[a] = load_pointer(b_, bases_.call, {offsetof(gradc_call, arenas), a});
    emit_require(b_, b_.CreateIsNotNull(bases_.arenas[a]), GRADC_MISSING_ARENA);
  }
}

// The pointers of inputs and outputs; there is none to what has no elements.
void CheckEmitter::check_values(const std::vector<Value> &inputs) {
  auto take = [&](Value v, PointerPlace place) {
    bases_.pointers[v] = place;
    if (graph_.type(v).elements() > 0)
      require_pointer(pointer_to(v));
  };
  if (!inputs.empty()) {
    require_pointer(field(offsetof(gradc_call, inputs), pointer_));
    for (Value v : inputs)
      take(v, {offsetof(gradc_call, inputs), graph_.plan->places[v].index});
  }
  if (!graph_.returns.empty()) {
    require_pointer(field(offsetof(gradc_call, outputs), pointer_));
    for (size_t i = 0; i < graph_.returns.size(); ++i)
      take(graph_.returns[i].value, {offsetof(gradc_call, outputs), static_cast<int64_t>(i)});
  }
}

// The place of the first value that is not where the input's values must lie; the number of values where there is none.
llvm::Value *CheckEmitter::first_outside(Value input) {
  const Node &node = graph_[input];
  auto number = [&](int64_t x) { return b_.getInt64(static_cast<uint64_t>(x)); };
  llvm::Value *limits = number(node.below);
  if (node.domain)
    limits = domain_record(*node.domain);
  std::vector<llvm::Value *> arguments = {pointer_to(input), b_.getInt32(static_cast<uint32_t>(node.type.dtype)),
                                          number(node.type.elements()), limits};
  if (node.ignored)
    arguments.push_back(number(*node.ignored));
  std::vector<llvm::Type *> types;
  for (llvm::Value *argument : arguments)
    types.push_back(argument->getType());
  auto *signature = llvm::FunctionType::get(b_.getInt64Ty(), types, false);
  llvm::Module *module = b_.GetInsertBlock()->getModule();
  const char *function = node.domain    ? "gradc_core_first_outside_domain"
                         : node.ignored ? "gradc_core_first_outside_but"
                                        : "gradc_core_first_outside";
  return b_.CreateCall(module->getOrInsertFunction(function, signature), arguments);
}

// A constant gradc_core_domain.
llvm::Constant *CheckEmitter::domain_record(const Domain &domain) {
  static_assert(sizeof(gradc_core_domain) == 5 * sizeof(double));
  llvm::Type *f64 = b_.getDoubleTy();
  const auto number = [&](double x) { return llvm::ConstantFP::get(f64, x); };
  llvm::Constant *record = llvm::ConstantStruct::getAnon(
      {number(domain.least), number(domain.most), b_.getInt64(static_cast<uint64_t>(domain.row)), number(domain.sum_least),
       number(domain.sum_most)});
  llvm::Module *module = b_.GetInsertBlock()->getModule();
  return new llvm::GlobalVariable(*module, record->getType(), true, llvm::GlobalValue::PrivateLinkage, record, "domain");
}

// Whether all values lie where they must. A few labels are compared on the spot, which takes less than a call.
llvm::Value *CheckEmitter::labels_are_good(Value input) {
  constexpr int64_t kFew = 4;
  const Node &node = graph_[input];
  const int64_t count = node.type.elements();
  if (count > kFew || node.domain)
    return b_.CreateICmpEQ(first_outside(input), b_.getInt64(static_cast<uint64_t>(count)));
  llvm::Type *element = node.type.dtype == DType::i32 ? b_.getInt32Ty() : b_.getInt64Ty();
  llvm::Value *good = b_.getTrue(), *below = b_.getInt64(static_cast<uint64_t>(node.below));
  for (int64_t i = 0; i < count; ++i) {
    llvm::Value *place = b_.CreateConstInBoundsGEP1_64(element, pointer_to(input), static_cast<uint64_t>(i));
    llvm::Value *label = b_.CreateSExt(b_.CreateLoad(element, place), b_.getInt64Ty());
    llvm::Value *counts = b_.CreateICmpULT(label, below); // a negative one is a large one
    if (node.ignored)
      counts = b_.CreateOr(counts, b_.CreateICmpEQ(label, b_.getInt64(static_cast<uint64_t>(*node.ignored))));
    good = b_.CreateAnd(good, counts);
  }
  return good;
}

llvm::Value *CheckEmitter::lies_in(Value scalar, llvm::Value *place) {
  const Domain &domain = *graph_[scalar].domain;
  llvm::Value *value = b_.CreateLoad(b_.getDoubleTy(), place);
  return b_.CreateAnd(b_.CreateFCmpOGE(value, llvm::ConstantFP::get(b_.getDoubleTy(), domain.least)),
                      b_.CreateFCmpOLE(value, llvm::ConstantFP::get(b_.getDoubleTy(), domain.most)));
}

// What is given is good, or the call is refused and learns which value it is: that at `position` in the list of inputs or
// hypers, and its element.
void CheckEmitter::refuse_unless(llvm::Value *is_good, int32_t status, int64_t position,
                                 const std::function<llvm::Value *()> &element) {
  llvm::LLVMContext &c = b_.getContext();
  llvm::Function *function = b_.GetInsertBlock()->getParent();
  auto *bad = llvm::BasicBlock::Create(c, "bad_value", function), *good = llvm::BasicBlock::Create(c, "", function);
  b_.CreateCondBr(is_good, good, bad);
  b_.SetInsertPoint(bad);
  llvm::Value *problem = later_pointer(offsetof(gradc_call, problem));
  emit_if(b_, b_.CreateIsNotNull(problem), [&] {
    auto place = [&](size_t offset) { return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), problem, offset); };
    b_.CreateStore(b_.getInt32(static_cast<uint32_t>(position)), place(offsetof(gradc_problem, input)));
    b_.CreateStore(element(), place(offsetof(gradc_problem, element)));
  });
  b_.CreateRet(b_.getInt32(static_cast<uint32_t>(status)));
  b_.SetInsertPoint(good);
}

// A pointer of the call that is beyond GRADC_CALL_LEAST: null where the call is too small to have it.
llvm::Value *CheckEmitter::later_pointer(size_t offset) {
  llvm::Value *needed = b_.getInt32(static_cast<uint32_t>(offset + sizeof(void *)));
  llvm::Value *has = b_.CreateICmpUGE(number(offsetof(gradc_call, struct_size)), needed);
  llvm::BasicBlock *before = b_.GetInsertBlock(), *in = nullptr;
  llvm::Value *there = nullptr;
  emit_if(b_, has, [&] {
    there = field(offset, pointer_);
    in = b_.GetInsertBlock();
  });
  llvm::PHINode *phi = b_.CreatePHI(pointer_, 2);
  phi->addIncoming(llvm::ConstantPointerNull::get(pointer_), before);
  phi->addIncoming(there, in);
  return phi;
}

} // namespace

llvm::Value *load_pointer(llvm::IRBuilder<> &b, llvm::Value *call, const PointerPlace &place) {
  llvm::PointerType *pointer = llvm::PointerType::getUnqual(b.getContext());
  llvm::Value *array = b.CreateLoad(pointer, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), call, place.array));
  return b.CreateLoad(pointer, b.CreateConstInBoundsGEP1_64(pointer, array, static_cast<uint64_t>(place.index)));
}

void emit_require(llvm::IRBuilder<> &b, llvm::Value *condition, int32_t status) {
  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto *refused = llvm::BasicBlock::Create(b.getContext(), "refused", function);
  auto *next = llvm::BasicBlock::Create(b.getContext(), "", function);
  b.CreateCondBr(condition, next, refused);
  llvm::IRBuilder<>(refused).CreateRet(b.getInt32(static_cast<uint32_t>(status)));
  b.SetInsertPoint(next);
}

CallBases emit_checks(llvm::IRBuilder<> &builder, llvm::Value *call, const Graph &graph, llvm::Constant *hyper_defaults,
                      bool scratch) {
  return CheckEmitter(builder, call, graph).run(hyper_defaults, scratch);
}

} // namespace gradc
