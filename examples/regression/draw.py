"""Draws what the models of this folder have learned, as SVG on standard output; with --text, the weights as a table.

    python3 draw.py weights [--text] MODEL.safetensors ...     the weights of linear models, one group of bars for each column
    python3 draw.py quantile GRID.csv PREDICTIONS.csv          a line for each quantile
    python3 draw.py mixture GRID.csv PREDICTIONS.csv           a band for each component, mean +- deviation,
                                                               the darker the larger its share

GRID.csv has the values of bmi that PREDICTIONS.csv belongs to.
"""
import csv
import json
import math
import os
import struct
import sys

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../diabetes/diabetes.csv")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 400, 50, 40, 30
COLORS = ["#1f77b4", "#d62728", "#2ca02c"]


def read_csv(path):
    """The columns of a CSV file by their names."""
    with open(path) as file:
        rows = list(csv.reader(file))
    return {name: [float(row[i]) for row in rows[1:]] for i, name in enumerate(rows[0])}


def read_tensor(path, name):
    """The elements of an F32 tensor of a safetensors file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        begin, end = header[name]["data_offsets"]
        file.seek(begin, os.SEEK_CUR)
        return struct.unpack(f"<{(end - begin) // 4}f", file.read(end - begin))


class Picture:
    """An SVG picture with linear axes. Coordinates are those of the data."""

    def __init__(self, x, y):
        self.x, self.y, self.parts = x, y, []

    def at(self, x, y):
        across, up = (x - self.x[0]) / (self.x[1] - self.x[0]), (y - self.y[0]) / (self.y[1] - self.y[0])
        return round(LEFT + across * (WIDTH - LEFT - 10), 1), round(HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP), 1)

    def points(self, xs, ys):
        dots = "".join("M{} {}h0".format(*self.at(x, y)) for x, y in zip(xs, ys))
        self.parts.append(f'<path d="{dots}" stroke="#999" stroke-width="4" stroke-linecap="round" opacity="0.6"/>')

    def line(self, xs, ys, color):
        path = " ".join("{},{}".format(*self.at(x, y)) for x, y in zip(xs, ys))
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>')

    def box(self, left, right, low, high, color, opacity=1.0):
        (x0, y0), (x1, y1) = self.at(left, high), self.at(right, low)
        size = f'width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"'
        self.parts.append(f'<rect x="{x0}" y="{y0}" {size} fill="{color}" opacity="{opacity:.2f}"/>')

    def text(self, x, y, words, color="#333", anchor="middle"):
        self.parts.append(f'<text x="{x}" y="{y}" fill="{color}" text-anchor="{anchor}">{words}</text>')

    def names(self, words):
        for i, word in enumerate(words):
            self.text(LEFT + 90 + 130 * i, 18, word, COLORS[i], "start")

    def ticks(self, xs, ys):
        for x in xs:
            self.text(self.at(x, 0)[0], HEIGHT - BOTTOM + 18, x)
        for y in ys:
            height = self.at(0, y)[1]
            self.text(LEFT - 6, height + 4, y, anchor="end")
            self.parts.append(f'<path d="M{LEFT} {height}H{WIDTH - 10}" stroke="#ddd"/>')

    def write(self):
        print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
              'font-family="sans-serif" font-size="13">')
        print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *self.parts, "</svg>", sep="\n")


def over_the_data():
    """A picture of the progression of all patients over their bmi."""
    data = read_csv(DATA)
    picture = Picture((17, 43), (0, 360))
    picture.ticks(range(20, 45, 5), range(0, 351, 50))
    picture.points(data["bmi"], data["progression"])
    picture.text(WIDTH / 2, HEIGHT - 6, "bmi")
    picture.text(LEFT - 6, 18, "progression")
    return picture


def draw_quantiles(grid, predictions):
    picture = over_the_data()
    columns = [name for name in predictions if name.startswith("quantiles_")]
    for column, color in zip(columns, COLORS):
        picture.line(grid["bmi"], predictions[column], color)
    picture.names(columns)
    picture.write()


def draw_mixture(grid, predictions):
    picture, bmi = over_the_data(), grid["bmi"]
    count = sum(name.startswith("means_") for name in predictions)
    half = (bmi[1] - bmi[0]) / 2
    for row, x in enumerate(bmi):
        values = lambda layer: [predictions[f"{layer}_{k}"][row] for k in range(count)]
        exponentials = [math.exp(logit) for logit in values("shares")]
        for k, (mean, deviation) in enumerate(zip(values("means"), values("deviations"))):
            share = exponentials[k] / sum(exponentials)
            picture.box(x - half, x + half, mean - deviation, mean + deviation, COLORS[k], 0.6 * share)
    for k in range(count):
        picture.line(bmi, predictions[f"means_{k}"], COLORS[k])
    picture.names([f"component {k}" for k in range(count)])
    picture.write()


def show_weights(paths, as_text):
    names = [os.path.basename(path).removesuffix(".safetensors") for path in paths]
    weights = [read_tensor(path, "prediction.weight") for path in paths]
    columns = list(read_csv(DATA))[:len(weights[0])]
    if as_text:
        print("     ", *(f"{name:>13}" for name in names))
        for column, row in zip(columns, zip(*weights)):
            print(f"{column:5}", *(f"{weight:13.2g}" for weight in row))
        return
    picture = Picture((0, len(columns)), (-0.6, 0.6))
    picture.ticks([], [-0.5, 0, 0.5])
    picture.names(names)
    width = 0.8 / len(paths)
    for i, column in enumerate(columns):
        picture.text(picture.at(i + 0.5, 0)[0], HEIGHT - BOTTOM + 18, column)
        for k, model in enumerate(weights):
            picture.box(i + 0.1 + k * width, i + 0.1 + (k + 1) * width, min(model[i], 0), max(model[i], 0), COLORS[k])
    picture.write()


if __name__ == "__main__":
    what, *files = sys.argv[1:] or [""]
    if what == "weights" and files:
        show_weights([file for file in files if file != "--text"], "--text" in files)
    elif what in ("quantile", "mixture") and len(files) == 2:
        {"quantile": draw_quantiles, "mixture": draw_mixture}[what](*map(read_csv, files))
    else:
        sys.exit(__doc__)
