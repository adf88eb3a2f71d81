"""Prints the weights of the linear models of examples/regression, by the closed form and by scikit-learn 1.9.1.

    gradc train ../../examples/regression/linear.json --log run.jsonl --progress none
    python3 linear_models.py ../../examples/diabetes/diabetes.csv run.jsonl > linear_models.json

Columns and target are standardized by the rows that are trained on. gradc minimizes mean(e^2) + l2 sum(w^2) and, with proximal_l1,
mean(e^2) + proximal_l1 sum(|w|); Ridge has sum(e^2) + alpha sum(w^2), Lasso mean(e^2) / 2 + alpha sum(|w|).
"""
import json
import sys

import numpy as np
from sklearn.linear_model import Lasso, Ridge
from sklearn.preprocessing import StandardScaler

PENALTY = 0.1  # l2 of the ridge, proximal_l1 of the lasso

if __name__ == "__main__":
    data, log = sys.argv[1:]
    with open(log) as lines:
        test_rows = json.loads(next(lines))["test_rows"]
    table = StandardScaler().fit_transform(np.delete(np.loadtxt(data, delimiter=",", skiprows=1), test_rows, axis=0))
    x, y = table[:, :-1], table[:, -1]
    lasso = Lasso(alpha=PENALTY / 2, fit_intercept=False, tol=1e-12, max_iter=100000).fit(x, y)
    print(json.dumps({
        "test_rows": test_rows,
        "least_squares": np.linalg.lstsq(x, y, rcond=None)[0].tolist(),
        "ridge": Ridge(alpha=PENALTY * len(x), fit_intercept=False).fit(x, y).coef_.tolist(),
        "lasso": lasso.coef_.tolist(),
    }))
