#include "compiler/codegen/entries/emit_model.h"

#include "compiler/codegen/entries/c_name.h"
#include "compiler/codegen/entries/emit_entry.h"
#include "compiler/codegen/entries/model_table.h"
#include "ir/error.h"
#include "passes/storage.h"

#include <algorithm>
#include <numeric>

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
  llvm::Constant *core(const std::string &name) {
    auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(c_), false); // only the address matters
    return llvm::cast<llvm::Constant>(module_.getOrInsertFunction(name, type).getCallee());
  }
  llvm::Constant *value(const std::string &name, DType dtype, const Shape &shape) {
    return record({string(name), i32(static_cast<int>(dtype)), i32(static_cast<int64_t>(shape.size())),
                   longs(shape, GRADC_MAX_RANK)});
  }
  Constants arenas(const ModelTable &);
  Constants tensors(const ModelTable &);
  Constants inputs(const ModelTable &);
  Constants output_arrays();
  llvm::Constant *entries(const Target &, KernelSet &, const std::string &suffix);
  Constants head(const Constants &hypers);
  void choose_table(const std::vector<Target> &, const Constants &tables);

  llvm::Module &module_;
  llvm::LLVMContext &c_;
  const ModelSpec &spec_;
  const bool profile_;
  llvm::PointerType *pointer_;
  llvm::Type *i32_, *i64_;
  llvm::Constant *hyper_defaults_ = nullptr;
  Constants outputs_; // an array for each entry
  int64_t thread_bytes_ = 0; // of the workspace, enough for all entries and targets
};

static_assert(sizeof(gradc_tensor) == 24 + 8 * GRADC_MAX_RANK + 16);
static_assert(sizeof(gradc_value) == 16 + 8 * GRADC_MAX_RANK);
static_assert(sizeof(gradc_arena) == 32);
static_assert(sizeof(gradc_entry) == 72);
static_assert(sizeof(gradc_model) == 32 + 40 + 40 + 64 + 8);

TableEmitter::Constants TableEmitter::arenas(const ModelTable &table) {
  Constants records;
  for (const gradc_arena &a : table.arenas)
    records.push_back(record({string(a.name), i32(a.kind), i32(a.lifetime), i64(a.bytes), i64(a.thread_bytes)}));
  return records;
}

TableEmitter::Constants TableEmitter::tensors(const ModelTable &table) {
  Constants records;
  for (const auto &[node, place] : table.states)
    records.push_back(record({string(node->name), i32(static_cast<int>(node->type.dtype)), i32(arena_of(place->space)),
                              i32(static_cast<int64_t>(node->type.rank())), i32(range_of(*node)),
                              longs(node->type.shape, GRADC_MAX_RANK), i64(place->offset), i64(place->bytes)}));
  return records;
}

TableEmitter::Constants TableEmitter::inputs(const ModelTable &table) {
  Constants records;
  for (const Node *node : table.inputs)
    records.push_back(value(node->name, node->type.dtype, Shape(node->type.shape.begin() + 1, node->type.shape.end())));
  return records;
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

// The numbers of the entries. That of the schedule is last, so that the names of all other kernels do not depend on it.
std::vector<size_t> schedule_last(const std::vector<EntrySpec> &entries) {
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_partition(order, [&](size_t i) { return entries[i].kind != GRADC_SCHEDULE; });
  return order;
}

// The array of entries as code for one target.
llvm::Constant *TableEmitter::entries(const Target &target, KernelSet &kernels, const std::string &suffix) {
  Constants records(spec_.entries.size());
  for (size_t i : schedule_last(spec_.entries)) {
    const EntrySpec &e = spec_.entries[i];
    const size_t before = kernels.pending.size();
    const auto [function, thread_bytes] =
        emit_entry(module_, e.name + "_" + std::to_string(i) + suffix, e, hyper_defaults_, target, kernels, profile_);
    thread_bytes_ = std::max(thread_bytes_, thread_bytes);
    for (size_t k = before; k < kernels.pending.size(); ++k)
      kernels.pending[k].of_schedule = e.kind == GRADC_SCHEDULE;
    records[i] = record({string(e.name), i32(e.kind), i32(0), i64(e.batch), i64(workspace_bytes(e.graph)),
                              i64(thread_bytes), i32(static_cast<int64_t>(e.graph.returns.size())), i32(0), outputs_[i],
                              function, null()});
  }
  return array(records);
}

// <name>_model: the table of the highest level that the processor has.
void TableEmitter::choose_table(const std::vector<Target> &targets, const Constants &tables) {
  auto *function = llvm::Function::Create(llvm::FunctionType::get(pointer_, false), llvm::Function::ExternalLinkage,
                                          exported_symbol(spec_.name), module_);
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

// All fields of the table up to the entries.
TableEmitter::Constants TableEmitter::head(const Constants &hypers) {
  ModelTable table = model_table(spec_);
  table.arenas.at(static_cast<size_t>(arena_of(Space::workspace))).thread_bytes = thread_bytes_;
  const Constants lists[] = {arenas(table), tensors(table), inputs(table), hypers};
  Constants fields = {i32(GRADC_ABI_VERSION), i32(sizeof(gradc_model)), string(spec_.name), string(spec_.signature), i64(kAlignment)};
  for (const Constants &list : lists)
    fields.push_back(i32(static_cast<int64_t>(list.size())));
  fields.push_back(i32(static_cast<int64_t>(spec_.entries.size())));
  for (size_t bytes : {sizeof(gradc_arena), sizeof(gradc_tensor), sizeof(gradc_value), sizeof(gradc_hyper), sizeof(gradc_entry)})
    fields.push_back(i32(static_cast<int64_t>(bytes)));
  for (const Constants &list : lists)
    fields.push_back(array(list));
  return fields;
}

std::vector<PendingKernel> TableEmitter::run(const std::vector<Target> &targets) {
  Constants hypers, defaults, entry_arrays, tables;
  for (const auto &[name, initial] : spec_.hypers) {
    hypers.push_back(record({string(name), number(initial)}));
    defaults.push_back(number(initial));
  }
  hyper_defaults_ = array(defaults);
  outputs_ = output_arrays();
  std::vector<PendingKernel> pending;
  for (const Target &target : targets) {
    std::string suffix = targets.size() > 1 ? "." + target.cpu : "";
    KernelSet kernels{.prefix = spec_.name + ".kernel" + suffix + ".", .numbers = {}, .pending = {}};
    entry_arrays.push_back(entries(target, kernels, suffix));
    std::move(kernels.pending.begin(), kernels.pending.end(), std::back_inserter(pending));
  }
  const Constants first = head(hypers);
  for (llvm::Constant *entry_array : entry_arrays) {
    Constants fields = first;
    fields.push_back(entry_array);
    for (const char *name : {"team_create", "team_destroy", "team_threads", "save", "load", "status_message", "memory_create",
                             "memory_destroy"})
      fields.push_back(core(std::string("gradc_core_") + name));
    fields.push_back(string(spec_.optimizer));
    tables.push_back(global(record(fields)));
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
