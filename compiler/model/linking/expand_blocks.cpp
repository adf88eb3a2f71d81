// The expansion of blocks; see expand_blocks.h.
#include "compiler/model/linking/expand_blocks.h"

#include "compiler/model/layers/layer.h"
#include "compiler/model/linking/block_shares.h"
#include "compiler/model/linking/resolve.h"
#include "compiler/model/tables/blocks.h"
#include "ir/suggest.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace gradc {
namespace {

using Json = JsonValue::Kind;

constexpr size_t kMaxBlockDepth = 32; // of blocks in blocks, so that the expansion may recurse

JsonValue *member(JsonValue &object, std::string_view key) {
  const auto found = std::ranges::find(object.members, key, &JsonMember::key);
  return found == object.members.end() ? nullptr : &found->value;
}

void erase_member(JsonValue &object, std::string_view key) {
  std::erase_if(object.members, [&](const JsonMember &m) { return m.key == key; });
}

bool is_use(const JsonValue &layer) {
  const JsonValue *type = layer.find("type");
  return type && type->is(Json::string) && type->text == block_use_spec().name;
}

/// One of the blocks of the file.
struct Block {
  const JsonValue *raw = nullptr, *resolved = nullptr;
  bool good = false; // nothing is wrong with it
  bool used = false;
};

/// The surroundings of a list of layers.
struct Level {
  std::string prefix = {};                          // "stage2.1."; "" in the model
  const Arguments *arguments = nullptr;             // null in the model
  Span use = {};                                    // what asked for the layers
  const std::vector<JsonValue> *resolved = nullptr; // in the model; those of blocks are resolved copy by copy
};

class Expander {
public:
  Expander(std::vector<Override> &overrides, DType float_dtype, Diagnostics &diagnostics)
      : overrides_(overrides), float_(float_dtype), diagnostics_(diagnostics) {}

  ExpandedLayers run(JsonValue &raw, JsonValue &document) {
    JsonValue *written = member(raw, "layers"), *resolved = member(document, "layers");
    if (written && resolved && written->is(Json::array) && written->items.size() == resolved->items.size()) {
      declare_blocks(raw.find("blocks"), document.find("blocks"));
      expand(written->items, {.resolved = &resolved->items}, {});
      shares_.link(raw_, result_, diagnostics_);
      check_use();
      check_overrides();
      written->items = std::move(raw_);
      resolved->items = std::move(resolved_);
    }
    erase_member(raw, "blocks");
    erase_member(document, "blocks");
    return std::move(result_);
  }

private:
  void error(Span span, std::string message) { diagnostics_.error(span, std::move(message)); }

  void declare_blocks(const JsonValue *raw, const JsonValue *resolved) {
    blocks_known_ = resolved || !raw;
    if (!resolved)
      return;
    for (const JsonMember &given : resolved->members) {
      Block &block = blocks_[given.key];
      block.raw = raw->find(given.key);
      block.resolved = &given.value;
      block.good = given.value.valid && given.value.is(Json::object) &&
                   check_arguments(given.key, given.value, *block.raw, diagnostics_) && check_names(given.key, given.value);
      if (!is_name(given.key))
        error(given.key_span, fmt::format("block '{}': names are letters, digits and _, at most 64", given.key));
    }
  }

  /// Inputs and layers of a block have names of their own, without dots. False after a message.
  bool check_names(const std::string &block, const JsonValue &resolved) {
    std::set<std::string_view> inputs;
    bool good = true;
    const auto wrong = [&](const JsonValue &name, const char *what) {
      error(name.span, fmt::format("block '{}': '{}' {}", block, name.text, what));
      good = false;
    };
    for (const JsonValue &input : resolved.at("inputs").items)
      if (!inputs.insert(input.text).second)
        wrong(input, "is the name of an input already");
    for (const JsonValue &layer : resolved.at("layers").items)
      if (const JsonValue *name = layer.find("name"); name && inputs.contains(name->text))
        wrong(*name, "is the name of an input of the block");
      else if (name && argument_in(*name).empty() && !is_name(name->text))
        wrong(*name, "is no name in a block; names are letters, digits and _, at most 64");
    return good;
  }

