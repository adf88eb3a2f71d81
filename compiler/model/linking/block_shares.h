// Weights that uses of blocks share: layer by layer, by the names of the layers in the block.
#pragma once

#include "compiler/model/linking/expand_blocks.h"

#include <map>

namespace gradc {

/// One use of a block, or one of its repetitions.
struct BlockInstance {
  std::string block, prefix; // "stage2.1."
  size_t begin, end;         // its layers in the expanded list
};

class BlockShares {
public:
  /// A layer that uses a block, its repetitions, and its "share". Names are looked up behind `scope` first.
  void add(const std::string &name, const std::string &scope, std::optional<JsonValue> share,
           std::vector<BlockInstance> instances);

  /// Says in `expanded` whose weights each of `layers`, the expanded list, uses.
  void link(const std::vector<JsonValue> &layers, ExpandedLayers &expanded, Diagnostics &);

private:
  struct Sharing {
    std::string name, scope;
    JsonValue share;
    std::vector<BlockInstance> instances;
  };

  std::map<std::string, std::vector<BlockInstance>> uses_; // by their names, repetitions too
  std::vector<Sharing> sharing_;                           // those in a block before those that the block is in
};

} // namespace gradc
