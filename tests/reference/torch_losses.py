"""The losses of model files in PyTorch: with PyTorch's own functions where it has them, else by their published formulas.

Each function takes its entry of "loss", a function from a key to the values that the key names, and a reduction, "mean" or
"none". What the entry leaves out is left to PyTorch's defaults wherever it has the same key.
"""

import torch
import torch.nn.functional as F

import torch_expressions


def reduced(values, reduction):
    return values.mean() if reduction == "mean" else values


def given(term, **names):
    """The keys of an entry that are there, by their names in PyTorch."""
    return {theirs: term[ours] for ours, theirs in names.items() if ours in term}


def as_list(value):
    return value if isinstance(value, list) else [value]


def tensor(value, like):
    return torch.tensor(as_list(value), dtype=like.dtype)


def quantile(term, at, reduction):
    """scikit-learn's mean_pinball_loss, by Koenker and Bassett's formula."""
    quantiles = as_list(term.get("quantiles", 0.5))
    target = at("target").unsqueeze(-1) if len(quantiles) > 1 else at("target")
    error, q = target - at("prediction"), tensor(quantiles, at("prediction"))
    return reduced(torch.maximum(q * error, (q - 1) * error), reduction)


def gaussian_nll(term, at, reduction):
    variance = at("log_variance").exp() if "log_variance" in term else at("variance")
    return F.gaussian_nll_loss(
        at("prediction"), at("target"), variance, reduction=reduction, **given(term, full="full", epsilon="eps")
    )


def mixture_density(term, at, reduction):
    deviations = at("log_deviations").exp() if "log_deviations" in term else at("deviations")
    of_components = torch.distributions.Normal(at("means"), deviations)
    if at("means").dim() > 2:
        of_components = torch.distributions.Independent(of_components, at("means").dim() - 2)
    mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=at("logits")), of_components)
    return reduced(-mixture.log_prob(at("target")), reduction)


def binary_cross_entropy(term, at, reduction):
    keys = {"pos_weight": tensor(term["pos_weight"], at("logits"))} if "pos_weight" in term else {}
    return F.binary_cross_entropy_with_logits(at("logits"), at("labels").to(at("logits").dtype), reduction=reduction, **keys)


def binary_focal(term, at, reduction):
    """sigmoid_focal_loss of torchvision."""
    z, t = at("logits"), at("labels").to(at("logits").dtype)
    p = torch.sigmoid(z)
    loss = F.binary_cross_entropy_with_logits(z, t, reduction="none") * (1 - (p * t + (1 - p) * (1 - t))) ** term.get(
        "gamma", 2
    )
    if "alpha" in term:
        loss = (term["alpha"] * t + (1 - term["alpha"]) * (1 - t)) * loss
    return reduced(loss, reduction)


def hinge(term, at, reduction, power=1):
    """keras.losses.Hinge and SquaredHinge."""
    return reduced(torch.clamp(1 - (2 * at("labels") - 1) * at("logits"), min=0) ** power, reduction)


def dice(term, at, reduction):
    p, t, smooth = torch.sigmoid(at("logits")).flatten(1), at("labels").flatten(1), term.get("smooth", 1)
    return reduced(1 - (2 * (p * t).sum(1) + smooth) / (p.sum(1) + t.sum(1) + smooth), reduction)


def class_keys(term, like):
    keys = given(term, ignore="ignore_index")
    if "class_weights" in term:
        keys["weight"] = tensor(term["class_weights"], like)
    return keys


def with_classes_second(values):
    return values.movedim(-1, 1)


def softmax_cross_entropy(term, at, reduction):
    labels = at("labels")
    return F.cross_entropy(
        with_classes_second(at("logits")),
        with_classes_second(labels) if labels.is_floating_point() else labels,
        reduction=reduction,
        **class_keys(term, at("logits")),
        **given(term, label_smoothing="label_smoothing")
    )


def focal(term, at, reduction):
    """Lin et al. 2017, for one of several classes; keras.losses.CategoricalFocalCrossentropy."""
    labels, logs = at("labels"), F.log_softmax(at("logits"), -1)
    counts = torch.ones(labels.shape[: logs.dim() - 1], dtype=logs.dtype)
    if not labels.is_floating_point():
        counts = (labels != term.get("ignore", -1)).to(logs.dtype)
        labels = F.one_hot(torch.where(counts > 0, labels, 0), logs.shape[-1]).to(logs.dtype)
    alpha = tensor(term.get("alpha", 1), logs)
    loss = counts * (labels * alpha * (1 - logs.exp()) ** term.get("gamma", 2) * -logs).sum(-1)
    return loss.sum() / counts.sum() if reduction == "mean" else loss


