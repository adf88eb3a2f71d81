// What the commands of the driver share: flags, loading models, time reports.
#pragma once

#include "compiler/engines/build_model.h"
#include "compiler/engines/object.h"
#include "compiler/model/tables/attributes.h"
#include "compiler/reports/trace.h"

#include <CLI/CLI.hpp>

namespace gradc::driver {

/// Adds one command to the application. Its callback does the work.
using AddCommand = void (*)(CLI::App &);
void add_train(CLI::App &);
void add_predict(CLI::App &);
void add_evaluate(CLI::App &);
void add_compile(CLI::App &);
void add_gradcheck(CLI::App &);
void add_inspect(CLI::App &);
void add_opt(CLI::App &);
void add_check(CLI::App &);
void add_schema(CLI::App &);
void add_ops(CLI::App &);

/// Whether the name '-' stands for standard input or output. Where it does not, it is refused: nobody means a file named so.
enum class Dash { refused, stream };

/// An option, or an argument, that names a file. An empty name, as of a variable that is not set, is a mistake.
CLI::Option *add_file(CLI::App &, const std::string &names, std::string &path, const std::string &help, Dash = Dash::refused);

/// The model file, how it is read, and what it is compiled to.
struct ModelFlags {
  std::string path;
  std::vector<std::string> overrides;
  std::string dtype = "f32";
  std::string target = "native";

  void add_to(CLI::App &);
  DType float_dtype() const;
  /// "" where the model is read from standard input.
  std::string file() const { return path == "-" ? "" : path; }
};

/// How passes run and what they show.
struct PassFlags {
  RunOptions options;
  std::string verify, schedule;
  bool time_report = false, use_cache = true;
  Trace trace; // of the stages that the time report is about

  void add_to(CLI::App &);
  /// The options with their callbacks set; call once the command line is parsed.
  RunOptions resolved();
  /// A target of parse_target, with the wishes for its schedules.
  Target target(const std::string &name) const;
  /// `targets` as for parse_targets.
  CodegenOptions codegen(const std::string &targets);
  /// Prints the time report, when asked for, to stderr.
  void finish() const;

private:
  void took(std::string_view stage, double seconds);
  std::vector<std::pair<std::string, double>> times_;
};

/// A check of an option that stands for a number of the model file: it has the limits, and the messages, of that attribute.
CLI::Validator limited_as(const Attr &);
/// The attribute `key` of the "train" section.
const Attr &train_attr(std::string_view key);
/// The limits of numbers that no file has.
CLI::Validator positive();
CLI::Validator number_of_threads();

/// Is it a compiled library, by its name or its first bytes, and not a model file?
bool is_shared_object(const std::string &path);

/// Thrown after diagnostics have been printed: the command ends with exit status 1.
struct Reported {};

/// Loads a model, or prints every mistake in it and throws Reported.
Model load_or_report(const ModelFlags &);
/// Runs `work`; an Error with a place in the model is shown there. Throws Reported.
void with_locations(const Model &, const std::function<void()> &work);

/// A whole file, or standard input for "-". Throws Error.
std::string read_text(const std::string &path);
/// "1.2 MB".
std::string human_bytes(int64_t);

} // namespace gradc::driver
