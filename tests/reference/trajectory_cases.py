"""The cases of make_trajectories.py: model files by name."""
import json
import pathlib

import torch_model

FEATURES, HIDDEN, CLASSES = 8, 13, 5  # no multiple of a vector but the first
LABELS = {"kinds": 3}  # inputs with labels of fewer classes

LARGE = {"lenet5": 50, "resnet20": 50, "segmentation": 50}  # cases whose numbers are drawn instead of written down, and their steps

OPTIMIZERS = {
    "sgd": {"learning_rate": 0.125},
    "momentum": {"learning_rate": 0.03, "momentum": 0.85},
    "nesterov": {"learning_rate": 0.03},
    "adagrad": {"learning_rate": 0.04},
    "rmsprop": {"learning_rate": 0.004},
    "adam": {"learning_rate": 0.01},
    "adamw": {"learning_rate": 0.01},
}
LATER_OPTIMIZERS = {  # with one loss
    "adadelta": {"learning_rate": 1},
    "adamax": {"learning_rate": 0.01},
    "nadam": {"learning_rate": 0.01},
    "radam": {"learning_rate": 0.01},
    "lion": {"learning_rate": 0.002},
    "rprop": {"learning_rate": 0.004},
    "lamb": {"learning_rate": 0.01},
    "lars": {"learning_rate": 8},
    "muon": {"learning_rate": 0.01},
}
OPTIMIZER_KEYS = {  # cases of single keys
    "sgd_momentum": {"type": "sgd", "learning_rate": 0.05, "momentum": 0.8},
    "sgd_nesterov": {"type": "sgd", "learning_rate": 0.05, "momentum": 0.8, "nesterov": True},
    "adam_amsgrad": {"type": "adam", "learning_rate": 0.02, "amsgrad": True},
    "adamw_amsgrad": {"type": "adamw", "learning_rate": 0.02, "amsgrad": True},
    "adam_decoupled": {"type": "adam", "learning_rate": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True},
    "nadam_decoupled": {"type": "nadam", "learning_rate": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True},
    "nadam_momentum_decay": {"type": "nadam", "learning_rate": 0.01, "momentum_decay": 0.1, "beta1": 0.8},
    "radam_decoupled": {"type": "radam", "learning_rate": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True},
    "radam_short_memory": {"type": "radam", "learning_rate": 0.01, "beta2": 0.5},
    "adadelta_rho": {"type": "adadelta", "learning_rate": 1, "rho": 0.95, "epsilon": 1e-5},
    "rprop_keys": {"type": "rprop", "learning_rate": 0.01, "eta_minus": 0.25, "eta_plus": 1.1, "step_min": 1e-4, "step_max": 0.05},
    "muon_match_rms_adamw": {"type": "muon", "learning_rate": 0.02, "adjust_learning_rate": "match_rms_adamw", "nesterov": False},
    "clip_adaptive": {"type": "sgd", "learning_rate": 0.5, "clip_adaptive": 0.02},
    "clips_together": {"type": "momentum", "learning_rate": 0.1, "clip_value": 0.05, "clip_adaptive": 0.1, "clip_norm": 0.2},
}

LOSSES = {  # with the input that holds the target
    "mse": ({"type": "mse", "target": "y"}, {"y": {"shape": [CLASSES]}}),
    "mae": ({"type": "mae", "target": "y"}, {"y": {"shape": [CLASSES]}}),
    "binary_cross_entropy": ({"type": "binary_cross_entropy", "labels": "yes"}, {"yes": {"shape": [CLASSES]}}),
    "softmax_cross_entropy": ({"type": "softmax_cross_entropy", "labels": "k"},
                              {"k": {"shape": [], "dtype": "i32"}}),
}
TARGETS = {"y": LOSSES["mse"][1], "yes": LOSSES["binary_cross_entropy"][1], "k": LOSSES["softmax_cross_entropy"][1]}
MORE_LOSSES = {  # trained by one optimizer each
    "huber": ({"type": "huber", "target": "y", "delta": 0.5}, TARGETS["y"]),
    "smooth_l1": ({"type": "smooth_l1", "target": "y"}, TARGETS["y"]),
    "log_cosh": ({"type": "log_cosh", "target": "y"}, TARGETS["y"]),
    "quantile": ({"type": "quantile", "target": "y", "quantiles": 0.25}, TARGETS["y"]),
    "poisson": ({"type": "poisson", "target": "count"}, {"count": {"shape": [CLASSES]}}),
    "binary_focal": ({"type": "binary_focal", "labels": "yes", "alpha": 0.25}, TARGETS["yes"]),
    "hinge": ({"type": "hinge", "labels": "yes"}, TARGETS["yes"]),
    "squared_hinge": ({"type": "squared_hinge", "labels": "yes"}, TARGETS["yes"]),
    "dice": ({"type": "dice", "labels": "yes"}, TARGETS["yes"]),
    "focal": ({"type": "focal", "labels": "k"}, TARGETS["k"]),
    "cosine": ({"type": "cosine", "target": "y"}, TARGETS["y"]),
    "distillation": ({"type": "distillation", "labels": "k", "teacher": "y"}, {**TARGETS["k"], **TARGETS["y"]}),
}


