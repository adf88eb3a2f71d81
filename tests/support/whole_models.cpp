#include "tests/support/whole_models.h"

#include "tests/support/runtime_fake_model.h"

namespace gradc::tests {
namespace {

// Every merging layer, several inputs, a shared layer, two losses of different weight and penalties.
const char *const kBranches = R"({
  "inputs": {"left": {"shape": [12]}, "right": {"shape": [3, 4]}, "kind": {"shape": [], "dtype": "i32"},
             "size": {"shape": [2]}},
  "layers": [
    {"name": "a",       "type": "dense", "units": 20, "activation": "gelu", "input": "left", "l2": 1e-3},
    {"name": "flat",    "type": "flatten", "input": "right"},
    {"name": "b",       "type": "dense", "units": 20, "activation": "sigmoid", "input": "flat", "l1": 1e-4},
    {"name": "sum",     "type": "add", "input": ["a", "b"]},
    {"name": "product", "type": "multiply", "input": ["a", "b"]},
    {"name": "all",     "type": "concat", "input": ["sum", "product", "left"]},
    {"name": "drop",    "type": "dropout", "rate": 0.1},
    {"name": "trunk",   "type": "dense", "units": 17, "activation": "elu"},
    {"name": "scores",  "type": "dense", "units": 3, "input": "trunk"},
    {"name": "guess",   "type": "dense", "units": 2, "activation": "softplus", "input": "trunk"}
  ],
  "loss": [{"type": "softmax_cross_entropy", "logits": "scores", "labels": "kind"},
           {"type": "mse", "prediction": "guess", "target": "size", "weight": 0.5}],
  "metrics": ["accuracy", "mae"],
  "optimizer": {"type": "nesterov", "learning_rate": {"type": "step", "initial": 0.05, "every": 10, "factor": 0.5}}
})";

const char *const kRegression = R"({
  "inputs": {"x": {"shape": [5, 6]}, "y": {"shape": [5, 2]}},
  "layers": [
    {"type": "dense", "units": 9, "activation": "tanh", "input": "x"},
    {"type": "activation", "activation": "softmax"},
    {"type": "dense", "units": 2, "activation": {"type": "leaky_relu", "alpha": 0.2}},
    {"type": "scale", "factor": 1.5}
  ],
  "loss": {"type": "mse", "target": "y"},
  "metrics": ["r2"],
  "optimizer": {"type": "rmsprop", "learning_rate": {"type": "cosine", "initial": 0.02, "warmup_steps": 3}, "momentum": 0.5}
})";

// The layers and initializers that the others lack: shapes, noise, learned slopes and centers.
const char *const kShapes = R"({
  "inputs": {"x": {"shape": [2, 12]}, "y": {"shape": [3]}},
  "layers": [
    {"name": "wide",    "type": "dense", "units": 18, "drop_connect": 0.05, "input": "x",
                        "weight_initializer": "lsuv"},
    {"name": "bent",    "type": "prelu", "slopes": "features"},
    {"name": "noisy",   "type": "noise", "stddev": 0.02},
    {"name": "left",    "type": "split", "parts": 3, "part": 1},
    {"name": "right",   "type": "slice", "stop": 12, "step": 2, "input": "noisy"},
    {"name": "apart",   "type": "subtract", "input": ["left", "right"]},
    {"name": "most",    "type": "maximum", "input": ["left", "right"]},
    {"name": "least",   "type": "minimum", "input": ["left", "right"]},
    {"name": "all",     "type": "stack", "axis": 1, "input": ["apart", "most", "least"]},
    {"name": "unit",    "type": "normalize"},
    {"name": "some",    "type": "stochastic_depth", "rate": 0.05},
    {"name": "kept",    "type": "alpha_dropout", "rate": 0.05},
    {"name": "summed",  "type": "sum", "axes": [0, 1]},
    {"name": "near",    "type": "rbf", "units": 4, "learn_width": true},
    {"name": "largest", "type": "maxout", "units": 2},
    {"name": "sparse",  "type": "activation", "activation": "sparsemax", "input": "summed"},
    {"name": "average", "type": "mean", "axes": 0, "input": "noisy"},
    {"name": "inside",  "type": "clip", "min": -2, "max": 2},
    {"name": "divisor", "type": "activation", "activation": "softplus"},
    {"name": "ratio",   "type": "divide", "input": ["inside", "divisor"]},
    {"name": "twice",   "type": "tile", "times": [2], "input": "largest"},
    {"name": "joined",  "type": "concat", "input": ["ratio", "sparse", "twice"]},
    {"name": "mixed",   "type": "dense", "units": 8, "activation": "mish",
                        "weight_initializer": {"type": "truncated_normal", "stddev": 0.4}},
    {"name": "out",     "type": "dense", "units": 3, "weight_initializer": {"type": "sparse", "sparsity": 0.2, "stddev": 0.3}}
  ],
  "loss": {"type": "mse", "target": "y"},
  "optimizer": {"type": "adam", "learning_rate": 0.02}
})";

