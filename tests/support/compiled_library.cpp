#include "tests/support/compiled_library.h"

#include "compiler/engines/aot.h"
#include "compiler/engines/build_model.h"
#include "compiler/engines/model_header.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>

namespace gradc::tests {

std::string shell(const std::string &command) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe);
  std::string text;
  std::array<char, 4096> block{};
  while (size_t n = fread(block.data(), 1, block.size(), pipe))
    text.append(block.data(), n);
  const int status = pclose(pipe);
  INFO(command << "\n" << text);
  REQUIRE(status == 0);
  return text;
}

CompiledLibrary::CompiledLibrary(const std::string &model_path, std::string stem, const std::vector<std::string> &overrides)
    : stem_(std::move(stem)) {
  Diagnostics diagnostics;
  const std::optional<Model> model = load_model(model_path, overrides, diagnostics);
  INFO(diagnostics.render());
  REQUIRE(model);
  std::vector<EntryRequest> entries;
  for (Entry entry : entries_of(*model)) {
    entries.push_back({entry, takes_examples(entry) ? model->batch_size : 0});
    if (entry == Entry::predict || entry == Entry::evaluate || entry == Entry::fit)
      entries.push_back({entry, 1});
  }
  const ModelSpec spec = build_model(*model, entries, DType::f32, RunOptions{});
  CodegenOptions codegen;
  codegen.target = host_target();
  write_shared_object(compile_model(spec, codegen), library());
  runtime::write_text(header(), model_header(spec));
}

} // namespace gradc::tests