def lenet5():
    """LeCun et al. 1998 with the activation and the pools of today."""
    def convolution(name, filters, padding):
        return {"name": name, "type": "conv2d", "filters": filters, "kernel_size": 5, "padding": padding, "activation": "relu"}

    def dense(name, units, activation):
        return {"name": name, "type": "dense", "units": units, "activation": activation}

    return {
        "inputs": {"x": {"shape": [28, 28, 1]}, **TARGETS["k"]},
        "layers": [
            {**convolution("conv1", 6, "same"), "input": "x"}, {"name": "pool1", "type": "max_pool2d"},
            convolution("conv2", 16, "valid"), {"name": "pool2", "type": "max_pool2d"}, {"name": "flat", "type": "flatten"},
            dense("dense1", 120, "relu"), dense("dense2", 84, "relu"), dense("scores", 10, "linear"),
        ],
        "loss": LOSSES["softmax_cross_entropy"][0],
        "optimizer": {"type": "sgd", "learning_rate": 0.03125},
    }


def example(name, image, labels, **keys):
    """The model of an example for smaller images; `keys` are those of the optimizer."""
    model = json.loads((pathlib.Path(__file__).parents[2] / "examples" / name / "model.json").read_text())
    shapes = zip(model["inputs"], (image, labels))
    return {
        "inputs": {key: {**model["inputs"][key], "shape": shape} for key, shape in shapes},
        **{key: model[key] for key in ("blocks", "layers", "loss")},
        "optimizer": {**model["optimizer"], **keys},
    }


def network(loss="softmax_cross_entropy", optimizer="sgd", activation="tanh", hidden=(), **keys):
    """A model with one hidden layer; `keys` are those of the optimizer, `hidden` those of the layer."""
    judged, target = (LOSSES | MORE_LOSSES)[loss]
    return {
        "inputs": {"x": {"shape": [FEATURES]}, **target},
        "layers": [
            {"name": "hidden", "type": "dense", "units": HIDDEN, "activation": activation, "input": "x",
             **dict(hidden)},
            {"name": "out", "type": "dense", "units": CLASSES},
        ],
        "loss": judged,
        "optimizer": {"type": optimizer, **{**OPTIMIZERS, **LATER_OPTIMIZERS}.get(optimizer, {}), **keys},
    }


def weighted(loss, example_weights=False, **keys):
    """A network whose loss has other keys, or weights of examples from an input `w`."""
    model = network(loss)
    model["loss"] = {**model["loss"], **keys}
    if example_weights:
        model["inputs"]["w"] = {"shape": []}
        model["loss"]["example_weights"] = "w"
    return model


def of_probabilities(loss, target):
    """A network that ends in softmax."""
    model = network("mse")
    model["inputs"] = {"x": model["inputs"]["x"], **target}
    model["layers"][-1]["activation"] = "softmax"
    model["loss"] = loss
    return model


def density(loss, heads, target):
    """Layers that read the same hidden layer: the parameters of a density. `heads`: name, units, shape, activation."""
    model = network("mse", "sgd", learning_rate=0.005)  # slow, so that no loss passes 0, where nothing is small beside it
    model["inputs"] = {"x": model["inputs"]["x"], **target}
    model["layers"].pop()
    for name, units, shape, activation in heads:
        flat = {"name": name + "_flat", "type": "dense", "units": units, "activation": activation, "input": "hidden"}
        model["layers"] += [flat, {"name": name, "type": "reshape", "shape": shape}]
    model["loss"] = loss
    return model


