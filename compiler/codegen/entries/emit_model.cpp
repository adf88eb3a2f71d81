#include "compiler/codegen/entries/emit_model.h"

#include "compiler/codegen/entries/emit_entry.h"
#include "ir/error.h"
#include "runtime/gradc.h"

#include <algorithm>

namespace gradc {
namespace {

// Builds constants whose layout is that of the C structs in runtime/gradc.h.
class TableEmitter {
public:
  TableEmitter(llvm::Module &module, const ModelSpec &spec, bool profile)
      : module_(module), c_(module.getContext()), spec_(spec), profile_(profile),
        pointer_(llvm::PointerType::getUnqual(c_)), i32_(llvm::Type::getInt32Ty(c_)), i64_(llvm::Type::getInt64Ty(c_)) {}

  std::vector<PendingKernel> run(const std::vector<Target> &);

private:
  using Constants = std::vector<llvm::Constant *>;
  llvm::Constant *i32(int64_t v) { return llvm::ConstantInt::getSigned(i32_, v); }
  llvm::Constant *i64(int64_t v) { return llvm::ConstantInt::getSigned(i64_, v); }
  llvm::Constant *number(double v) { return llvm::ConstantFP::get(llvm::Type::getDoubleTy(c_), v); }
  llvm::Constant *null() { return llvm::ConstantPointerNull::get(pointer_); }
  llvm::Constant *record(const Constants &fields) { return llvm::ConstantStruct::getAnon(c_, fields); }
  llvm::Constant *longs(const std::vector<int64_t> &values, size_t count) {
    Constants all;
    for (size_t i = 0; i < count; ++i)
      all.push_back(i64(i < values.size() ? values[i] : 0));
    return llvm::ConstantArray::get(llvm::ArrayType::get(i64_, count), all);
  }
  llvm::Constant *string(const std::string &text) {
    auto *data = llvm::ConstantDataArray::getString(c_, text);
    return global(data);
  }
  llvm::Constant *global(llvm::Constant *data) {
    auto *g = new llvm::GlobalVariable(module_, data->getType(), true, llvm::GlobalValue::PrivateLinkage, data);
    g->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return g;
  }
  llvm::Constant *array(const Constants &records) {
    if (records.empty())
      return null();
    return global(llvm::ConstantArray::get(llvm::ArrayType::get(records[0]->getType(), records.size()), records));
  }
  llvm::Constant *core(const char *name) {
    auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(c_), false); // only the address matters
    return llvm::cast<llvm::Constant>(module_.getOrInsertFunction(name, type).getCallee());
  }
  llvm::Constant *value(const std::string &name, DType dtype, const Shape &shape) {
    return record({string(name), i32(static_cast<int>(dtype)), i32(static_cast<int64_t>(shape.size())),
                   longs(shape, GRADC_MAX_RANK)});
  }
  void collect_tensors(Constants &tensors, std::vector<int64_t> &arena_bytes);
  void collect_inputs(Constants &inputs);
  Constants output_arrays();
  llvm::Constant *entries(const Target &, KernelSet &, const std::string &suffix);
  void choose_table(const std::vector<Target> &, const Constants &tables);