def logarithms(term, values):
    return values if term.get("log_input", False) else values.log()


def nll(term, at, reduction):
    logs, labels = logarithms(term, at("probabilities")), at("labels")
    if labels.is_floating_point():
        return reduced(-(labels * logs).sum(-1), reduction)
    return F.nll_loss(with_classes_second(logs), labels, reduction=reduction, **class_keys(term, logs))


def kl_divergence(term, at, reduction):
    return reduced(F.kl_div(logarithms(term, at("probabilities")), at("target"), reduction="none").sum(-1), reduction)


def distillation(term, at, reduction):
    """Hinton, Vinyals and Dean 2015."""
    z, temperature, alpha = at("logits"), term.get("temperature", 2), term.get("alpha", 0.5)
    soft = F.kl_div(F.log_softmax(z / temperature, -1), F.softmax(at("teacher") / temperature, -1), reduction="none").sum(-1)
    if "labels" not in term:
        return reduced(temperature**2 * soft, reduction)
    return reduced(
        alpha * temperature**2 * soft + (1 - alpha) * F.cross_entropy(z, at("labels"), reduction="none"), reduction
    )


def cosine(term, at, reduction):
    x, y = at("prediction"), at("target")
    alike = 2 * at("labels") - 1 if "labels" in term else torch.ones(len(x), dtype=x.dtype)
    return F.cosine_embedding_loss(x, y, alike.reshape(-1), reduction=reduction, **given(term, margin="margin"))


def triplet(term, at, reduction):
    return F.triplet_margin_loss(
        at("anchor"), at("positive"), at("negative"), reduction=reduction, **given(term, margin="margin", swap="swap")
    )


def contrastive(term, at, reduction):
    """Hadsell, Chopra and LeCun 2006, without the factor 1/2."""
    d, alike = F.pairwise_distance(at("left"), at("right")), at("labels").reshape(-1)
    return reduced(alike * d**2 + (1 - alike) * torch.clamp(term.get("margin", 1) - d, min=0) ** 2, reduction)


def of_pair(function, **names):
    return lambda term, at, reduction: function(at("prediction"), at("target"), reduction=reduction, **given(term, **names))


LOSSES = {
    "mse": of_pair(F.mse_loss),
    "mae": of_pair(F.l1_loss),
    "huber": of_pair(F.huber_loss, delta="delta"),
    "smooth_l1": of_pair(F.smooth_l1_loss, beta="beta"),
    "log_cosh": lambda term, at, reduction: reduced(torch.log(torch.cosh(at("prediction") - at("target"))), reduction),
    "quantile": quantile,
    "poisson": of_pair(F.poisson_nll_loss, log_input="log_input", full="full", epsilon="eps"),
    "gaussian_nll": gaussian_nll,
    "mixture_density": mixture_density,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_focal": binary_focal,
    "hinge": hinge,
    "squared_hinge": lambda term, at, reduction: hinge(term, at, reduction, 2),
    "dice": dice,
    "softmax_cross_entropy": softmax_cross_entropy,
    "focal": focal,
    "nll": nll,
    "kl_divergence": kl_divergence,
    "distillation": distillation,
    "cosine": cosine,
    "triplet": triplet,
    "contrastive": contrastive,
}
JUDGED = ("prediction", "logits", "probabilities", "means")  # the keys that need not be given


def mean_loss(term, values, last):
    """Of one entry of "loss", beside the values of all inputs and layers. Weights of examples: as if an example were there so
    many times."""

    def at(key):
        return values[term[key] if key in term or key not in JUDGED else last]

    def loss(reduction):
        if term["type"] == "expression":
            return reduced(torch_expressions.evaluate(term["of"], values), reduction)
        return LOSSES[term["type"]](term, at, reduction)

    if "example_weights" not in term:
        return loss("mean")
    weights = values[term["example_weights"]].reshape(-1, 1)
    each = loss("none").reshape(len(weights), -1)
    of_class = torch.ones_like(each)
    if "class_weights" in term:
        of_class = tensor(term["class_weights"], each)[at("labels").clamp(0, len(term["class_weights"]) - 1)].reshape(
            len(weights), -1
        )
    if "ignore" in term:
        of_class = of_class * (at("labels") != term["ignore"]).reshape(len(weights), -1)
    return (weights * each).sum() / (weights * of_class).sum()