def embeddings(loss, names, target=None):
    """A layer of its own for an input of its own each."""
    return {
        "inputs": {**{"of_" + name: {"shape": [FEATURES]} for name in names}, **(target or {})},
        "layers": [{"name": name, "type": "dense", "units": CLASSES, "activation": "tanh", "input": "of_" + name}
                   for name in names],
        "loss": {**loss, **{name: name for name in names}},
        "optimizer": {"type": "momentum", **OPTIMIZERS["momentum"]},
    }


def several():
    """Losses with weights, one of which has a target and two of which compare layers."""
    model = network("focal", "adam")
    model["layers"] += [{"name": name, "type": "dense", "units": CLASSES, "input": "hidden"} for name in ("other", "third")]
    model["loss"] = [{**model["loss"], "logits": "out", "weight": 2},
                     {"type": "cosine", "prediction": "other", "target": "out", "weight": 0.5},
                     {"type": "triplet", "anchor": "out", "positive": "other", "negative": "third", "margin": 2,
                      "weight": 0.25}]
    return model


def two_headed():
    """Every layer that has no randomness, two losses with weights, probabilities as labels."""
    return {
        "inputs": {"x": {"shape": [FEATURES]}, "grid": {"shape": [2, 3]},
                   "y": {"shape": [2, 2]}, "probability": {"shape": [4]}},
        "layers": [
            {"name": "hidden", "type": "dense", "units": 9, "activation": "tanh", "input": "x", "l2": 0.002},
            {"name": "flat", "type": "flatten", "input": "grid"},
            {"name": "joined", "type": "concat", "input": ["hidden", "flat"]},
            {"name": "left", "type": "dense", "units": 6, "activation": "sigmoid", "input": "joined"},
            {"name": "right", "type": "dense", "units": 6, "use_bias": False, "input": "joined"},
            {"name": "bent", "type": "activation", "activation": {"type": "elu", "alpha": 0.5}},
            {"name": "product", "type": "multiply", "input": ["left", "bent"]},
            {"name": "total", "type": "add", "input": ["product", "right"]},
            {"name": "half", "type": "scale", "factor": 0.5},
            {"name": "square", "type": "reshape", "shape": [2, 3]},
            {"name": "out", "type": "dense", "units": 2},
            {"name": "scores", "type": "dense", "units": 4, "input": "total"},
        ],
        "loss": [{"type": "mse", "prediction": "out", "target": "y", "weight": 2},
                 {"type": "softmax_cross_entropy", "logits": "scores", "labels": "probability", "weight": 0.5}],
        "optimizer": {"type": "adam", "learning_rate": 0.01, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6},
    }


def expressions():
    """A layer and a loss that are formulas."""
    return {
        "inputs": {"x": {"shape": [FEATURES]}, "y": {"shape": [CLASSES]}},
        "layers": [
            {"name": "hidden", "type": "dense", "units": HIDDEN, "activation": "tanh", "input": "x"},
            {"name": "gate", "type": "expression", "of": "hidden * sigmoid(mean(x)) - square(hidden) / 4"},
            {"name": "out", "type": "dense", "units": CLASSES},
        ],
        "loss": {"type": "expression", "of": "mean(square(out - y)) + 0.1 * log_sum_exp(hidden)"},
        "optimizer": {"type": "sgd", **OPTIMIZERS["sgd"]},
    }


def parameters():
    """What a file says of parameters, in cases of one or a few keys."""
    yield "constraint_max_norm", network("mse", hidden={"constraint": {"type": "max_norm", "limit": 0.75}})
    yield "constraint_unit_norm", network("mse", hidden={"constraint": "unit_norm"})
    yield "constraint_non_negative", network("mse", hidden={"constraint": "non_negative"})
    yield "proximal_l1", network("mse", hidden={"proximal_l1": 0.02})
    yield "spectral_norm", network("mse", hidden={"spectral_norm": True})
    yield "activity_l1", network("mse", hidden={"activity_l1": 0.01})
    yield "activity_l2", network("mse", hidden={"activity_l2": 0.01})
    yield "decay_except", network("mse", "adam", weight_decay=0.05, decay_except="*.bias")
    yield "groups", network("mse", "momentum", weight_decay=0.05, groups=[
        {"match": "hidden.*", "rate_factor": 0.25, "decay_factor": 2}, {"match": "out.bias", "frozen": True}])
    yield "groups_schedule", network("mse", "adam", learning_rate={"type": "cosine", "initial": 0.01}, groups=[
        {"match": "*.bias", "rate_factor": 2}])
    yield "average_ema", network("mse", average={"type": "ema", "decay": 0.99})
    yield "average_ema_uncorrected", network("mse", "adam", average={"type": "ema", "decay": 0.9, "bias_correction": False})
    yield "average_polyak", network("mse", average={"type": "polyak", "start": 50})
    shared = network("mse")
    shared["layers"][1:1] = [{"name": "inner", "type": "dense", "units": HIDDEN, "activation": "tanh"},
                             {"name": "again", "type": "dense", "units": HIDDEN, "activation": "tanh", "share": "inner"}]
    yield "share", shared


