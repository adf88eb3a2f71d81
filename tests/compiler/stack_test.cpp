// What a call takes of the stack: little, whatever the model, so that it runs in threads whose stacks are small. What is
// large is in the workspace, which the host has given.
#include "compiler/codegen/assemble.h"
#include "compiler/engines/build_model.h"
#include "compiler/engines/object.h"
#include "compiler/engines/jit.h"
#include "runtime/train/instance.h"
#include "tests/support/whole_models.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <pthread.h>

namespace gradc::tests {
namespace {

/// Bytes of its stack that a thread touches which runs `work`.
int64_t stack_touched(const std::function<void()> &work) {
  constexpr size_t kBytes = 2 << 20;
  constexpr unsigned char kPaint = 0xa5;
  auto *stack = static_cast<unsigned char *>(std::aligned_alloc(4096, kBytes));
  std::fill(stack, stack + kBytes, kPaint);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  REQUIRE(pthread_attr_setstack(&attributes, stack, kBytes) == 0);
  pthread_t thread;
  auto run = [](void *argument) -> void * {
    (*static_cast<const std::function<void()> *>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, const_cast<void *>(static_cast<const void *>(&work))) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  const auto *touched = std::find_if(stack, stack + kBytes, [](unsigned char byte) { return byte != kPaint; });
  const int64_t bytes = stack + kBytes - touched;
  std::free(stack);
  return bytes;
}

/// What every entry of a model takes beside what an empty thread does.
void check_stack(const std::string &json, int64_t batch, DType dtype, const char *target) {
  Diagnostics diagnostics;
  const std::optional<Model> model = load_model_text(json, "model.json", {}, diagnostics);
  REQUIRE(model);
  std::vector<EntryRequest> requests;
  for (Entry entry : entries_of(*model))
    requests.push_back({entry, takes_examples(entry) ? batch : 0});
  CodegenOptions codegen;
  codegen.target = parse_target(target);
  const JitModel jit(build_model(*model, requests, dtype, {}), codegen);
  runtime::Instance instance(*jit.table(), 1);
  instance.init(1);
  std::vector<std::vector<double>> memory;
  std::vector<const void *> inputs;
  for (int32_t i = 0; i < jit.table()->input_count; ++i) {
    memory.emplace_back(static_cast<size_t>(runtime::value_bytes(*gradc_input_at(jit.table(), i)) * batch / 8 + 8));
    inputs.push_back(memory.back().data());
  }
  const int64_t nothing = stack_touched([] {});
  for (int32_t i = 0; i < jit.table()->entry_count; ++i) {
    const gradc_entry &entry = *gradc_entry_at(jit.table(), i);
    const runtime::Outputs outputs(*jit.table(), entry);
    INFO(entry.name << " of batch " << batch << " for " << target);
    CHECK(stack_touched([&] { instance.run(entry, inputs.data(), outputs, {1, 0, 10}); }) - nothing <= GRADC_STACK_BYTES);
  }
}

} // namespace

TEST_CASE("a call takes little stack, whatever the model", "[stack]") {
  for (const WholeModel &source : whole_models()) {
    INFO(source.name);
    check_stack(source.json, source.batch, DType::f32, "native");
    check_stack(source.json, source.batch, DType::f64, "x86-64-v2");
    if (!source.large)
      check_stack(source.json, 1, DType::f64, "x86-64-v3");
  }
  const std::string wide = R"({"name": "wide", "inputs": {"x": {"shape": [256]}, "y": {"shape": [], "dtype": "i32"}},
    "layers": [{"name": "h", "type": "dense", "units": 512, "activation": "softmax", "input": "x"},
               {"name": "out", "type": "dense", "units": 10}],
    "loss": {"type": "softmax_cross_entropy", "logits": "out", "labels": "y"}})";
  for (DType dtype : {DType::f32, DType::f64})
    check_stack(wide, 64, dtype, "native");
  std::string deep = R"({"name": "deep", "inputs": {"x": {"shape": [8]}, "y": {"shape": [8]}}, "layers": [)";
  for (int i = 0; i < 120; ++i)
    deep += (i ? ", " : "") + std::string(R"({"type": "dense", "units": 8, "activation": "tanh", "name": "l)") +
            std::to_string(i) + "\"" + (i ? "}" : R"(, "input": "x"})");
  check_stack(deep + R"(], "loss": {"type": "mse", "target": "y"}})", 4, DType::f32, "native");
  std::string inputs, names;
  for (int i = 0; i < 400; ++i) {
    inputs += fmt::format(R"("x{}": {{"shape": [1]}}, )", i);
    names += fmt::format(R"({}"x{}")", i ? ", " : "", i);
  }
  check_stack(R"({"name": "broad", "inputs": {)" + inputs + R"("y": {"shape": [1]}},
    "layers": [{"type": "add", "name": "sum", "input": [)" + names + R"(]}, {"type": "dense", "name": "out", "units": 1}],
    "loss": {"type": "mse", "target": "y"}})", 2, DType::f32, "native");
}

// Compiled only, so that machines without AVX-512 check its frames too.
TEST_CASE("no frame of a training step is too large on the widest target", "[stack]") {
  CodegenOptions codegen;
  codegen.target = parse_target("x86-64-v4");
  for (const WholeModel &source : whole_models())
    for (DType dtype : {DType::f32, DType::f64}) {
      INFO(source.name);
      Diagnostics diagnostics;
      const std::optional<Model> model = load_model_text(source.json, "model.json", {}, diagnostics);
      REQUIRE(model);
      CHECK_NOTHROW(compile_model(build_model(*model, {{Entry::train_step, source.batch}}, dtype, {}), codegen));
    }
}

TEST_CASE("a function whose frame is too large is refused", "[stack]") {
  llvm::LLVMContext context;
  llvm::Module module("m", context);
  const std::unique_ptr<llvm::TargetMachine> machine = make_target_machine(host_target());
  module.setDataLayout(machine->createDataLayout());
  llvm::IRBuilder<> b(context);
  auto *type = llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy()}, false);
  auto *function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "greedy", module);
  b.SetInsertPoint(llvm::BasicBlock::Create(context, "", function));
  auto *block = b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), 1 << 15));
  b.CreateStore(block, function->getArg(0), /*isVolatile=*/true);
  b.CreateRetVoid();
  CHECK_THROWS_WITH(assemble_module(module, *machine, llvm::CodeGenFileType::ObjectFile),
                    Catch::StartsWith("'greedy' takes 32") && Catch::Contains("14336 are the limit"));
}

} // namespace gradc::tests
