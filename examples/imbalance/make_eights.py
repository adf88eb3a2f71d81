"""Writes eights.npy: for each row of ../digits/digits.csv 1 if it is an 8, else 0. Run it in this folder."""
import csv

with open("../digits/digits.csv") as file:
    eights = bytes(row["digit"] == "8" for row in csv.DictReader(file))
header = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }" % len(eights)
with open("eights.npy", "wb") as file:  # https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    file.write(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.ljust(117).encode() + b"\n" + eights)