  llvm::Module &module_;
  llvm::LLVMContext &c_;
  const ModelSpec &spec_;
  const bool profile_;
  llvm::PointerType *pointer_;
  llvm::Type *i32_, *i64_;
  llvm::Constant *hyper_defaults_ = nullptr;
  Constants outputs_; // an array for each entry
};

static_assert(sizeof(gradc_tensor) == 24 + 8 * GRADC_MAX_RANK + 16);
static_assert(sizeof(gradc_value) == 16 + 8 * GRADC_MAX_RANK);
static_assert(sizeof(gradc_entry) == 56);
static_assert(sizeof(gradc_model) == 32 + 8 * GRADC_ARENAS + 16 + 32 + 56);

void TableEmitter::collect_tensors(Constants &tensors, std::vector<int64_t> &arena_bytes) {
  std::vector<std::string> seen;
  for (const EntrySpec &e : spec_.entries)
    for (Value v = 0; v < e.graph.size(); ++v) {
      const Node &node = e.graph[v];
      if (!is_state(node.role) || std::find(seen.begin(), seen.end(), node.name) != seen.end())
        continue;
      seen.push_back(node.name);
      const Placement &p = e.graph.plan->places[v];
      int arena = node.role == Role::param ? GRADC_PARAMS : node.role == Role::slot ? GRADC_SLOTS : GRADC_GRADS;
      tensors.push_back(record({string(node.name), i32(static_cast<int>(node.type.dtype)), i32(arena),
                                i32(static_cast<int64_t>(node.type.rank())), i32(0),
                                longs(node.type.shape, GRADC_MAX_RANK), i64(p.offset), i64(p.bytes)}));
      int64_t &end = arena_bytes[static_cast<size_t>(arena)];
      end = std::max(end, (p.offset + p.bytes + 63) / 64 * 64);
    }
}

void TableEmitter::collect_inputs(Constants &inputs) {
  for (const EntrySpec &e : spec_.entries) {
    if (e.batch == 0)
      continue;
    for (const Node &node : e.graph.nodes)
      if (node.role == Role::input)
        inputs.push_back(value(node.name, node.type.dtype, Shape(node.type.shape.begin() + 1, node.type.shape.end())));
    return;
  }
}

TableEmitter::Constants TableEmitter::output_arrays() {
  Constants arrays;
  for (const EntrySpec &e : spec_.entries) {
    Constants outputs;
    for (const Return &r : e.graph.returns)
      outputs.push_back(value(r.name, e.graph.type(r.value).dtype, e.graph.type(r.value).shape));
    arrays.push_back(array(outputs));
  }
  return arrays;
}

// The array of entries as code for one target.
llvm::Constant *TableEmitter::entries(const Target &target, KernelSet &kernels, const std::string &suffix) {
  Constants records;
  for (size_t i = 0; i < spec_.entries.size(); ++i) {
    const EntrySpec &e = spec_.entries[i];
    llvm::Function *function = emit_entry(module_, e.name + "_" + std::to_string(i) + suffix, e.graph, hyper_defaults_,
                                          target, kernels, profile_);
    set_target(*function, target);
    records.push_back(record({string(e.name), i64(e.batch), i64(e.graph.plan->arena_bytes),
                              i32(static_cast<int64_t>(e.graph.returns.size())), i32(0), outputs_[i], function, null()}));
  }
  return array(records);
}

// <name>_model: the table of the highest level that the processor has.
void TableEmitter::choose_table(const std::vector<Target> &targets, const Constants &tables) {
  auto *function = llvm::Function::Create(llvm::FunctionType::get(pointer_, false), llvm::Function::ExternalLinkage,
                                          spec_.name + "_model", module_);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  set_target(*function, parse_target("x86-64")); // it runs before anything is known
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(c_, "entry", function));
  if (targets[0].level <= 1 && targets.size() == 1) {
    b.CreateRet(tables[0]);
    return;
  }
  auto *type = llvm::FunctionType::get(i32_, false);
  llvm::Value *level = b.CreateCall(module_.getOrInsertFunction("gradc_core_cpu_level", type)), *table = null();
  for (size_t i = 0; i < targets.size(); ++i)
    table = b.CreateSelect(b.CreateICmpSGE(level, i32(targets[i].level)), tables[i], table);
  b.CreateRet(table);
}

std::vector<PendingKernel> TableEmitter::run(const std::vector<Target> &targets) {
  Constants hypers, defaults, tensors, inputs, tables;
  for (const auto &[name, initial] : spec_.hypers) {
    hypers.push_back(record({string(name), number(initial)}));
    defaults.push_back(number(initial));
  }
  hyper_defaults_ = array(defaults);
  std::vector<int64_t> arena_bytes(GRADC_ARENAS, 0);
  collect_tensors(tensors, arena_bytes);
  collect_inputs(inputs);
  outputs_ = output_arrays();
  for (const EntrySpec &e : spec_.entries)
    arena_bytes[GRADC_WORKSPACE] = std::max(arena_bytes[GRADC_WORKSPACE], e.graph.plan->arena_bytes);
  auto count = [&](size_t n) { return i32(static_cast<int64_t>(n)); };
  llvm::Constant *name = string(spec_.name), *signature = string(spec_.signature);
  llvm::Constant *tensor_array = array(tensors), *input_array = array(inputs), *hyper_array = array(hypers);
  std::vector<PendingKernel> pending;
  for (const Target &target : targets) {
    std::string suffix = targets.size() > 1 ? "." + target.cpu : "";
    KernelSet kernels{.prefix = spec_.name + ".kernel" + suffix + ".", .numbers = {}, .pending = {}};
    llvm::Constant *entry_array = entries(target, kernels, suffix);
    std::move(kernels.pending.begin(), kernels.pending.end(), std::back_inserter(pending));
    tables.push_back(global(record(
        {i32(GRADC_ABI_VERSION), i32(sizeof(gradc_model)), name, signature, i64(64), longs(arena_bytes, GRADC_ARENAS),
         count(tensors.size()), count(inputs.size()), count(hypers.size()), count(spec_.entries.size()), tensor_array,
         input_array, hyper_array, entry_array, core("gradc_core_team_create"), core("gradc_core_team_destroy"),
         core("gradc_core_save"), core("gradc_core_load"), core("gradc_core_status_message"), core("gradc_core_memory_create"),
         core("gradc_core_memory_destroy")})));
  }
  choose_table(targets, tables);
  return pending;
}

} // namespace

std::vector<PendingKernel> emit_model(llvm::Module &module, const ModelSpec &spec,
                                      const std::vector<Target> &targets, bool profile) {
  return TableEmitter(module, spec, profile).run(targets);
}

} // namespace gradc
