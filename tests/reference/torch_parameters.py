"""What a model file says of its parameters beside how they begin, with PyTorch's own tools: which layers share them, groups with
rates and decays of their own, spectral norm, constraints, averages."""
import fnmatch

import torch
import torch.nn.functional as F
from torch.nn.utils import parametrizations


def weight_keys(model):
    """The layers by the names of their weights."""
    return {layer["name"] + ".weight": layer for layer in model["layers"] if layer["type"] == "dense" and "share" not in layer}


class Seen:
    """The parameters as layers see them. A step of training that reads them moves the spectral vectors, which are in `buffers`."""

    def __init__(self, model, params, buffers):
        self.model, self.params, self.norms = model, params, {}
        for name, layer in weight_keys(model).items():
            if layer.get("spectral_norm"):
                torch.manual_seed(1)
                norm = self.norms[name] = parametrizations._SpectralNorm(params[name].detach().t())
                for vector, key in ((norm._u, "spectral_u"), (norm._v, "spectral_v")):
                    vector.copy_(torch.tensor(buffers.setdefault(f"{name}.{key}", vector.tolist())))

    def of_step(self):
        seen = {name: self.norms[name](w.t()).t() if name in self.norms else w for name, w in self.params.items()}
        for layer in self.model["layers"]:
            if "share" in layer:
                seen.update({layer["name"] + name[len(layer["share"]):]: w for name, w in seen.items()
                             if name.startswith(layer["share"] + ".")})
        return seen


def groups(spec, params):
    """Those of torch.optim, one a parameter."""
    rate = spec["learning_rate"]
    rate = rate["initial"] if isinstance(rate, dict) else rate
    found = []
    for name, w in params.items():
        group = {"params": [w]}
        mine = next((g for g in spec.get("groups", []) if fnmatch.fnmatch(name, g["match"])), {})
        if mine.get("frozen"):
            continue
        if "rate_factor" in mine:
            group["lr"] = rate * mine["rate_factor"]
        if "decay_factor" in mine:
            group["weight_decay"] = spec["weight_decay"] * mine["decay_factor"]
        if fnmatch.fnmatch(name, spec.get("decay_except", "")):
            group["weight_decay"] = 0
        found.append(group)
    return found


CONSTRAINTS = {
    "max_norm": lambda w, limit=2: torch.renorm(w, 2, -1, limit),
    "unit_norm": lambda w: F.normalize(w, dim=0),
    "non_negative": lambda w: w.clamp(min=0),
}


@torch.no_grad()
def keep(model, params, rate):
    """What holds after an update of that learning rate."""
    for name, layer in weight_keys(model).items():
        if "proximal_l1" in layer:
            params[name].copy_(F.softshrink(params[name], rate * layer["proximal_l1"]))
        if "constraint" in layer:
            constraint = layer["constraint"] if isinstance(layer["constraint"], dict) else {"type": layer["constraint"]}
            keys = {key: value for key, value in constraint.items() if key != "type"}
            params[name].copy_(CONSTRAINTS[constraint["type"]](params[name], **keys))


class Average:
    """torch.optim.swa_utils has the two kinds; the correction for what an average has collected is that of Kingma and Ba 2015."""

    def __init__(self, spec, params):
        self.spec, self.params, self.steps = spec, params, 0
        corrected = spec and spec["type"] == "ema" and spec.get("bias_correction", True)
        self.sums = {name: torch.zeros_like(w) if corrected else w.detach().clone() for name, w in params.items()} if spec else {}
        self.corrected = corrected

    @torch.no_grad()
    def take(self):
        self.steps += 1
        for name, a in self.sums.items():
            w = self.params[name]
            if self.spec["type"] == "ema":
                a.mul_(self.spec["decay"]).add_(w, alpha=1 - self.spec["decay"])
            else:
                a.add_((w - a) / max(1, self.steps - self.spec.get("start", 0)))

    def result(self):
        scale = 1 - self.spec["decay"] ** self.steps if self.corrected else 1
        return {f"{name}.{self.spec['type']}": (a / scale).tolist() for name, a in self.sums.items()}
