"""Prints the best that a linear model can do on the rows that a run trained on: what an example must reach.

    gradc train ../../examples/diabetes/model.json --log run.jsonl
    python3 least_squares.py ../../examples/diabetes/diabetes.csv run.jsonl > diabetes_least_squares.json

The last column of the file is the target. The test rows are those of the log; R2 is that of the test rows.
"""
import json
import sys

import numpy as np


def fit(table, test_rows):
    test = np.zeros(len(table), bool)
    test[test_rows] = True
    x, y = np.column_stack([np.ones(len(table)), table[:, :-1]]), table[:, -1]
    weights = np.linalg.lstsq(x[~test], y[~test], rcond=None)[0]
    error = y[test] - x[test] @ weights
    return 1 - (error ** 2).sum() / ((y[test] - y[test].mean()) ** 2).sum()


if __name__ == "__main__":
    data, log = sys.argv[1:]
    with open(log) as lines:
        rows = json.loads(next(lines))["test_rows"]
    print(json.dumps({"test_rows": rows, "r2": fit(np.loadtxt(data, delimiter=",", skiprows=1), rows)}))