def normalized(*norms, optimizer="momentum", **keys):
    """A network with such layers between the hidden layer and its activation."""
    model = network("mse", optimizer, "linear", {"use_bias": False}, **keys)  # whose gradient would be rounding alone
    named = [{"name": f"norm{i}", **norm} for i, norm in enumerate(norms)]
    model["layers"][1:1] = [*named, {"name": "bent", "type": "activation", "activation": "tanh"}]
    return model


def normalizations():
    batch_norm = {"type": "batch_norm"}
    yield "batch_norm", normalized(batch_norm)
    yield "batch_norm_keys", normalized({**batch_norm, "momentum": 0.02, "epsilon": 0.125}, optimizer="adam")
    yield "batch_norm_share", normalized(batch_norm, {**batch_norm, "share": "norm0", "momentum": 0.25})
    yield "batch_norm_average", normalized(batch_norm, average={"type": "ema", "decay": 0.95, "use": True})
    yield "batch_norm_polyak", normalized(batch_norm, average={"type": "polyak", "start": 150})
    yield "layer_norm", normalized({"type": "layer_norm"})
    yield "rms_norm", normalized({"type": "rms_norm", "epsilon": 1e-5}, optimizer="adam")


def cases():
    for optimizer in OPTIMIZERS:
        for loss in LOSSES:
            yield f"{optimizer}_{loss}", network(loss, optimizer)
        yield f"{optimizer}_weight_decay", network(optimizer=optimizer, weight_decay=0.05)
    for optimizer in LATER_OPTIMIZERS:
        yield f"{optimizer}_mse", network("mse", optimizer)
        if optimizer != "rprop":  # which PyTorch has without decay
            yield f"{optimizer}_weight_decay", network(optimizer=optimizer, weight_decay=0.05)
    for name, spec in OPTIMIZER_KEYS.items():
        yield name, {**network(), "optimizer": spec}
    yield "adagrad_epsilon", network(optimizer="adagrad", epsilon=1e-3)
    yield "rmsprop_epsilon", network(optimizer="rmsprop", epsilon=1e-4)
    yield "rmsprop_momentum", network(optimizer="rmsprop", momentum=0.6, alpha=0.9, learning_rate=0.002)
    for activation in sorted(torch_model.ACTIVATIONS.keys() - {"tanh"}):  # which the others have
        yield f"activation_{activation}", network("mse", "momentum", activation)
    yield "activation_leaky_relu_alpha", network("mse", activation={"type": "leaky_relu", "alpha": 0.25})
    yield "activation_elu_alpha", network("mse", activation={"type": "elu", "alpha": 0.5})
    yield "activation_sine_frequency", network("mse", activation={"type": "sine", "frequency": 3})
    yield "penalty_l1", network("mse", hidden={"l1": 0.004})
    yield "penalty_l2", network("mse", hidden={"l2": 0.004})
    yield "two_headed", two_headed()
    yield "lenet5", lenet5()
    yield "resnet20", example("resnet20", [8, 8, 3], [], learning_rate=0.00025)
    yield "segmentation", example("segmentation", [8, 8, 1], [8, 8], learning_rate=0.0001)
    yield "expressions", expressions()
    yield from parameters()
    yield from normalizations()
    some = [1, 0.25, 3, 0, 2][:CLASSES]
    yield "label_smoothing", weighted("softmax_cross_entropy", label_smoothing=0.1)
    yield "class_weights", weighted("softmax_cross_entropy", class_weights=some)
    yield "class_weights_smoothed", weighted("softmax_cross_entropy", class_weights=some, label_smoothing=0.2)
    yield "class_and_example_weights", weighted("softmax_cross_entropy", True, class_weights=some)
    for i, loss in enumerate(MORE_LOSSES):
        yield f"loss_{loss}", network(loss, ("sgd", "adam", "momentum")[i % 3])
    yield "loss_nll", of_probabilities({"type": "nll", "labels": "k"}, TARGETS["k"])
    yield "loss_kl_divergence", of_probabilities({"type": "kl_divergence", "target": "probability"},
                                                 {"probability": {"shape": [CLASSES]}})
    yield "loss_gaussian_nll", density(
        {"type": "gaussian_nll", "full": True, "prediction": "mean", "variance": "variance", "target": "y"},
        [("mean", CLASSES, [CLASSES], "linear"), ("variance", CLASSES, [CLASSES], "softplus")], TARGETS["y"])
    yield "loss_mixture_density", density(
        {"type": "mixture_density", "means": "means", "logits": "logits", "log_deviations": "deviations", "target": "y"},
        [("means", 3 * CLASSES, [3, CLASSES], "linear"), ("logits", 3, [3], "linear"),
         ("deviations", 3 * CLASSES, [3, CLASSES], "linear")],
        TARGETS["y"])
    yield "loss_triplet", embeddings({"type": "triplet", "margin": 8}, ["anchor", "positive", "negative"])
    yield "loss_contrastive", embeddings({"type": "contrastive", "labels": "yes"}, ["left", "right"], {"yes": {"shape": []}})
    yield "loss_several", several()
    yield "ignore", weighted("softmax_cross_entropy", ignore=2)
    yield "pos_weight", weighted("binary_cross_entropy", pos_weight=2.5)
    for loss in LOSSES:
        yield f"example_weights_{loss}", weighted(loss, True)
    schedules = {
        "constant_warmup": {"type": "constant", "warmup_steps": 30},
        "step": {"type": "step", "every": 60},
        "step_warmup": {"type": "step", "every": 45, "factor": 0.5, "warmup_steps": 20},
        "exponential": {"type": "exponential", "decay_rate": 0.99},
        "exponential_warmup": {"type": "exponential", "decay_rate": 0.5, "decay_steps": 70, "warmup_steps": 10},
        "inverse_time": {"type": "inverse_time", "decay_rate": 0.02},
        "inverse_time_warmup": {"type": "inverse_time", "decay_rate": 2, "decay_steps": 50, "warmup_steps": 25},
        "cosine": {"type": "cosine"},
        "cosine_decay_steps": {"type": "cosine", "decay_steps": 120, "final_factor": 0.25},
        "cosine_warmup": {"type": "cosine", "warmup_steps": 40},
        "cosine_restarts": {"type": "cosine", "restarts": 3, "final_factor": 0.05},
        "cosine_longer_cycles": {"type": "cosine", "restarts": 2, "cycle_factor": 2, "decay_steps": 30, "warmup_steps": 10},
        "one_cycle": {"type": "one_cycle"},
        "one_cycle_keys": {"type": "one_cycle", "rise": 0.4, "start_factor": 0.1, "final_factor": 0.01, "decay_steps": 200},
        "linear": {"type": "linear"},
        "linear_warmup": {"type": "linear", "final_factor": 0.25, "decay_steps": 90, "warmup_steps": 30},
        "polynomial": {"type": "polynomial", "power": 2},
        "polynomial_warmup": {"type": "polynomial", "power": 0.5, "decay_steps": 180, "warmup_steps": 20},
        "piecewise": {"type": "piecewise", "boundaries": [40, 90, 150], "factors": [0.5, 0.25, 0.125]},
        "inverse_sqrt": {"type": "inverse_sqrt", "warmup_steps": 25},
        "inverse_sqrt_decay_steps": {"type": "inverse_sqrt", "decay_steps": 40},
        "plateau_warmup": {"type": "plateau", "warmup_steps": 30},
    }
    for i, (name, schedule) in enumerate(schedules.items()):
        optimizer = ("sgd", "adam")[i % 2]
        rate = {**schedule, "initial": OPTIMIZERS[optimizer]["learning_rate"]}
        yield f"schedule_{name}", network(optimizer=optimizer, learning_rate=rate)
