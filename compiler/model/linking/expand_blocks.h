// Layers of type "block" become the layers of their blocks, and layers that are left out go, so that all that follows sees one
// list of layers. What names mean in it is said beside the list: names are looked up by the linker.
#pragma once

#include "compiler/model/json/overrides.h"
#include "compiler/model/linking/arguments.h"
#include "ir/type.h"

namespace gradc {

/// What a layer reads, or a name that is not a layer's stands for.
struct Operand {
  enum class Kind : uint8_t {
    feature, // the only input of the model that is no label or target
    layer,
    name,
    nothing, // there is none: a block without inputs
  };
  Kind kind = Kind::feature;
  size_t layer = 0; // in the expanded list
  JsonValue name = {};
  std::string scope = {};   // where the name is looked up first: "stage2.1."
  std::string context = {}; // of a message that there is none: "layer 'stage2'"
};

/// Another layer whose weights a layer uses as its block does those of another; nullopt where that has no such layer.
struct SharedLayer {
  std::optional<size_t> owner;
  Span span; // of "share"
};

struct ExpandedLayers {
  std::vector<Operand> previous;                  // of each layer: what it reads where it names nothing
  std::vector<std::string> scopes;                // of each layer: "stage2.1." where it is one of that block, else ""
  std::vector<std::optional<SharedLayer>> shared; // of each layer
  struct Alias {
    std::string name; // "stage2", "stage2.1", "stage2.1.input", or that of a layer that is left out
    Span span;
    Operand operand;
  };
  std::vector<Alias> aliases;
  bool complete = true;                // false after a message: some names are not known
  std::vector<std::string> wrong = {}; // names of layers whose blocks are wrong, which is reported

  /// Could a layer of that name be in a block that is not known?
  bool may_have(std::string_view name) const;
};

/// Replaces the layers of the file as written, `raw`, whose keys are right, and those of the resolved `document`, by the
/// expanded list; both lose their "blocks". A layer of a block has its name in full there. Overrides that go into the layers of
/// a block, layers.stage2.1.conv.filters=3, are applied.
ExpandedLayers expand_blocks(JsonValue &raw, JsonValue &document, std::vector<Override> &overrides, DType float_dtype,
                             Diagnostics &);

/// Does the key of a layer belong to the layers of a block that it uses, rather than to the layer?
bool is_inside_block(const JsonValue &layer, std::string_view key);

} // namespace gradc
