"""Optimizers and clipping that PyTorch lacks, from the papers that published them, as torch.optim.Optimizers."""
import torch


class Rule(torch.optim.Optimizer):
    """An optimizer that is a formula: `change(w, g, state, group)` is the new value of a parameter."""

    def __init__(self, params, **keys):
        super().__init__(params, {**self.defaults_of_rule, **keys})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for w in group["params"]:
                state = self.state[w]
                state["n"] = state.get("n", 0) + 1
                w.copy_(self.change(w, w.grad, state, group))


def averaged(state, name, b, x):
    state[name] = b * state.get(name, 0) + (1 - b) * x
    return state[name]


class Lion(Rule):
    """Chen et al. 2023, "Symbolic discovery of optimization algorithms", program 2."""
    defaults_of_rule = {"betas": (0.9, 0.99), "weight_decay": 0}

    def change(self, w, g, state, group):
        b1, b2 = group["betas"]
        update = (b1 * state.get("m", 0) + (1 - b1) * g).sign()
        averaged(state, "m", b2, g)
        return w - group["lr"] * (update + group["weight_decay"] * w)


class Lars(Rule):
    """You, Gitman and Ginsburg 2017, algorithm 1. Where the parameter or its step is 0, the local rate is 1, as in Optax."""
    defaults_of_rule = {"momentum": 0.9, "weight_decay": 0, "trust_coefficient": 0.001}

    def change(self, w, g, state, group):
        length = g.norm() + group["weight_decay"] * w.norm()
        local = group["trust_coefficient"] * w.norm() / length if w.norm() > 0 and length > 0 else 1
        state["v"] = group["momentum"] * state.get("v", 0) + group["lr"] * local * (g + group["weight_decay"] * w)
        return w - state["v"]


class Lamb(Rule):
    """You et al. 2020, algorithm 2, with phi the identity. Where the parameter or its step is 0, the ratio is 1, as in Optax."""
    defaults_of_rule = {"betas": (0.9, 0.999), "eps": 1e-6, "weight_decay": 0.01}

    def change(self, w, g, state, group):
        b1, b2 = group["betas"]
        m = averaged(state, "m", b1, g) / (1 - b1 ** state["n"])
        v = averaged(state, "v", b2, g * g) / (1 - b2 ** state["n"])
        step = m / (v.sqrt() + group["eps"]) + group["weight_decay"] * w
        ratio = w.norm() / step.norm() if w.norm() > 0 and step.norm() > 0 else 1
        return w - group["lr"] * ratio * step


class MuonAndAdamW(torch.optim.Optimizer):
    """torch.optim.Muon for matrices and torch.optim.AdamW for the rest, without the rounding of Muon to bfloat16. Our matrices are
    [inputs, outputs], those of PyTorch [outputs, inputs]."""

    def __init__(self, params, lr, weight_decay=0.1, betas=(0.9, 0.999), eps=1e-8, **keys):
        params = list(params)
        super().__init__(params, {"lr": lr})
        self.parts = [
            torch.optim.Muon([p for p in params if p.ndim == 2], lr=lr, weight_decay=weight_decay, **keys),
            torch.optim.AdamW([p for p in params if p.ndim != 2], lr=lr, weight_decay=weight_decay, betas=betas, eps=eps)]

    def step(self):
        for part in self.parts:
            part.param_groups[0]["lr"] = self.param_groups[0]["lr"]
            rounding, torch.Tensor.bfloat16 = torch.Tensor.bfloat16, torch.Tensor.clone
            adjust = torch.optim._muon._adjust_lr
            torch.optim._muon._adjust_lr = lambda lr, how, shape: adjust(lr, how, shape[::-1])
            part.step()
            torch.Tensor.bfloat16, torch.optim._muon._adjust_lr = rounding, adjust


def clip_adaptive(params, limit):
    """Brock et al. 2021, equation 3, with the norms of units: columns of [inputs, units], vectors as a whole."""
    for w in params:
        norm = {"dim": 0, "keepdim": True} if w.ndim == 2 else {}
        size, length = w.detach().norm(**norm).clamp(min=1e-3), w.grad.norm(**norm)
        w.grad.copy_(torch.where(length / size > limit, limit * size / length * w.grad, w.grad))
