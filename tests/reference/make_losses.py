"""Writes losses.json: what PyTorch says of every loss at one point, its value and the gradient of each layer that it reads.

    python3 make_losses.py

A case holds an entry of "loss", the values of the layers and inputs that it names, batch first, and PyTorch's numbers in f64.
All values are multiples of 1/64, so that f32 holds them too.
"""

import json
import pathlib

import numpy as np
import torch

import torch_losses

ROWS, COLUMNS = 5, 3


class Case:
    """An entry of "loss" whose operands are made as they are named."""

    def __init__(self, name, **term):
        self.name, self.term = name, term
        self.layers, self.inputs, self.dtypes = {}, {}, {}
        self.random = np.random.default_rng(len(name) + ord(name[-1]))

    def numbers(self, shape, low=-3.0, high=3.0):
        return np.round(self.random.uniform(low, high, (ROWS, *shape)) * 64) / 64 + 0.0

    def layer(self, key, shape=(COLUMNS,), low=-3.0, high=3.0):
        self.term[key] = self.layers_name(key)
        self.layers[self.term[key]] = self.numbers(shape, low, high)
        return self

    @staticmethod
    def layers_name(key):
        return "of_" + key

    def add(self, key, values, dtype="f32"):
        self.term[key] = "the_" + key
        self.inputs[self.term[key]], self.dtypes[self.term[key]] = np.asarray(values), dtype
        return self

    def target(self, key="target", shape=(COLUMNS,), low=-3.0, high=3.0):
        return self.add(key, self.numbers(shape, low, high))

    def yes_no(self, key="labels", shape=(COLUMNS,)):
        return self.add(key, self.random.integers(0, 2, (ROWS, *shape)).astype(float))

    def classes(self, shape=(), ignored=None):
        labels = self.random.integers(0, COLUMNS, (ROWS, *shape))
        if ignored is not None:
            labels[1] = ignored
        return self.add("labels", labels, "i32")

    def distribution(self, key="labels"):
        cuts = np.sort(self.random.integers(0, 65, (ROWS, COLUMNS - 1)), axis=1)
        return self.add(key, np.diff(cuts, prepend=0, append=64) / 64)

    def weights(self):
        return self.add("example_weights", np.array([1, 0.5, 0, 2, 3]))

    def json(self):
        layers = {name: torch.tensor(v, dtype=torch.float64, requires_grad=True) for name, v in self.layers.items()}
        inputs = {
            name: torch.tensor(v, dtype=torch.long if self.dtypes[name] == "i32" else torch.float64)
            for name, v in self.inputs.items()
        }
        value = torch_losses.mean_loss(self.term, {**layers, **inputs}, None)
        value.backward()
        assert torch.isfinite(value) and all(torch.isfinite(v.grad).all() for v in layers.values()), self.name
        return {
            "name": self.name,
            "loss": self.term,
            "rows": ROWS,
            "layers": {
                name: {
                    "shape": list(v.shape[1:]),
                    "values": v.detach().flatten().tolist(),
                    "gradient": v.grad.flatten().tolist(),
                }
                for name, v in layers.items()
            },
            "inputs": {
                name: {"shape": list(v.shape[1:]), "dtype": self.dtypes[name], "values": v.flatten().tolist()}
                for name, v in inputs.items()
            },
            "value": value.item(),
        }


