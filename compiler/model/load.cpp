// From text to a Model: read, override, resolve against the tables, link names, infer shapes. Every stage
// goes on after a mistake; what is already reported stays silent later.
#include "compiler/model/json/json_reader.h"
#include "compiler/model/linking/linker.h"
#include "compiler/model/json/overrides.h"
#include "compiler/model/linking/resolve.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/sections.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <tuple>

namespace gradc {
namespace {

constexpr size_t kMaxFileBytes = size_t{64} << 20;
constexpr std::string_view kStandardInput = "<stdin>";

/// Piece by piece, as pipes do not tell their size.
std::string read_up_to(size_t limit, std::istream &file) {
  std::string text;
  for (char piece[1 << 16]; text.size() < limit && (file.read(piece, sizeof piece), file.gcount() > 0);)
    text.append(piece, static_cast<size_t>(file.gcount()));
  return text;
}

std::string stem_name(const std::string &path) {
  if (path == kStandardInput)
    return "model";
  std::string name = std::filesystem::path(path).stem().string();
  for (char &c : name)
    if (!is_name(std::string("_") + c))
      c = '_';
  return is_name(name) ? name : is_name("_" + name) ? "_" + name : "model";
}

} // namespace

const std::string &Model::name_of(Source s) const {
  return is_input(s) ? inputs[s].name : layers[s - inputs.size()].name;
}

const ModelLoss *Model::loss_of(Source output) const {
  for (const ModelLoss &loss : losses)
    if (loss.judges(output))
      return &loss;
  return nullptr;
}

std::pair<const ModelLoss *, const LossOperand *> Model::operand_of(Source output) const {
  for (const ModelLoss &loss : losses)
    for (size_t i = 0; i < loss.operands.size(); ++i)
      if (loss.operands[i] == output)
        return {&loss, &loss.def->operands[i]};
  return {};
}

std::optional<Source> ModelLoss::source_of(const LossOperand &operand) const {
  return operands[static_cast<size_t>(&operand - def->operands.data())];
}

std::optional<int64_t> ModelLoss::ignored() const {
  const JsonValue *label = attrs.find("ignore");
  return label ? std::optional(label->integer) : std::nullopt;
}

/// raw * scale + offset lies in [least, most] where raw lies in the interval that this returns.
static std::pair<double, double> before(const Preprocessing &p, double elements, double least, double most) {
  const double a = (least - elements * p.offset) / p.scale, b = (most - elements * p.offset) / p.scale;
  return {std::min(a, b), std::max(a, b)};
}

std::optional<Domain> ModelInput::raw_domain() const {
  if (!domain || !preprocessing.changes_values())
    return domain;
  constexpr double kSlack = 1e-3; // scales stand rounded in files: 255 * 0.003922 is 1.00011
  const double width = std::isfinite(domain->most - domain->least) ? domain->most - domain->least : 1;
  Domain raw;
  raw.row = domain->row;
  std::tie(raw.least, raw.most) =
      before(preprocessing, 1, domain->least - kSlack * width, domain->most + kSlack * width);
  std::tie(raw.sum_least, raw.sum_most) =
      before(preprocessing, static_cast<double>(raw.row), domain->sum_least, domain->sum_most);
  return raw;
}

const Shape &Model::shape_of(Source s) const {
  return is_input(s) ? inputs[s].shape : layers[s - inputs.size()].output;
}

DType Model::dtype_of(Source s) const { return is_input(s) ? inputs[s].dtype : layers[s - inputs.size()].dtype; }
bool Model::is_trainable(size_t layer) const { return layers[layers[layer].weights_of.value_or(layer)].attrs.boolean_at("trainable"); }

BatchLimit Model::training_batch() const {
  BatchLimit limit;
  for (size_t i = 0; i < layers.size(); ++i)
    if (layers[i].least_batch > limit.least && is_trainable(i))
      limit = {layers[i].least_batch,
               fmt::format("layer '{}': {}, so a batch of training needs at least {} examples", layers[i].name,
                           layers[i].least_batch_reason, layers[i].least_batch),
               fmt::format("/layers/{}", i)};
  return limit;
}

std::optional<Model> load_model(const std::string &path, const std::vector<std::string> &overrides,
                                Diagnostics &diagnostics, DType float_dtype) {
  const bool standard_input = path == "-";
  std::error_code failure;
  const bool folder = !standard_input && std::filesystem::is_directory(path, failure);
  errno = folder ? EISDIR : 0;
  std::ifstream file;
  if (!standard_input && !folder)
    file.open(path, std::ios::binary);
  if (!standard_input && !file.is_open()) {
    diagnostics.error(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    return std::nullopt;
  }
  const std::string name(standard_input ? kStandardInput : path);
  std::string text = read_up_to(kMaxFileBytes + 1, standard_input ? std::cin : file);
  if (text.size() > kMaxFileBytes) {
    diagnostics.error(fmt::format("'{}' has more than {} bytes, which no model file has", name, kMaxFileBytes));
    return std::nullopt;
  }
  if (text.starts_with("\x7f" "ELF")) {
    diagnostics.error(fmt::format("'{}' is a compiled library; this takes the model file that it was made of", name));
    return std::nullopt;
  }
  return load_model_text(std::move(text), name, overrides, diagnostics, float_dtype);
}

std::optional<Model> load_model_text(std::string text, const std::string &path,
                                     const std::vector<std::string> &overrides, Diagnostics &diagnostics,
                                     DType float_dtype) {
  std::optional<JsonValue> root = read_json(diagnostics.add_source(path, std::move(text)), diagnostics);
  if (!root)
    return std::nullopt;
  if (!root->is(JsonValue::Kind::object)) {
    diagnostics.error(root->span, "a model file holds one object, got " + as_written(*root, diagnostics));
    return std::nullopt;
  }
  std::vector<Override> given;
  for (const std::string &text_of_override : overrides) {
    given.push_back(parse_override(text_of_override, diagnostics));
    if (!given.back().applied)
      apply_override(*root, given.back(), 0, is_inside_block, diagnostics);
  }

  Model model;
  model.folder = std::filesystem::path(path).parent_path().string();
  Corrections corrections;
  model.document = resolve(*root, model_spec(), "", float_dtype, diagnostics, &corrections);
  correct_keys(*root, corrections);
  const ExpandedLayers expanded = expand_blocks(*root, model.document, given, float_dtype, diagnostics);
  if (!model.document.find("name"))
    model.document.set("name", JsonValue::of(stem_name(path), root->span));
  model.name = model.document.string_at("name");
  link(model, *root, expanded, diagnostics);
  if (diagnostics.has_errors())
    return std::nullopt;
  model.document = resolve(model.document, model_spec(), "", float_dtype, diagnostics); // the completed document, in order
  return model;
}

std::optional<Span> find_location(const Model &model, std::string_view pointer) {
  const JsonValue *at = &model.document;
  while (!pointer.empty()) {
    pointer.remove_prefix(1); // the '/'
    const size_t end = std::min(pointer.find('/'), pointer.size());
    const std::string key(pointer.substr(0, end));
    pointer.remove_prefix(end);
    if (at->is(JsonValue::Kind::array)) {
      const size_t index =
          key.empty() || !std::isdigit(static_cast<unsigned char>(key[0])) ? ~size_t{0} : std::stoul(key);
      at = index < at->items.size() ? &at->items[index] : nullptr;
    } else {
      at = at->find(key);
    }
    if (!at)
      return std::nullopt;
  }
  return anchor(*at);
}

std::optional<size_t> index_in(std::string_view list, std::string_view pointer) {
  if (!pointer.starts_with(list) || !pointer.substr(list.size()).starts_with('/'))
    return std::nullopt;
  const char *digits = pointer.data() + list.size() + 1, *end = pointer.data() + pointer.size();
  size_t index = 0;
  if (std::from_chars(digits, end, index).ec != std::errc())
    return std::nullopt;
  return index;
}

} // namespace gradc
