"""Writes scenes.npz: 400 pictures of 32 x 32 grey pixels with discs and squares, and what each pixel shows. Run it in this
folder."""
import random
import struct
import zipfile

SIZE, COUNT = 32, 400
GROUND, DISC, SQUARE = range(3)


def scene(draw):
    """The bytes of a picture, and the kind of each of its pixels. Later things cover earlier ones; every pixel is noisy."""
    grey = draw.randrange(0, 256, 32)
    picture, kinds = [grey] * SIZE**2, bytearray(SIZE**2)
    for _ in range(draw.randint(1, 3)):
        kind, radius = draw.choice((DISC, SQUARE)), draw.uniform(4, 8)
        left, top = (draw.uniform(radius, SIZE - radius) for _ in range(2))
        front = (grey + draw.randrange(64, 193, 32)) % 256
        for row in range(SIZE):
            for column in range(SIZE):
                x, y = (column + 0.5 - left) / radius, (row + 0.5 - top) / radius
                if (x * x + y * y if kind == DISC else max(abs(x), abs(y))) < 1:
                    picture[row * SIZE + column], kinds[row * SIZE + column] = front, kind
    return bytes(min(max(pixel + draw.choice((-16, 0, 16)), 0), 255) for pixel in picture), bytes(kinds)


def npy(shape, data):
    """https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html"""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


if __name__ == "__main__":
    draw = random.Random(32)
    images, kinds = (b"".join(arrays) for arrays in zip(*(scene(draw) for _ in range(COUNT))))
    with zipfile.ZipFile("scenes.npz", "w") as file:
        for name, array in (("image", npy((COUNT, SIZE, SIZE, 1), images)), ("kinds", npy((COUNT, SIZE, SIZE), kinds))):
            file.writestr(zipfile.ZipInfo(name + ".npy"), array, zipfile.ZIP_DEFLATED, 9)
