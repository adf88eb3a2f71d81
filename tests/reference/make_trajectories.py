"""Writes trajectories/*.json: what PyTorch computes when it trains a model for 200 steps, or as many as `LARGE` says.

    python3 make_trajectories.py [case...]

A case holds a model file, its initial parameters, the rows it is trained on in turn, and the loss and the learning
rate of every step. PyTorch computes in f64. Parameters and data are multiples of a power of two, so that f32 holds
them too. A case is kept only if PyTorch's own f32 run stays within KEEP of it: an amplified rounding error would say
nothing about whoever is compared.
"""
import json
import pathlib
import sys
import textwrap

import numpy as np
import torch

import torch_blocks
import torch_images
import torch_model
import torch_normalization
import torch_parameters
from trajectory_cases import CLASSES, LABELS, LARGE, cases

STEPS, BATCH, ROWS = 200, 7, 21
KEEP = 2e-5
FOLDER = pathlib.Path(__file__).parent / "trajectories"


class Drawn:
    """Numbers too many to write down: multiples of 1/parts up to `most` of these, by the linear congruential generator of Knuth's MMIX."""

    def __init__(self, seed, shape, most, parts):
        self.shape, self.spec = shape, {"seed": int(seed), "count": int(np.prod(shape)), "most": int(most), "parts": parts}

    def values(self):
        state, numbers = self.spec["seed"], []
        for _ in range(self.spec["count"]):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            numbers.append((state >> 33) % (2 * self.spec["most"] + 1) - self.spec["most"])
        return np.array(numbers).reshape(self.shape) / self.spec["parts"] + 0.0


def drawn_parameters(model, random):
    """Weights uniform as Glorot and Bengio have it. Those of normalizations are few, and written down."""
    values = {name: torch.zeros(1, *spec["shape"], dtype=torch.float64) for name, spec in model["inputs"].items()}
    params, previous = {}, next(iter(values))
    for layer in model["layers"]:
        xs = [values[name] for name in torch_blocks.as_list(layer.get("input", previous))]
        shapes, previous = {}, layer["name"]
        if layer["type"] == "batch_norm":
            for key, dims in torch_normalization.shapes(layer, xs[0].shape[1:]).items():
                params[f"{previous}.{key}"] = rounded(random.uniform(0.5, 1.5, dims) - (key == "offset"), 256)
            values[previous] = xs[0]
            continue
        if layer["type"] == "dense":
            shapes = {"weight": (xs[0].shape[-1], layer["units"]), "bias": (layer["units"],)}
        elif layer["type"] in torch_images.WITH_WEIGHTS:
            shapes = torch_images.shapes(layer, xs[0].shape[-1])
        for key, dims in shapes.items():
            fans = np.prod(dims[:-2]) * sum(dims[-2:]) if key == "weight" else 600
            params[f"{previous}.{key}"] = Drawn(random.integers(1, 2**31), dims, np.sqrt(6 / fans) * 1024, 1024)
        zeros = {f"{previous}.{key}": torch.zeros(dims, dtype=torch.float64) for key, dims in shapes.items()}
        values[previous] = torch_model.apply(layer, xs, zeros, values)
    return params


def drawn_rows(model, random):
    def drawn(name, spec):
        shape = (ROWS, *spec["shape"])
        if is_label(spec):
            return random.integers(0, LABELS.get(name, CLASSES), shape)
        return Drawn(random.integers(1, 2**31), shape, 64, 64)

    return {name: drawn(name, spec) for name, spec in model["inputs"].items()}


def is_label(spec):
    return spec.get("dtype") == "i32"


def initial_parameters(model, random):
    """Weights uniform as Glorot and Bengio have it, small biases: both multiples of 1/256."""
    shapes = {name: spec["shape"] for name, spec in model["inputs"].items()}
    values = {name: torch.zeros(1, *shape) for name, shape in shapes.items()}
    params, previous = {}, "x"
    for layer in model["layers"]:
        names = layer.get("input", previous)
        xs = [values[name] for name in ([names] if isinstance(names, str) else names)]
        if layer["type"] == "dense":
            fan_in, fan_out = xs[0].shape[-1], layer["units"]
            bound = np.sqrt(6 / (fan_in + fan_out))
            if "share" not in layer:
                params[layer["name"] + ".weight"] = rounded(random.uniform(-bound, bound, (fan_in, fan_out)), 256)
            if layer.get("use_bias", True) and "share" not in layer:
                params[layer["name"] + ".bias"] = rounded(random.uniform(-0.1, 0.1, fan_out), 256)
            y = torch.zeros(*xs[0].shape[:-1], fan_out)
        elif layer["type"].endswith("_norm"):
            if "share" not in layer:
                for name, dims in torch_normalization.shapes(layer, xs[0].shape[1:]).items():
                    params[f"{layer['name']}.{name}"] = rounded(random.uniform(0.5, 1.5, dims) - (name == "offset"), 256)
            y = xs[0]
        else:
            y = torch_model.LAYERS[layer["type"]](layer, xs, values)
        previous = layer["name"]
        values[previous] = y
    return params


def rounded(x, parts):
    return np.round(x * parts) / parts + 0.0  # no negative zeros


def rows(model, random):
    data = {}
    for name, spec in model["inputs"].items():
        shape = (ROWS, *spec["shape"])
        if is_label(spec):
            data[name] = random.integers(0, CLASSES, shape)
        elif name == "yes":
            data[name] = random.integers(0, 2, shape).astype(float)
        elif name == "count":
            data[name] = random.integers(0, 6, shape).astype(float)
        elif name == "w":
            data[name] = random.integers(0, 5, shape) / 2
        elif name == "probability":
            cuts = np.sort(random.integers(0, 65, (ROWS, shape[1] - 1)), axis=1)
            data[name] = np.diff(cuts, prepend=0, append=64) / 64
        else:
            data[name] = rounded(random.standard_normal(shape), 64)
    return data