  /// Adds the layers of a list, the first of which reads `previous`, and returns what the last one makes.
  Operand expand(const std::vector<JsonValue> &layers, const Level &level, Operand previous) {
    for (size_t i = 0; i < layers.size() && !exhausted_; ++i) {
      JsonValue raw = layers[i], resolved = level.resolved ? (*level.resolved)[i] : JsonValue();
      if (level.arguments && !copy(layers[i], level, raw))
        break;
      const std::string name = named(raw, level, i);
      if (level.arguments) {
        override_in(raw, name);
        resolved = resolve(raw, layers_of_model(), "layer '" + name + "'", float_, diagnostics_);
      }
      if (!resolved.valid)
        previous = add(std::move(raw), std::move(resolved), level, previous);
      else if (!resolved.boolean_at("when"))
        previous = leave_out(raw, resolved, name, level, previous);
      else if (is_use(resolved))
        previous = use(raw, resolved, name, level, previous);
      else
        previous = add(std::move(raw), std::move(resolved), level, previous);
    }
    return previous;
  }

  static const Family &layers_of_model() { return gradc::layers(); }

  bool copy(const JsonValue &layer, const Level &level, JsonValue &raw) {
    const std::string instance = level.prefix.substr(0, level.prefix.size() - 1);
    if (!copy_with_arguments(layer, *level.arguments, diagnostics_.add_expansion("'" + instance + "'", level.use), budget_,
                             raw))
      exhaust("its blocks make more than a million JSON values, or values nested deeper than 64 levels");
    return !exhausted_;
  }

  /// The full name. One in a block is written into the layer, so that messages have it; so are those behind a block, whose
  /// position in the list is no longer that in the file.
  std::string named(JsonValue &raw, const Level &level, size_t position) {
    const JsonValue *given = raw.find("name"), *type = raw.find(is_use(raw) ? "block" : "type");
    const bool has_name = given && given->is(Json::string);
    const std::string kind = type && type->is(Json::string) ? type->text : "layer";
    const std::string local = has_name ? given->text : fmt::format("{}_{}", kind, position);
    const std::string full = level.prefix + local;
    const Span span = has_name ? given->span : anchor(raw);
    if (level.arguments && has_name && !is_name(local))
      error(span,
            fmt::format("layer '{}': '{}' is no name in a block; names are letters, digits and _, at most 64", full, local));
    const bool may_be_named = has_name || (type && type->is(Json::string) && (!given || given->is(Json::null)));
    if (may_be_named && (level.arguments || raw_.size() != position))
      raw.set("name", JsonValue::of(full, span));
    return full;
  }

  Operand add(JsonValue raw, JsonValue resolved, const Level &level, Operand previous) {
    if (raw_.size() >= static_cast<size_t>(kMaxLayers)) {
      exhaust(fmt::format("with its blocks the model has more than {} layers", kMaxLayers));
      return previous;
    }
    const JsonValue *name = raw.find("name");
    if (!resolved.valid) { // it may be one that uses a block
      result_.complete &= name && name->is(Json::string);
      if (name && name->is(Json::string))
        result_.wrong.push_back(name->text);
    }
    if (name && resolved.is(Json::object))
      resolved.set("name", *name);
    raw_.push_back(std::move(raw));
    resolved_.push_back(std::move(resolved));
    result_.previous.push_back(std::move(previous));
    result_.scopes.push_back(level.prefix);
    result_.shared.push_back(std::nullopt);
    return {Operand::Kind::layer, raw_.size() - 1};
  }

  /// A layer that is wrong: others may name it.
  Operand add_wrong(JsonValue raw, JsonValue resolved, const Level &level, Operand previous) {
    resolved.valid = false;
    erase_member(raw, "input"); // what it reads does not matter any more
    return add(std::move(raw), std::move(resolved), level, std::move(previous));
  }

  static Operand read(const JsonValue &name, const std::string &scope, const std::string &reader) {
    return {Operand::Kind::name, 0, name, scope, "layer '" + reader + "'"};
  }

  Operand leave_out(const JsonValue &raw, const JsonValue &resolved, const std::string &name, const Level &level,
                    Operand previous) {
    const JsonValue *input = resolved.find("input");
    const size_t count = input ? input->items.size() : 1;
    if (count != 1) {
      error(resolved.at("when").span,
            fmt::format("layer '{}': who reads a layer that is left out reads its only input, but this one "
                        "has {}",
                        name, count));
      return add_wrong(raw, resolved, level, std::move(previous));
    }
    result_.aliases.push_back({name, anchor(raw), input ? read(input->items[0], level.prefix, name) : std::move(previous)});
    mark_used(resolved);
    return read(JsonValue::of(name, anchor(raw)), "", name);
  }

