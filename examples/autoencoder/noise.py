"""What a noisy digit becomes. It needs Python alone.

    noise.py add NOISY.csv                  the digits of ../digits, each pixel with normal noise of deviation 4
    noise.py show ROW PREDICTIONS.csv...    a digit, what noise makes of it, and what models make of that, side by side
    noise.py error PREDICTIONS.csv...       the mean squared error of each, of all pixels from 0 to 16
"""
import csv
import pathlib
import random
import sys

DIGITS = pathlib.Path(__file__).parent / "../digits/digits.csv"
SHADES = " .:-=+*%@"


def rows(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def images(path):
    """Lists of 64 numbers from 0 to 16, which are the units of the data: of predictions or of data."""
    table = rows(path)
    names = ["image_%d" if "image_0" in table[0] else "p%d"] * 64
    return [[float(row[name % i]) for i, name in enumerate(names)] for row in table]


def add(path):
    draw, table = random.Random(1), rows(DIGITS)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, table[0].keys(), lineterminator="\n")
        writer.writeheader()
        for row in table:
            writer.writerow({name: f"{int(x) + draw.gauss(0, 4):.2f}" if name != "digit" else x for name, x in row.items()})


def show(row, *paths):
    pictures = [images(path)[int(row)] for path in (DIGITS, *paths)]
    for y in range(0, 64, 8):
        lines = ["".join(SHADES[round(min(max(x, 0), 16) / 2)] * 2 for x in picture[y:y + 8]) for picture in pictures]
        print("  |  ".join(lines).rstrip())


def error(*paths):
    clean = images(DIGITS)
    for path in paths:
        squares = [(a - b) ** 2 for ours, theirs in zip(images(path), clean) for a, b in zip(ours, theirs)]
        print(f"{sum(squares) / len(squares):5.2f}  {path}")


if __name__ == "__main__":
    {"add": add, "show": show, "error": error}[sys.argv[1]](*sys.argv[2:])
