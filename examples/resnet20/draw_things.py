"""Writes things.npz, 1000 pictures of 32 x 32 pixels in ten kinds: a shape of five, plain or striped. Run it in this folder."""
import random
import struct
import zipfile

SIZE, COUNT = 32, 1000
SHAPES = [  # of a point relative to the middle, in units of the radius
    lambda x, y: x * x + y * y < 1,  # disc
    lambda x, y: 0.3 < x * x + y * y < 1,  # ring
    lambda x, y: max(abs(x), abs(y)) < 0.85,  # square
    lambda x, y: abs(x) < 0.55 * (y + 1) and y < 0.8,  # triangle
    lambda x, y: min(abs(x), abs(y)) < 0.3 and max(abs(x), abs(y)) < 1,  # cross
]


def colour(draw):
    return [draw.randrange(0, 256, 5) for _ in range(3)]


def picture(draw, shape, striped):
    """The bytes of a shape of a colour on ground of another, at a random place and of a random size."""
    ground, front = colour(draw), colour(draw)
    while sum(abs(a - b) for a, b in zip(ground, front)) < 200:
        front = colour(draw)
    radius = draw.uniform(7, 12)
    left, top = (draw.uniform(radius, SIZE - radius) for _ in range(2))
    pixels = bytearray()
    for row in range(SIZE):
        for column in range(SIZE):
            inside = SHAPES[shape]((column + 0.5 - left) / radius, (row + 0.5 - top) / radius)
            pixels += bytes(front if inside and not (striped and (row + column) // 2 % 2) else ground)
    return bytes(pixels)


def npy(shape, data):
    """https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html"""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


if __name__ == "__main__":
    draw = random.Random(20)
    kinds = [i % 10 for i in range(COUNT)]
    images = b"".join(picture(draw, kind // 2, kind % 2) for kind in kinds)
    with zipfile.ZipFile("things.npz", "w") as file:
        for name, array in (("image", npy((COUNT, SIZE, SIZE, 3), images)), ("kind", npy((COUNT,), bytes(kinds)))):
            file.writestr(zipfile.ZipInfo(name + ".npy"), array, zipfile.ZIP_DEFLATED, 9)
