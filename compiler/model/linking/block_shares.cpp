#include "compiler/model/linking/block_shares.h"

#include <fmt/format.h>

namespace gradc {

using Json = JsonValue::Kind;

void BlockShares::add(const std::string &name, const std::string &scope, std::optional<JsonValue> share,
                      std::vector<BlockInstance> instances) {
  for (const BlockInstance &instance : instances)
    uses_[instance.prefix.substr(0, instance.prefix.size() - 1)] = {instance};
  if (share)
    sharing_.push_back({name, scope, *std::move(share), instances});
  uses_[name] = std::move(instances);
}

static std::string_view local_name(const JsonValue &layer, const BlockInstance &instance) {
  const JsonValue *name = layer.find("name");
  return name && name->text.starts_with(instance.prefix) ? std::string_view(name->text).substr(instance.prefix.size()) : "";
}

/// Layers that share within the block already go on with that.
static void share(const std::vector<JsonValue> &layers, const BlockInstance &mine, const BlockInstance &theirs, Span span,
                  ExpandedLayers &expanded) {
  std::map<std::string_view, size_t> owners; // by their names in the block
  for (size_t i = theirs.begin; i < theirs.end; ++i)
    owners.emplace(local_name(layers[i], theirs), i);
  for (size_t i = mine.begin; i < mine.end; ++i)
    if (!expanded.shared[i]) {
      const auto owner = owners.find(local_name(layers[i], mine));
      span.expansion = layers[i].span.expansion; // so that what is wrong in several layers is reported for one
      expanded.shared[i] = SharedLayer{owner == owners.end() ? std::nullopt : std::optional(owner->second), span};
    }
}

void BlockShares::link(const std::vector<JsonValue> &layers, ExpandedLayers &expanded, Diagnostics &diagnostics) {
  for (const Sharing &sharing : sharing_) {
    const std::vector<BlockInstance> &mine = sharing.instances;
    if (sharing.share.is(Json::boolean)) {
      for (size_t i = 1; sharing.share.boolean && i < mine.size(); ++i)
        share(layers, mine[i], mine[0], sharing.share.span, expanded);
      continue;
    }
    const auto wrong = [&](const std::string &message) {
      diagnostics.error(sharing.share.span, fmt::format("layer '{}': 'share': {}", sharing.name, message));
    };
    auto found = uses_.find(sharing.scope + sharing.share.text);
    if (found == uses_.end())
      found = uses_.find(sharing.share.text);
    if (found == uses_.end() || found->first == sharing.name) {
      if (!expanded.may_have(sharing.share.text) && !expanded.may_have(sharing.scope + sharing.share.text))
        wrong(fmt::format("'{}' is no other layer that uses a block", sharing.share.text));
      continue;
    }
    const std::vector<BlockInstance> &theirs = found->second;
    if (mine.empty() || theirs.empty())
      continue; // what is wrong is reported
    if (mine[0].block != theirs[0].block)
      wrong(fmt::format("'{}' uses block '{}', this layer block '{}'", found->first, theirs[0].block, mine[0].block));
    else if (theirs.size() != 1 && theirs.size() != mine.size())
      wrong(fmt::format("'{}' has {} repetitions, this layer {}", found->first, theirs.size(), mine.size()));
    else
      for (size_t i = 0; i < mine.size(); ++i)
        share(layers, mine[i], theirs[theirs.size() == 1 ? 0 : i], sharing.share.span, expanded);
  }
}

} // namespace gradc
