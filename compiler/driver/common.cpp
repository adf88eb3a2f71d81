#include "compiler/driver/common.h"

#include "compiler/model/tables/sections.h"
#include "ir/error.h"
#include "passes/differentiate.h"
#include "runtime/train/io/console.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>

namespace gradc::driver {

CLI::Option *add_file(CLI::App &app, const std::string &names, std::string &path, const std::string &help, Dash dash) {
  const auto is_name = [dash](const std::string &given) {
    if (given == "-" && dash == Dash::refused)
      return "expected the name of a file, got '-', which is no stream here; a file of this name is './-'";
    return given.empty() ? "expected the name of a file, got none" : "";
  };
  return app.add_option(names, path, help)->check(is_name)->type_name("FILE");
}

namespace {

/// What is wrong with `text` as a number of this attribute; "" when nothing is.
template <class T> std::string problem_of(const Attr &attr, const std::string &text) {
  T value = 0;
  const char *end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, value);
  const bool whole = std::is_integral_v<T>, too_large = failure == std::errc::result_out_of_range && stop == end;
  if (too_large || failure != std::errc() || stop != end || !std::isfinite(static_cast<double>(value)))
    return fmt::format("must be {}{}, got {}", expected(attr),
                       !too_large ? "" : whole ? " of at most 64 bits" : " that fits a double", text);
  const auto number = static_cast<double>(value);
  return within(attr, number) ? "" : fmt::format("must be {}, got {}", violated_limit(attr, number), text);
}

} // namespace

CLI::Validator limited_as(const Attr &attr) {
  return CLI::Validator(
      [attr](std::string &text) {
        return attr.kind == Attr::Kind::integer ? problem_of<int64_t>(attr, text) : problem_of<double>(attr, text);
      },
      limits(attr));
}

const Attr &train_attr(std::string_view key) {
  for (const Attr &attr : train_spec().attrs)
    if (attr.name == key)
      return attr;
  throw InternalFault(fmt::format("the train section has no key '{}'", key));
}

CLI::Validator positive() { return limited_as(attr::integer("", "").at_least(1)); }
CLI::Validator number_of_threads() { return limited_as(attr::integer("", "").at_least(1).at_most(1024)); }

void ModelFlags::add_to(CLI::App &app) {
  app.add_option("--set", overrides, "Replace a value of the model file, e.g. --set layers.hidden.units=64")
      ->type_name("PATH=VALUE");
  app.add_option("--dtype", dtype, "Type of the model's floats")->check(CLI::IsMember({"f32", "f64"}))->capture_default_str();
}

DType ModelFlags::float_dtype() const { return *parse_dtype(dtype); }

void PassFlags::add_to(CLI::App &app) {
  app.add_flag("--print-ir-after-all", options.print_after_all, "Print the graph after every pass")->group("Debugging");
  app.add_option("--print-after", options.print_after, "Print the graph after these passes")
      ->delimiter(',')->type_name("PASS,...")->group("Debugging");
  app.add_option("--stop-after", options.stop_after, "Run no pass after this one")->type_name("PASS")->group("Debugging");
  app.add_option("--skip", options.skip, "Leave out these passes")->delimiter(',')->type_name("PASS,...")->group("Debugging");
  app.add_flag("--verify-each{structure}", verify,
               "Check the graph after every pass; =semantic also compares what it computes")
      ->group("Debugging");
  app.add_flag("--cache,!--no-cache", use_cache,
               "Keep compiled code in $GRADC_CACHE_DIR or ~/.cache/gradc and use it again; the default");
  app.add_option("--schedule", schedule, "Loops of contractions: rows=N,cols=N,block=N,group=N,order=rows|cols,pack=none|rows|cols|both; fork=N: threads share out work of N cycles")
      ->type_name("WISH,...")->group("Debugging");
  app.add_flag("--time-report", time_report, "Show where compile time went")->group("Debugging");
}

RunOptions PassFlags::resolved() {
  if (!verify.empty() && verify != "structure" && verify != "semantic")
    throw CLI::ValidationError("--verify-each", "expected 'structure' or 'semantic', got '" + verify + "'");
  options.verify_each = !verify.empty();
  options.verify_semantic = verify == "semantic";
  options.on_time = [this](std::string_view pass, double seconds) { took(pass, seconds); };
  options.on_print = [](std::string_view title, const std::string &text) {
    runtime::tell(fmt::format("// {}\n{}\n", title, text));
  };
  return options;
}

