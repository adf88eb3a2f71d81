// A model as the commands that run one have it: compiled just now, interpreted, or a shared object.
#pragma once

#include "compiler/driver/common.h"
#include "compiler/driver/named_files.h"
#include "runtime/train/trainer.h"

#include <functional>

namespace gradc {
class Profile;
}

namespace gradc::driver {

/// What a run is measured for.
struct ProfileFlags {
  bool table = false;
  std::string trace; // a file
  int threads = 1;   // of the run

  void add_to(CLI::App &);
  bool wanted() const { return table || !trace.empty(); }
  void report(const Profile &, Trace &timeline, DType) const;
};

struct EngineFlags {
  ModelFlags model;
  PassFlags passes;
  ProfileFlags profile;
  std::string engine = "jit";
  bool watched = false; // the model gets an entry `watch` beside each train_step
  std::vector<const CLI::Option *> of_model_files; // those that say how a model is read, compiled or measured

  void add_to(CLI::App &, bool measured);
  bool interpreted() const { return engine == "interpreter"; }
  /// The files that it reads, with what else a command names.
  NamedFiles inputs(const runtime::Signature &, const std::string &folder, const std::string &data) const;
  /// An option that has no effect on what is given is a mistake, and is not passed over.
  void refuse_what_is_without_effect() const;
};

/// Loads what is to be run on, relative paths starting at `folder`, and tells which entries that takes.
using Prepare = std::function<std::vector<runtime::EntryKey>(const runtime::Signature &, const std::string &folder)>;
using Use = std::function<void(const gradc_model &, const runtime::Signature &)>;
/// Calls `use` with the model that the flags name, which has the entries that `prepare` asked for.
void with_model(EngineFlags &, const Prepare &prepare, const Use &use);

/// The same for a model file that is loaded already; `use` can ask for the planned graphs that the code was made of.
using Graphs = std::function<ModelSpec()>;
using UseGraphs = std::function<void(const gradc_model &, const runtime::Signature &, const Graphs &)>;
void with_graphs(EngineFlags &, const Model &, const Prepare &prepare, const UseGraphs &use);

/// What `load` gives. Where the file that the model names cannot be read and the command named no other (`named` is empty), tells
/// of the option that names one.
template <typename Load> auto load_data(const std::string &named, Load load) try {
  return load();
} catch (const runtime::UnreadableData &problem) {
  if (!named.empty())
    throw;
  throw runtime::Error(problem.what() + std::string("; --data names another file"));
}

void warn(const runtime::Dataset &);

} // namespace gradc::driver
