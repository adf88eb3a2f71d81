"""Shows rows of scenes.npz: the picture, what its pixels are, and what a model takes them for. It needs Python alone.

    show.py PREDICTIONS.npz ROW...    predictions as `gradc predict --classes` writes them
"""
import ast
import pathlib
import struct
import sys
import zipfile

SIZE = 32
GREYS, KINDS = " .:-=+*%@", " o#"  # ground, disc, square


def array(path, name):
    """The numbers of an array of bytes or of 32-bit integers in a .npz file."""
    data = zipfile.ZipFile(path).read(name + ".npy")
    length, = struct.unpack_from("<H", data, 8)
    header = ast.literal_eval(data[10:10 + length].decode())
    return [number for number, in struct.iter_unpack({"|u1": "B", "<i4": "<i"}[header["descr"]], data[10 + length:])]


def lines(numbers, row, characters, divisor=1):
    """Of a row, with every second line of pixels: characters are twice as high as wide."""
    first = row * SIZE**2
    return ["".join(characters[n // divisor] for n in numbers[i:i + SIZE]) for i in range(first, first + SIZE**2, 2 * SIZE)]


if __name__ == "__main__":
    scenes = pathlib.Path(__file__).parent / "scenes.npz"
    images, kinds, predicted = array(scenes, "image"), array(scenes, "kinds"), array(sys.argv[1], "scores.class")
    for row in map(int, sys.argv[2:]):
        for parts in zip(lines(images, row, GREYS, 29), lines(kinds, row, KINDS), lines(predicted, row, KINDS)):
            print(" | ".join(parts).rstrip())
