"""Learning rates of torch.optim.lr_scheduler.ReduceLROnPlateau on made-up metrics, into plateaus.json.

    python3 make_plateaus.py
"""
import json
import math
import pathlib

import torch

CASES = [
    {"patience": 2},
    {"patience": 0, "factor": 0.5},
    {"patience": 1, "factor": 0.5, "cooldown": 3},
    {"patience": 1, "factor": 0.3, "threshold": 0.05},
    {"patience": 0, "factor": 0.5, "final_factor": 0.2},
    {"patience": 1, "factor": 0.5, "mode": "max", "threshold": 0.01, "cooldown": 1},
]


def values(mode):
    """Sixty values that get better, stay, and get worse again."""
    loss = [math.exp(-epoch / 6) + 0.3 * math.sin(epoch) ** 2 * (epoch % 5 == 0) + 0.01 * max(0, epoch - 40) for epoch in range(60)]
    return [1 - x for x in loss] if mode == "max" else loss


def factors(case):
    keys = dict(case)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, eps=0, min_lr=keys.pop("final_factor", 0), **keys)
    result = []
    for value in values(case.get("mode", "min")):
        scheduler.step(value)
        result.append(optimizer.param_groups[0]["lr"])
    return result


path = pathlib.Path(__file__).parent / "plateaus.json"
lines = [json.dumps({"keys": case, "values": values(case.get("mode", "min")), "factors": factors(case)}) for case in CASES]
path.write_text("[" + ",\n ".join(lines) + "]\n")
