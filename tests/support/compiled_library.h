// A model as what a host holds: a shared object and its header, in a folder of their own.
#pragma once

#include "tests/support/runtime_fake_model.h"

#include <string>
#include <vector>

namespace gradc::tests {

/// What the command prints, both streams; fails the test when it does not exit with 0.
std::string shell(const std::string &command);

class CompiledLibrary {
public:
  /// All entries for the batch of the model; `evaluate`, `fit` and `predict` for single examples too. The files are named after
  /// `stem`.
  CompiledLibrary(const std::string &model_path, std::string stem, const std::vector<std::string> &overrides = {});
  std::string path(const std::string &name) const { return folder_ / name; }
  std::string library() const { return path(stem_ + ".so"); }
  std::string header() const { return path(stem_ + ".h"); }
  /// For the compiler: link with it, and find it when run.
  std::string link_flags() const { return library() + " -Wl,-rpath," + folder_.path(); }

private:
  runtime::TemporaryFolder folder_;
  std::string stem_;
};

} // namespace gradc::tests