// Convolutions and pools of every kind, of images that fill no vector.
const char *const kImages = R"({
  "inputs": {"x": {"shape": [9, 7, 2]}, "row": {"shape": [11, 3]}, "kind": {"shape": [], "dtype": "i32"}},
  "layers": [
    {"name": "strided",   "type": "conv2d", "filters": 6, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu",
                          "drop_connect": 0.05, "input": "x"},
    {"name": "alone",     "type": "depthwise_conv2d", "kernel_size": 3, "padding": "same", "activation": "silu"},
    {"name": "separate",  "type": "separable_conv2d", "filters": 6, "kernel_size": 2, "depth_multiplier": 2, "activation": "relu", "l2": 1e-3},
    {"name": "overlap",   "type": "max_pool2d", "pool_size": 3, "strides": 1, "padding": 1},
    {"name": "larger",    "type": "conv_transpose2d", "filters": 4, "kernel_size": 3, "strides": 2, "groups": 2, "activation": "tanh"},
    {"name": "smooth",    "type": "average_pool2d", "padding": "same"},
    {"name": "of_image",  "type": "flatten"},
    {"name": "cube",      "type": "reshape", "shape": [3, 3, 7, 2], "input": "x"},
    {"name": "solid",     "type": "conv3d", "filters": 4, "kernel_size": [2, 3, 3], "strides": [1, 1, 2], "activation": "relu", "weight_initializer": "lsuv"},
    {"name": "of_cube",   "type": "flatten"},
    {"name": "dilated",   "type": "conv1d", "filters": 5, "kernel_size": 3, "dilation": 2, "activation": "relu", "input": "row"},
    {"name": "longer",    "type": "conv_transpose1d", "filters": 3, "kernel_size": 5, "strides": 3, "padding": 2, "output_padding": 1},
    {"name": "largest",   "type": "max_pool1d", "pool_size": 4, "ceil_mode": true},
    {"name": "means",     "type": "average_pool1d", "pool_size": 3, "strides": 2, "padding": 1, "count_include_pad": true},
    {"name": "of_row",    "type": "flatten"},
    {"name": "all",       "type": "concat", "input": ["of_image", "of_cube", "of_row"]},
    {"name": "scores",    "type": "dense", "units": 3}
  ],
  "loss": {"type": "softmax_cross_entropy", "labels": "kind"},
  "metrics": ["accuracy"],
  "optimizer": {"type": "adam", "learning_rate": 0.01}
})";