  /// The block that a layer uses; null after a message.
  const Block *block_of(const JsonValue &resolved, const std::string &name) {
    const JsonValue &wanted = resolved.at("block");
    const auto found = blocks_.find(wanted.text);
    if (found != blocks_.end() && std::ranges::find(active_, wanted.text) == active_.end()) {
      found->second.used = true;
      return found->second.good ? &found->second : nullptr;
    }
    if (found == blocks_.end()) {
      if (!blocks_known_)
        return nullptr;
      std::vector<std::string_view> names;
      for (const auto &[block, info] : blocks_)
        names.push_back(block);
      error(wanted.span, fmt::format("layer '{}': there is no block '{}'{}", name, wanted.text,
                                     names.empty() ? "; the model has no \"blocks\"" : did_you_mean(wanted.text, names)));
      return nullptr;
    }
    std::string path;
    for (auto block = std::ranges::find(active_, wanted.text); block != active_.end(); ++block)
      path += fmt::format("'{}' uses ", *block);
    error(wanted.span, fmt::format("layer '{}': a block cannot use itself: {}'{}'", name, path, wanted.text));
    return nullptr;
  }

  /// What the inputs of the block are; false after a message.
  bool operands_of(const Block &block, const JsonValue &resolved, const std::string &name, const Level &level,
                   const Operand &previous, std::vector<Operand> &operands) {
    const JsonValue *input = resolved.find("input");
    const std::vector<JsonValue> &wanted = block.resolved->at("inputs").items;
    for (const JsonValue &given : input ? input->items : std::vector<JsonValue>())
      operands.push_back(read(given, level.prefix, name));
    if (!input && wanted.size() == 1)
      operands.push_back(previous);
    if (operands.size() == wanted.size())
      return true;
    std::vector<std::string_view> names;
    for (const JsonValue &each : wanted)
      names.push_back(each.text);
    error(input ? input->span : anchor(resolved),
          fmt::format("layer '{}': block '{}' has {} input{}{}{}, got {}", name, resolved.string_at("block"), wanted.size(),
                      wanted.size() == 1 ? "" : "s", wanted.empty() ? "" : ": ", fmt::join(names, ", "), operands.size()));
    return false;
  }

  Operand use(const JsonValue &raw, const JsonValue &resolved, const std::string &name, const Level &level, Operand previous) {
    const Block *block = block_of(resolved, name);
    std::vector<Operand> operands;
    Arguments first;
    if (!used_.insert(name).second || !block ||
        !arguments_of_use(*block->resolved, resolved, name, true, first, diagnostics_) ||
        !operands_of(*block, resolved, name, level, previous, operands))
      return add_wrong(raw, resolved, level, std::move(previous));
    const Span span = resolved.at("block").span;
    if (active_.empty())
      outermost_ = {name, span};
    if (active_.size() >= kMaxBlockDepth) {
      exhaust(fmt::format("its blocks use each other more than {} levels deep", kMaxBlockDepth));
      return add_wrong(raw, resolved, level, std::move(previous));
    }
    const JsonValue *repeat = resolved.find("repeat");
    const int64_t count = repeat ? repeat->integer : 1;
    std::vector<BlockInstance> instances;
    Operand output = {Operand::Kind::nothing};
    active_.push_back(resolved.string_at("block"));
    for (int64_t i = 0; i < count && !exhausted_; ++i) {
      Arguments arguments;
      if (!arguments_of_use(*block->resolved, resolved, name, i == 0, arguments, diagnostics_))
        break;
      const std::string instance = repeat ? fmt::format("{}.{}", name, i) : name;
      output = expand_once(*block, {instance + ".", &arguments, span}, operands, instances);
      if (repeat)
        result_.aliases.push_back({instance, span, output});
      if (!operands.empty())
        operands[0] = output;
    }
    active_.pop_back();
    result_.aliases.push_back({name, anchor(raw), output});
    const JsonValue *share = resolved.find("share");
    shares_.add(name, level.prefix, share ? std::optional(*share) : std::nullopt, std::move(instances));
    return output;
  }