Target PassFlags::target(const std::string &name) const {
  Target target = parse_target(name);
  target.schedule = parse_schedule_override(schedule);
  return target;
}

CodegenOptions PassFlags::codegen(const std::string &names) {
  CodegenOptions codegen;
  codegen.passes = resolved();
  std::vector<Target> targets = parse_targets(names);
  for (Target &target : targets)
    target.schedule = parse_schedule_override(schedule);
  codegen.target = targets[0];
  codegen.higher.assign(targets.begin() + 1, targets.end());
  if (use_cache)
    codegen.cache = ObjectCache::from_environment();
  codegen.on_time = [this](std::string_view stage, double seconds) { took(stage, seconds); };
  return codegen;
}

void PassFlags::took(std::string_view stage, double seconds) {
  times_.emplace_back(stage, seconds);
  trace.ended(stage, seconds);
}

void PassFlags::finish() const {
  if (!time_report)
    return;
  std::vector<std::pair<std::string, double>> sums; // in order of first appearance
  double total = 0;
  for (const auto &[name, seconds] : times_) {
    auto it = std::find_if(sums.begin(), sums.end(), [&](const auto &s) { return s.first == name; });
    if (it == sums.end())
      sums.emplace_back(name, seconds);
    else
      it->second += seconds;
    total += seconds;
  }
  runtime::tell(fmt::format("{:>9}  {:>6}  stage\n", "ms", "share"));
  for (const auto &[name, seconds] : sums)
    runtime::tell(fmt::format("{:9.2f}  {:5.1f}%  {}\n", seconds * 1e3, total > 0 ? seconds / total * 100 : 0, name));
  runtime::tell(fmt::format("{:9.2f}          total\n", total * 1e3));
}

static Diagnostics &diagnostics() {
  static Diagnostics sink; // the sources must outlive the model, whose values point into them
  return sink;
}

[[noreturn]] static void report(const Diagnostics &found) {
  const size_t n = found.errors().size();
  runtime::tell(fmt::format("{}{} {}\n", found.render(), n, n == 1 ? "error" : "errors"));
  throw Reported{};
}

Model load_or_report(const ModelFlags &flags) {
  std::optional<Model> model = load_model(flags.path, flags.overrides, diagnostics(), flags.float_dtype());
  if (!model)
    report(diagnostics());
  return std::move(*model);
}

void with_locations(const Model &model, const std::function<void()> &work) {
  auto add = [&](const std::string &message, const std::string &location) {
    if (std::optional<Span> span = find_location(model, location))
      diagnostics().error(*span, message);
    else
      diagnostics().error(message);
  };
  try {
    work();
    return;
  } catch (const NotDifferentiable &e) {
    for (const NotDifferentiable::Place &place : e.places)
      add("'" + place.op + "' has no gradient, but the loss depends on a parameter through it", place.location);
  } catch (const Error &e) {
    if (e.location.empty())
      throw;
    add(e.what(), e.location);
  }
  report(diagnostics());
}

bool is_shared_object(const std::string &path) {
  if (path.ends_with(".so"))
    return true;
  std::error_code none;
  std::string begin(4, '\0');
  return std::filesystem::is_regular_file(path, none) && std::ifstream(path, std::ios::binary).read(begin.data(), 4) &&
         begin == "\x7f" "ELF";
}

std::string read_text(const std::string &path) {
  const bool standard_input = path == "-";
  const std::unique_ptr<std::FILE, int (*)(std::FILE *)> file(standard_input ? stdin : std::fopen(path.c_str(), "rbe"),
                                                              [](std::FILE *f) { return f == stdin ? 0 : std::fclose(f); });
  const std::string name = standard_input ? "standard input" : "'" + path + "'";
  std::string text;
  char block[1 << 16];
  while (size_t n = file ? std::fread(block, 1, sizeof block, file.get()) : 0)
    text.append(block, n);
  if (!file || std::ferror(file.get()))
    throw Error("cannot read " + name + ": " + std::strerror(errno));
  return text;
}

std::string human_bytes(int64_t bytes) {
  double value = static_cast<double>(bytes);
  for (const char *unit : {"B", "KiB", "MiB"}) {
    if (value < 1024)
      return fmt::format("{:.{}f} {}", value, value < 10 && value != static_cast<double>(bytes) ? 1 : 0, unit);
    value /= 1024;
  }
  return fmt::format("{:.1f} GiB", value);
}

} // namespace gradc::driver