def cases():
    def pair(name, **term):
        return Case(name, **term).layer("prediction").target()

    for name in ("mse", "mae", "huber", "smooth_l1", "log_cosh"):
        yield pair(name, type=name)
        yield pair(name + "_example_weights", type=name).weights()
    yield pair("huber_delta", type="huber", delta=0.375)
    yield pair("smooth_l1_beta", type="smooth_l1", beta=2.5)
    yield pair("quantile", type="quantile")
    yield pair("quantile_of_one", type="quantile", quantiles=0.125)
    yield Case("quantile_of_several", type="quantile", quantiles=[0.1, 0.5, 0.875]).layer("prediction", (2, 3)).target(
        shape=(2,)
    )
    yield Case("quantile_of_scalars", type="quantile", quantiles=[0.1, 0.9]).layer("prediction", (2,)).target(
        shape=()
    ).weights()
    for full in (False, True):
        counts = Case(f"poisson_{full}", type="poisson", full=full).layer("prediction")
        yield counts.add("target", counts.random.integers(0, 6, (ROWS, COLUMNS)).astype(float))
    rates = Case("poisson_rate", type="poisson", log_input=False, epsilon=0.01).layer("prediction", low=0.1)
    yield rates.add("target", rates.random.integers(0, 6, (ROWS, COLUMNS)).astype(float))
    yield pair("gaussian_nll", type="gaussian_nll").layer("variance", low=0.1)
    yield pair("gaussian_nll_full", type="gaussian_nll", full=True, epsilon=0.75).layer("variance", low=0.1).weights()
    yield pair("gaussian_nll_log_variance", type="gaussian_nll", full=True).layer("log_variance")
    mixture = {"type": "mixture_density"}
    yield Case("mixture", **mixture).layer("means").layer("logits").layer("deviations", low=0.1).target(shape=())
    yield Case("mixture_of_rows", **mixture).layer("means", (3, 2)).layer("logits").layer("log_deviations", (3, 2)).target(
        shape=(2,)
    )
    yield Case("mixture_weights", **mixture).layer("means", (4, 1)).layer("logits", (4,)).layer(
        "deviations", (4, 1), low=0.1
    ).target(shape=(1,)).weights()

    def yes_no(name, **term):
        return Case(name, **term).layer("logits").yes_no()

    for name in ("binary_cross_entropy", "binary_focal", "hinge", "squared_hinge", "dice"):
        yield yes_no(name, type=name)
        yield yes_no(name + "_example_weights", type=name).weights()
    yield yes_no("pos_weight", type="binary_cross_entropy", pos_weight=2.5)
    yield yes_no("pos_weights", type="binary_cross_entropy", pos_weight=[0.5, 1, 3])
    yield Case("pos_weight_of_chances", type="binary_cross_entropy", pos_weight=3).layer("logits").target(
        "labels", low=0, high=1
    )
    yield yes_no("binary_focal_keys", type="binary_focal", gamma=0.5, alpha=0.25)
    yield yes_no("binary_focal_without", type="binary_focal", gamma=0)
    yield Case("binary_focal_of_chances", type="binary_focal", alpha=0.75).layer("logits").target("labels", low=0, high=1)
    yield Case("dice_of_images", type="dice", smooth=0.01).layer("logits", (2, 3)).yes_no(shape=(2, 3))

    def classes(name, key="logits", ignored=None, **term):
        return Case(name, **term).layer(key, low=0.05 if key == "probabilities" else -3.0).classes(ignored=ignored)

    yield classes("cross_entropy", type="softmax_cross_entropy")
    some = [0.5, 2, 1]
    for i, keys in enumerate(
        ({}, {"label_smoothing": 0.1}, {"class_weights": some}, {"class_weights": some, "label_smoothing": 0.25})
    ):
        yield classes(f"cross_entropy_ignore_{i}", ignored=-100, type="softmax_cross_entropy", ignore=-100, **keys)
    yield classes("cross_entropy_ignore_a_class", type="softmax_cross_entropy", ignore=1)
    yield classes(
        "cross_entropy_ignore_weights", ignored=7, type="softmax_cross_entropy", ignore=7, class_weights=some
    ).weights()
    yield Case("cross_entropy_of_rows", type="softmax_cross_entropy", ignore=-1).layer("logits", (2, 3)).classes(
        (2,), ignored=-1
    )
    yield classes("focal", type="focal")
    yield classes("focal_keys", type="focal", gamma=0.5, alpha=0.25)
    yield classes("focal_alphas", ignored=-1, type="focal", gamma=3, alpha=some, ignore=-1)
    yield classes("focal_without", type="focal", gamma=0).weights()
    yield Case("focal_of_chances", type="focal", alpha=some).layer("logits").distribution()
    yield classes("nll", "probabilities", type="nll")
    yield classes("nll_ignore", "probabilities", -1, type="nll", ignore=-1, class_weights=some)
    yield classes("nll_example_weights", "probabilities", -1, type="nll", ignore=-1).weights()
    yield Case("nll_logarithms", type="nll", log_input=True).layer("probabilities", low=-4, high=0).classes()
    yield Case("nll_of_chances", type="nll").layer("probabilities", low=0.05, high=1).distribution()
    yield Case("kl_divergence", type="kl_divergence").layer("probabilities", low=0.05, high=1).distribution("target")
    yield Case("kl_divergence_logarithms", type="kl_divergence", log_input=True).layer(
        "probabilities", low=-4, high=0
    ).distribution("target").weights()
    yield Case("distillation", type="distillation").layer("logits").target("teacher")
    yield Case("distillation_labels", type="distillation", temperature=3.5, alpha=0.125).layer("logits").target(
        "teacher"
    ).classes()
    yield Case("distillation_chances", type="distillation").layer("logits").target("teacher").distribution().weights()

    yield Case("cosine", type="cosine").layer("prediction").target()
    yield Case("cosine_of_layers", type="cosine", margin=0.25).layer("prediction").layer("target").yes_no(shape=())
    yield Case("cosine_example_weights", type="cosine").layer("prediction").target().weights()
    for name, keys in (("", {}), ("_keys", {"margin": 0.25, "swap": True}), ("_swap", {"margin": 4, "swap": True})):
        yield Case("triplet" + name, type="triplet", **keys).layer("anchor").layer("positive").layer("negative")
    yield Case("contrastive", type="contrastive").layer("left").layer("right").yes_no(shape=())
    yield Case("contrastive_margin", type="contrastive", margin=6).layer("left").layer("right").yes_no(shape=()).weights()

    of_elements, of_rows = "square(a - t) + 0.5 * tanh(b)", "log_sum_exp(a) - dot(t, a) + mean(log_softmax(b))"
    for name, of in (("expression_of_elements", of_elements), ("expression_of_rows", of_rows)):
        formula = Case(name, type="expression", of=of).weights()
        formula.layers = {name: formula.numbers((COLUMNS,)) for name in "ab"}
        formula.inputs["t"], formula.dtypes["t"] = formula.numbers((COLUMNS,)), "f32"
        yield formula


def compact(value):
    """JSON with one entry of a case a line."""
    return ",\n".join(" " + json.dumps(case) for case in value)


if __name__ == "__main__":
    torch.set_num_threads(1)
    (pathlib.Path(__file__).parent / "losses.json").write_text("[\n" + compact([case.json() for case in cases()]) + "\n]\n")