  Operand expand_once(const Block &block, const Level &level, const std::vector<Operand> &operands,
                      std::vector<BlockInstance> &instances) {
    if (++expansions_ > kMaxLayers) // blocks of which every layer is left out
      exhaust(fmt::format("with its blocks the model uses blocks more than {} times", kMaxLayers));
    const std::vector<JsonValue> &inputs = block.resolved->at("inputs").items;
    for (size_t i = 0; i < inputs.size(); ++i)
      result_.aliases.push_back({level.prefix + inputs[i].text, inputs[i].span, operands[i]});
    const size_t begin = raw_.size();
    const Operand first =
        inputs.empty() ? Operand{Operand::Kind::nothing} : read(inputs[0], level.prefix, level.prefix + inputs[0].text);
    const Operand output = expand(block.raw->at("layers").items, level, first);
    instances.push_back({active_.back(), level.prefix, begin, raw_.size()});
    return output;
  }

  // What is left over.

  /// Blocks may be named by arguments, so every text of a layer that is left out counts.
  void mark_used(const JsonValue &value) {
    if (const auto block = value.is(Json::string) ? blocks_.find(value.text) : blocks_.end(); block != blocks_.end())
      block->second.used = true;
    for (const JsonValue &item : value.items)
      mark_used(item);
    for (const JsonMember &given : value.members)
      mark_used(given.value);
  }

  void check_use() {
    if (diagnostics_.has_errors())
      return;
    for (const auto &[name, block] : blocks_)
      mark_used(block.resolved->at("layers")); // a layer that uses another may be left out
    for (const auto &[name, block] : blocks_)
      if (!block.used)
        error(anchor(*block.resolved), fmt::format("block '{}': never used; remove it", name));
  }

  void override_in(JsonValue &raw, const std::string &name) {
    const std::string path = "layers." + name + ".";
    for (Override &override : overrides_) {
      std::string written;
      size_t done = 0;
      while (done < override.keys.size() && written.size() < path.size())
        written += override.keys[done++].text + ".";
      if (!override.applied && written == path && done < override.keys.size())
        apply_override(raw, override, done, is_inside_block, diagnostics_);
    }
  }

  void check_overrides() {
    std::vector<std::string_view> names;
    for (const JsonValue &layer : raw_)
      if (const JsonValue *name = layer.find("name"); name && layer.span.expansion > 0)
        names.push_back(name->text);
    for (const Override &override : overrides_) {
      std::string name; // between "layers" and the key
      for (size_t i = 1; i + 1 < override.keys.size(); ++i)
        name += (i == 1 ? "" : ".") + override.keys[i].text;
      if (override.applied || result_.may_have(name))
        continue;
      const Span first = override.keys[1].span, last = override.keys[std::max<size_t>(override.keys.size(), 3) - 2].span;
      error(first.part(first.begin, last.end),
            fmt::format("there is no layer '{}' in a block, whose key it could be{}", name, did_you_mean(name, names)));
    }
  }

  /// A limit is passed: what the outermost layer asked for is too much.
  void exhaust(const std::string &message) {
    if (!exhausted_)
      error(outermost_.second, fmt::format("layer '{}': {}", outermost_.first, message));
    exhausted_ = true;
    result_.complete = false;
  }

  std::vector<Override> &overrides_;
  const DType float_;
  Diagnostics &diagnostics_;
  ExpandedLayers result_;
  std::vector<JsonValue> raw_, resolved_; // the expanded list
  std::map<std::string, Block> blocks_;
  bool blocks_known_ = true;               // false when what holds them is wrong
  std::set<std::string> used_;             // names of layers that use blocks
  std::pair<std::string, Span> outermost_; // the layer of the model that is being expanded
  std::vector<std::string> active_;        // the blocks that are being expanded, each in the one before it
  BlockShares shares_;
  CopyBudget budget_;
  int64_t expansions_ = 0;
  bool exhausted_ = false; // a limit is passed, and reported
};

} // namespace

bool ExpandedLayers::may_have(std::string_view name) const {
  return !complete ||
         std::ranges::any_of(wrong, [&](const std::string &use) { return name.starts_with(use + ".") || name == use; });
}

bool is_inside_block(const JsonValue &layer, std::string_view key) {
  const auto has = [&](const std::vector<Attr> &attrs) { return std::ranges::find(attrs, key, &Attr::name) != attrs.end(); };
  return is_use(layer) && key != "type" && !has(block_use_spec().attrs) && !has(layers().common);
}

ExpandedLayers expand_blocks(JsonValue &raw, JsonValue &document, std::vector<Override> &overrides, DType float_dtype,
                             Diagnostics &diagnostics) {
  return Expander(overrides, float_dtype, diagnostics).run(raw, document);
}

} // namespace gradc
