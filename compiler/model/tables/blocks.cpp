#include "compiler/model/tables/blocks.h"

#include "compiler/model/layers/layer.h"

namespace gradc {

using namespace attr;

static const ObjectSpec &arguments_spec() {
  static const ObjectSpec spec = {"arguments", "", {}, {any("argument", "")}};
  return spec;
}

const ObjectSpec &block_spec() {
  static const ObjectSpec spec = [] {
    Attr list_of_layers = list("layers", one_of("", layers(), ""),
                               "the computation, as that of a model; the output of the last one is that of the block")
                              .items(1, kMaxLayers);
    list_of_layers.in_block = true;
    return ObjectSpec{
        "block",
        "Layers that a layer of type `block` stands for. Any value in them, but no key, may be an argument: \"$filters\" is "
        "replaced by the number, text, list or object that the use of the block gives, of its own JSON type (\"$$\" at the "
        "beginning of a text is a \"$\"). A name in a block is that of one of its layers or inputs, else that of a layer or "
        "input of the model. From outside, `stage2.conv` is the layer `conv` of the block that the layer `stage2` uses, "
        "`stage2.1.conv` that of its second repetition.",
        {object("arguments", arguments_spec(),
                "what a use may set, with the values that count if it does not; null: every use sets it")
             .defaults_to("{}")
             .decides_shape(),
         list("inputs", name("", ""), "what the block calls the outputs that it reads; its first layer reads the first of them")
             .defaults_to("[\"input\"]")
             .decides_shape(),
         std::move(list_of_layers)}};
  }();
  return spec;
}

const ObjectSpec &block_use_spec() {
  static const ObjectSpec spec = {
      "block",
      "The layers of one of the `blocks`, once or several times one behind the other.",
      {name("block", "which one"), object("set", arguments_spec(), "arguments of the block").defaults_to("{}").decides_shape(),
       integer(
           "repeat",
           "how often; each repetition reads the one before it as its first input, and is named by its number: stage2.0.conv, "
           "stage2.1.conv")
           .at_least(1)
           .at_most(kMaxLayers)
           .otherwise("once, without a number: stage2.conv"),
       object("first", arguments_spec(), "arguments of the first repetition alone, over those in `set`")
           .defaults_to("{}")
           .decides_shape(),
       any_of("share", {boolean("", ""), path("", "")},
              "true: all repetitions use the weights of the first; or a layer that uses the same block, whose weights it uses, "
              "layer by layer")
           .otherwise("it has its own")}};
  return spec;
}

} // namespace gradc