// Blocks in blocks, of which some share weights and some leave out a layer; parameters and primitives.
const char *const kBlocks = R"({
  "inputs": {"x": {"shape": [6]}, "y": {"shape": [3]}},
  "blocks": {
    "residual": {
      "arguments": {"units": 6, "project": false},
      "layers": [
        {"name": "bent", "type": "dense", "units": "$units", "activation": "tanh"},
        {"name": "shortcut", "type": "dense", "units": "$units", "use_bias": false, "input": "input", "when": "$project"},
        {"name": "sum", "type": "add", "input": ["bent", "shortcut"]}
      ]
    },
    "gated": {
      "inputs": ["value", "gate"],
      "layers": [
        {"name": "inner", "type": "block", "block": "residual", "set": {"units": 10}, "first": {"project": true}, "repeat": 2},
        {"name": "open", "type": "dense", "units": 10, "activation": "sigmoid", "input": "gate"},
        {"name": "out", "type": "expression", "of": "inner * open"}
      ]
    }
  },
  "layers": [
    {"name": "deep", "type": "block", "block": "residual", "repeat": 4, "share": true},
    {"name": "gate", "type": "block", "block": "gated", "input": ["deep", "x"]},
    {"name": "table", "type": "parameter", "shape": [10, 5, 3], "initializer": {"type": "normal", "stddev": 0.3}, "l2": 1e-3},
    {"name": "centers", "type": "parameter", "shape": [5, 3]},
    {"name": "bells", "type": "activation", "activation": "tanh", "input": "centers"},
    {"name": "rows", "type": "op", "op": "contract", "indices": "bi,ijk->bjk", "input": ["gate", "table"]},
    {"name": "apart", "type": "op", "op": "sub", "input": ["rows", "bells"]},
    {"name": "out", "type": "op", "op": "sum", "axes": [1]}
  ],
  "loss": {"type": "mse", "target": "y"},
  "optimizer": {"type": "adam", "learning_rate": 0.01}
})";

const char *const kYesOrNo = R"({
  "inputs": {"x": {"shape": [33]}, "y": {"shape": [4]}},
  "layers": [
    {"type": "dense", "units": 31, "activation": "relu", "input": "x"},
    {"type": "dropout", "rate": 0.5},
    {"type": "dense", "units": 4}
  ],
  "loss": {"type": "binary_cross_entropy", "labels": "y"},
  "metrics": ["accuracy"],
  "optimizer": {"type": "adagrad", "learning_rate": 0.05, "weight_decay": 1e-3}
})";

// Enough work in every contraction for a team of threads to be woken.
const char *const kWide = R"({
  "inputs": {"pixels": {"shape": [784]}, "digit": {"shape": [], "dtype": "i32"}},
  "layers": [
    {"type": "dense", "units": 512, "activation": "relu", "input": "pixels"},
    {"type": "dropout", "rate": 0.2},
    {"type": "dense", "units": 10}
  ],
  "loss": {"type": "softmax_cross_entropy", "labels": "digit"},
  "metrics": ["accuracy"],
  "optimizer": {"type": "adam", "learning_rate": 1e-3}
})";

std::string example(const std::string &name) {
  return runtime::read_text(GRADC_SOURCE_DIR "/examples/" + name + "/model.json");
}

} // namespace

const std::vector<WholeModel> &whole_models() {
  static const std::vector<WholeModel> models = {
      {"digits", example("digits"), 32, 30},
      {"iris", example("iris"), 16, 40},
      {"diabetes", example("diabetes"), 64, 40},
      {"branches", kBranches, 24, 60},
      {"regression", kRegression, 10, 60},
      {"shapes", kShapes, 11, 60},
      {"blocks", kBlocks, 13, 60},
      {"yes_or_no", kYesOrNo, 17, 60},
      {"wide", kWide, 64, 6, true},
      {"images", kImages, 9, 60},
      {"lenet", example("lenet"), 32, 40, true},
      {"resnet20", example("resnet20"), 8, 10, true},
      {"segmentation", example("segmentation"), 6, 90, true},
      {"autoencoder", example("autoencoder"), 13, 60},
  };
  return models;
}

} // namespace gradc::tests
