"""Metrics of 1000 random cases, computed by scikit-learn, into metrics.csv. usage: python3 make_metrics.py

The data are not stored: model/metrics_test.cpp draws the same numbers with the same generator.
"""
import os
import warnings

import numpy as np
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import confusion_matrix, f1_score, precision_score, recall_score, roc_auc_score

warnings.simplefilter("ignore", UndefinedMetricWarning)


class Generator:
    """Knuth's linear congruential generator (MMIX); the upper 31 bits."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return self.state >> 33


def draw(case):
    """(link, scores, targets) of a case. Scores of yes/no answers have ties."""
    g = Generator(case)
    g.next()
    link, classes = [("softmax", 2), ("softmax", 3), ("softmax", 5), ("sigmoid", 1), ("sigmoid", 3)][case % 5]
    rows = 2 + g.next() % 16
    scores, targets = np.zeros((rows, classes)), []
    for row in range(rows):
        for i in range(classes):
            scores[row, i] = g.next() / 2**31 * 8 - 4 if link == "softmax" else (g.next() % 9 - 4) / 2
        targets.append(g.next() % classes if link == "softmax" else [g.next() % 2 for _ in range(classes)])
    return link, scores, np.array(targets)


def mean_area(wanted, scores):
    areas = [roc_auc_score(w, s) for w, s in zip(wanted.T, scores.T) if 0 < sum(w) < len(w)]
    return np.mean(areas) if areas else float("nan")


def line(case):
    link, scores, targets = draw(case)
    classes = scores.shape[1]
    if link == "softmax":
        called, options, table_labels = scores.argmax(axis=1), {}, range(classes)
        wanted, flat = np.eye(classes)[targets], (targets, called)
        exp = np.exp(scores - scores.max(axis=1, keepdims=True))
        ranked = exp / exp.sum(axis=1, keepdims=True)
    else:
        called, options, table_labels = (scores > 0).astype(int), {}, [0, 1]
        wanted, flat, ranked = targets, (targets.ravel(), called.ravel()), scores
        occur = [i for i in range(classes) if wanted[:, i].any() or called[:, i].any()]
        if classes == 1:  # a matrix of one column is one class, not yes and no
            targets, called, options = targets[:, 0], called[:, 0], {"labels": [1]}
        else:
            options = {"labels": occur}
    numbers = []
    for score in (precision_score, recall_score, f1_score):
        for average in ("macro", "weighted", "micro"):
            nothing = link == "sigmoid" and not (np.any(targets) or np.any(called))
            numbers.append(0 if nothing else score(targets, called, average=average, zero_division=0, **options))
    numbers.append(mean_area(wanted, ranked))
    table = confusion_matrix(*flat, labels=list(table_labels)).ravel()
    return ",".join([str(case)] + [f"{x:.10g}" for x in numbers] + [" ".join(map(str, table))])


with open(os.path.join(os.path.dirname(__file__), "metrics.csv"), "w") as file:
    names = [f"{m}_{a}" for m in ("precision", "recall", "f1") for a in ("macro", "weighted", "micro")]
    file.write(",".join(["case"] + names + ["auc", "confusion"]) + "\n")
    for case in range(1000):
        file.write(line(case) + "\n")
