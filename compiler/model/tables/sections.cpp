// The keys of the model file outside the families.
#include "compiler/model/tables/sections.h"

#include "compiler/model/layers/layer.h"
#include "compiler/model/tables/blocks.h"
#include "compiler/model/tables/losses.h"
#include "compiler/model/tables/metrics.h"
#include "compiler/model/tables/optimizers.h"
#include "ir/type.h"

namespace gradc {

using namespace attr;

const ObjectSpec &input_spec() {
  static const ObjectSpec spec = {
      "input",
      "What one example holds. Layers compute on floats, in f32 (in f64 where the model is compiled so); integers "
      "are labels.",
      {list("shape", integer("", "").at_least(1).at_most(kMaxDim), "of one example; [] is a single number")
           .items(0, kMaxRank - 1),
       choice("dtype", {"f32", "f64", "i32", "i64"},
              "what its elements are; f64 keeps all digits of the data until they are standardized")
           .defaults_to("\"f32\"")}};
  return spec;
}

const ObjectSpec &input_data_spec() {
  static const ObjectSpec spec = {
      "data of an input",
      "Where the values of one input come from: one column, several, or an array of its own; and what happens to "
      "them before a layer sees them. That is part of the model: a library takes raw values, too.",
      {any_of("column", {integer("", "").at_least(0).at_most(kMaxDim), string("", "")},
              "position, from 0, or name of the column")
           .otherwise("see columns, path and array"),
       list("columns", any_of("", {integer("", "").at_least(0).at_most(kMaxDim), string("", "")}, ""),
            "the columns by position, from 0, or name, one for each element; or the range [first, last] of positions, both "
            "included")
           .items(1)
           .otherwise("see column, path and array"),
       string("path", "a .npy or .npz file of its own, with one row for each example").otherwise("that of the data"),
       string("array", "its name in a .npz file").otherwise("the name of the input"),
       number("scale", "factor of every value; predictions of a target come in its own units, without it and the offset").used_in_f64().defaults_to("1"),
       number("offset", "added after scaling").used_in_f64().defaults_to("0"),
       boolean("standardize", "subtract the mean and divide by the standard deviation of the training rows, element by "
                              "element; predictions of such a target come in its own units")
           .defaults_to("false"),
       list("labels", string("", ""), "the texts in its columns, in the order of the classes 0, 1, ...; no other is taken")
           .items(1)
           .otherwise("the columns hold numbers")}};
  return spec;
}

const ObjectSpec &data_spec() {
  static const ObjectSpec spec = [] {
    ObjectSpec s = {
        "data",
        "The examples. Every input has an entry of its own name, which may be left out where a .npz file has an array of that name.",
        {string("path", "a CSV or .npz file, relative to the model file").otherwise("inputs name their own files"),
         any_of("header", {boolean("", ""), choice("", {"auto"}, "")},
                "whether the first row names the columns; auto: when a column is asked for by name, or when one of its cells "
                "that is to be a number, or one of the labels, is some other text")
             .defaults_to("\"auto\""),
         string("delimiter", "one character").defaults_to("\",\"")}};
    Attr rest = object("input", input_data_spec(), "where the values of the input of that name come from");
    rest.keys_of = "inputs";
    s.rest.push_back(std::move(rest));
    return s;
  }();
  return spec;
}

const ObjectSpec &part_spec() {
  static const ObjectSpec own = {"file of an input", "", {string("path", "an array with one row for each example")}};
  static const ObjectSpec spec = {
      "rows of their own",
      "Files whose rows are all evaluated, read as those of the training data are.",
      {string("path", "in the place of that of the data").otherwise("inputs name their own files")},
      [] {
        Attr rest = object("input", own, "in the place of the file of the input of that name");
        rest.keys_of = "inputs";
        return std::vector<Attr>{std::move(rest)};
      }()};
  return spec;
}

const ObjectSpec &early_stopping_spec() {
  static const ObjectSpec spec = {
      "early stopping",
      "Ends the training when the rows that validate see no more progress; the parameters are then those of the best epoch. While "
      "the run goes on, its best state is kept beside the checkpoint, in NAME.best.safetensors.",
      {name("metric", "what is watched: loss, or the name of a metric").defaults_to("\"loss\""),
       integer("patience", "epochs without progress after which the training ends").at_least(1),
       number("min_delta", "progress is a change for the better by more than this").at_least(0).used_in_f64().defaults_to("0")}};
  return spec;
}

const ObjectSpec &train_spec() {
  static const ObjectSpec spec = {
      "train",
      "How to train. Everything can be overridden on the command line.",
      {integer("batch_size", "examples a step; the last batch of an epoch may be smaller")
           .at_least(1)
           .at_most(1 << 24)
           .defaults_to("32"),
       integer("epochs", "passes over the training rows").at_least(1).defaults_to("10"),
       integer("seed", "of initial values, dropout and order").at_least(0).defaults_to("0"),
       boolean("shuffle", "whether each epoch has an order of its own").defaults_to("true"),
       integer("split_seed", "of the split into rows to train, to validate and to test").at_least(0).otherwise("the seed"),
       name("stratify", "an input of class labels: each part of the split has its share of every class")
           .otherwise("the split does not look at classes"),
       number("validation_split", "share of the rows that is only evaluated, after every epoch")
           .at_least(0)
           .below(1)
           .used_in_f64()
           .defaults_to("0"),
       number("test_split", "share of the rows that is only evaluated, at the end")
           .at_least(0)
           .below(1)
           .used_in_f64()
           .defaults_to("0"),
       object("validation", part_spec(), "files whose rows are only evaluated, after every epoch").otherwise("validation_split"),
       object("test", part_spec(), "files whose rows are only evaluated, at the end").otherwise("test_split"),
       boolean("training_metrics", "whether the metrics of the rows to train are told too, after every epoch and with the parameters "
                                   "that it ends with; it costs a pass over these rows")
           .defaults_to("false"),
       object("early_stopping", early_stopping_spec(), "when the training ends before its last epoch").otherwise("it does not"),
       object("data", data_spec(), "the examples").otherwise("none; they are named on the command line")}};
  return spec;
}

const ObjectSpec &model_spec() {
  static const ObjectSpec inputs = {
      "inputs", "The inputs by name.", {}, {object("input", input_spec(), "an input of the model")}};
  static const ObjectSpec blocks = {"blocks", "The blocks by name.", {}, {object("block", block_spec(), "a list of layers")}};
  static const ObjectSpec spec = {
      "model",
      "",
      {string("$schema", "the JSON Schema of this format, for editors").otherwise("none"),
       name("name", "of the model").otherwise("that of the file"), object("inputs", inputs, "what one example holds, by name"),
       object("blocks", blocks, "lists of layers that a layer of type `block` uses, by name").defaults_to("{}").decides_shape(),
       list("layers", one_of("", layers(), ""), "the computation, in any order").items(1, kMaxLayers),
       one_or_list("loss", one_of("", losses(), ""), "what training makes small").items(1),
       one_or_list("metrics", one_of("", metrics(), ""), "what is reported besides the loss").defaults_to("[]"),
       one_of("optimizer", optimizers(), "the update rule").defaults_to("\"adam\""),
       one_or_list("outputs", path("", ""), "the layers predict returns")
           .items(1)
           .otherwise("those the losses judge, then those no other layer reads"),
       object("train", train_spec(), "how to train").defaults_to("{}")}};
  return spec;
}

} // namespace gradc