def train(model, params, data, dtype, buffers, steps):
    """The losses and the learning rates of so many steps, which take BATCH rows each in turn, what averages and running statistics are
    at the end, and, of a model that has the latter, its evaluation of the first BATCH rows then. Initial values of `buffers` that are
    not there are added."""
    torch.set_default_dtype(dtype)  # of the scalars that some optimizers keep
    params = {name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in params.items()}
    kinds = {name: torch.long if is_label(spec) else dtype for name, spec in model["inputs"].items()}
    tensors = {name: torch.tensor(value, dtype=kinds[name]) for name, value in data.items()}
    chosen = torch_model.optimizer(model["optimizer"], torch_parameters.groups(model["optimizer"], params))
    seen = torch_parameters.Seen(model, params, buffers)
    running = torch_normalization.Running(model, params, buffers)
    average = torch_parameters.Average(model["optimizer"].get("average"), {**params, **running.values})
    scheduler, length = torch_model.scheduler(model["optimizer"]["learning_rate"], chosen, steps)
    losses, rates = [], []
    factor = chosen.param_groups[0].get("initial_lr", 1) / chosen.defaults["lr"]  # of the first group
    for step in range(steps):
        begin = step * BATCH % ROWS
        loss = torch_model.loss(model, seen.of_step(), {name: t[begin:begin + BATCH] for name, t in tensors.items()}, running.values)
        chosen.zero_grad()
        loss.backward()
        torch_model.clip(model["optimizer"], params.values())
        losses.append(loss.item())
        rates.append(chosen.param_groups[0]["lr"] / factor)
        chosen.step()
        torch_parameters.keep(model, params, rates[-1])
        average.take()
        if step < length:
            scheduler.step()
    final = {**average.result(), **{name: value.tolist() for name, value in running.values.items()}}
    return losses, rates, final, evaluated(model, seen, average, running, tensors) if running.values else {}


@torch.no_grad()
def evaluated(model, seen, average, running, tensors):
    """The loss and the output of the first rows, by the averages where the model says so."""
    first = {name: t[:BATCH] for name, t in tensors.items()}
    state = {**seen.of_step(), **running.values}
    if model["optimizer"].get("average", {}).get("use"):
        kind = "." + model["optimizer"]["average"]["type"]
        state.update({name[:-len(kind)]: torch.tensor(value, dtype=next(iter(first.values())).dtype) for name, value in average.result().items()})
    values, last = torch_model.forward(model, state, first, state, training=False)
    return {"loss": torch_model.loss(model, state, first, state, training=False).item(), "output": values[last].flatten().tolist()}


def wrapped(numbers):
    if isinstance(numbers, Drawn):
        return json.dumps(numbers.spec)
    flat = np.asarray(numbers).ravel().tolist()
    return "[" + textwrap.fill(json.dumps(flat)[1:-1], 110, break_on_hyphens=False).replace("\n", "\n  ") + "]"


def write(name, model, params, data, losses, rates, final, evaluation):
    def members(values):
        return "{" + ",\n  ".join(f"{json.dumps(key)}: {wrapped(value)}" for key, value in values.items()) + "}"

    if len(set(rates)) == 1:
        rates = rates[:1]  # of all steps
    ending = f',\n "final": {members(final)}' if final else ""
    if evaluation:
        ending += f',\n "evaluated": {members(evaluation)}'
    (FOLDER / f"{name}.json").write_text(
        f'{{"model": {json.dumps(model)},\n "batch": {BATCH},\n "inputs": {members(data)},\n'
        f' "parameters": {members(params)},\n "losses": {wrapped(losses)},\n "learning_rates": {wrapped(rates)}{ending}}}\n')


def deviations(found, expected):
    """Of each tensor at the end, and of each number of the evaluation, relative to its largest element."""
    pairs = [(np.asarray(ours[key]), np.asarray(value)) for ours, values in zip(found, expected) for key, value in values.items()]
    return [np.abs(a - b).max() / np.abs(b).max() for a, b in pairs]


def make(name, model):
    """With the first seed that gives a well-conditioned case."""
    written, model = model, torch_blocks.expanded(model)
    for seed in range(100):
        random = np.random.default_rng(seed)
        large = name in LARGE
        params, data = ((drawn_parameters, drawn_rows) if large else (initial_parameters, rows))
        params, data = params(model, random), data(model, random)
        numbers = [{key: x.values() if isinstance(x, Drawn) else x for key, x in values.items()} for values in (params, data)]
        buffers = {}
        losses, rates, *end = train(model, *numbers, torch.float64, buffers, LARGE.get(name, STEPS))
        single, _, *single_end = train(model, *numbers, torch.float32, buffers, LARGE.get(name, STEPS))
        deviation = max([abs(a - b) / abs(b) for a, b in zip(single, losses)] + deviations(single_end, end))
        if deviation < KEEP:
            print(f"{name:40} seed {seed}  loss {losses[0]:.4f} -> {losses[-1]:.4f}  f32 {deviation:.1e}")
            return write(name, written, {**params, **buffers}, data, losses, rates, *end)
    raise SystemExit(f"{name}: no seed gives a well-conditioned case")


if __name__ == "__main__":
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    for case, description in cases():
        if not wanted or case in wanted:
            make(case, description)
