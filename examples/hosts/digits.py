#!/usr/bin/env python3
"""Trains a compiled model from Python: ctypes and the shared object, nothing to install.

  gradc compile examples/digits/model.json -o digits.so
  python3 examples/hosts/digits.py ./digits.so examples/digits/digits.csv

The structures below are those of runtime/gradc.h; the class Model works with any model.
"""
import csv
import ctypes as c
import random
import sys

INIT, TRAIN_STEP, PREDICT, SCHEDULE = 1, 2, 6, 7  # kinds of entries


class Arena(c.Structure):
    _fields_ = [("name", c.c_char_p), ("kind", c.c_int32), ("lifetime", c.c_int32), ("bytes", c.c_int64),
                ("thread_bytes", c.c_int64)]


class Tensor(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_int32), ("arena", c.c_int32), ("rank", c.c_int32),
                ("reserved", c.c_int32), ("dims", c.c_int64 * 8), ("offset", c.c_int64), ("bytes", c.c_int64)]


class Value(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_int32), ("rank", c.c_int32), ("dims", c.c_int64 * 8)]


class Hyper(c.Structure):
    _fields_ = [("name", c.c_char_p), ("default_value", c.c_double)]


class Call(c.Structure):
    _fields_ = [("struct_size", c.c_uint32), ("flags", c.c_uint32), ("arenas", c.POINTER(c.c_void_p)),
                ("arena_count", c.c_int32), ("reserved", c.c_int32),
                ("inputs", c.POINTER(c.c_void_p)), ("outputs", c.POINTER(c.c_void_p)),
                ("hypers", c.POINTER(c.c_double)), ("seed", c.c_int64), ("step", c.c_int64),
                ("total_steps", c.c_int64), ("team", c.c_void_p)]


class Entry(c.Structure):
    pass


Entry._fields_ = [("name", c.c_char_p), ("kind", c.c_int32), ("phase", c.c_int32), ("batch", c.c_int64),
                  ("workspace_bytes", c.c_int64), ("thread_bytes", c.c_int64),
                  ("output_count", c.c_int32), ("reserved", c.c_int32), ("outputs", c.c_void_p),
                  ("run", c.CFUNCTYPE(c.c_int32, c.POINTER(Entry), c.POINTER(Call))), ("context", c.c_void_p)]


class Table(c.Structure):
    _fields_ = [("abi_version", c.c_uint32), ("struct_size", c.c_uint32), ("name", c.c_char_p),
                ("signature", c.c_char_p), ("alignment", c.c_int64),
                *[(what + "_count", c.c_int32) for what in ("arena", "tensor", "input", "hyper", "entry")],
                *[(what + "_size", c.c_int32) for what in ("arena", "tensor", "value", "hyper", "entry")],
                ("arenas", c.c_void_p), ("tensors", c.c_void_p), ("inputs", c.c_void_p), ("hypers", c.c_void_p),
                ("entries", c.c_void_p),
                ("team_create", c.CFUNCTYPE(c.c_void_p, c.c_int32)), ("team_destroy", c.CFUNCTYPE(None, c.c_void_p)),
                ("team_threads", c.CFUNCTYPE(c.c_int32, c.c_void_p)),
                ("save", c.c_void_p), ("load", c.c_void_p), ("status_message", c.CFUNCTYPE(c.c_char_p, c.c_int32)),
                ("memory_create", c.CFUNCTYPE(c.c_void_p, c.c_int64)),
                ("memory_destroy", c.CFUNCTYPE(None, c.c_void_p, c.c_int64))]


def records(kind, first, count, size):
    """An array of the table. Its records may be larger than those that are known here."""
    return [kind.from_address(first + i * size) for i in range(count)]


class Model:
    """One instance. Inputs and outputs are ctypes arrays; anything with a buffer can be turned into one."""

    def __init__(self, path, name, seed):
        self.library = c.CDLL(path)
        find = getattr(self.library, name + "_model")
        find.restype = c.POINTER(Table)
        table = find()
        if not table:
            raise RuntimeError(f"{path} was compiled for instructions that this processor lacks")
        self.table = table.contents
        if self.table.abi_version != 2:
            raise RuntimeError(f"{path} was compiled for another version of the interface")
        table = self.table
        self.memory = []
        addresses = []
        for arena in records(Arena, table.arenas, table.arena_count, table.arena_size):
            block = c.create_string_buffer(arena.bytes + arena.thread_bytes + table.alignment)
            self.memory.append(block)
            addresses.append(c.addressof(block) + -c.addressof(block) % table.alignment)
        self.initial = {h.name.decode(): h.default_value
                        for h in records(Hyper, table.hypers, table.hyper_count, table.hyper_size)}
        self.call = Call(struct_size=c.sizeof(Call), seed=seed, arenas=(c.c_void_p * len(addresses))(*addresses),
                         arena_count=len(addresses))
        self.entries = {(e.kind, e.batch): e
                        for e in records(Entry, table.entries, table.entry_count, table.entry_size)}
        self.run(INIT, 0)

    def run(self, kind, batch, inputs=(), outputs=(), hypers=None):
        function = self.entries[kind, batch]
        pointers = [c.cast(a, c.c_void_p) if a is not None else None for a in (*inputs, *outputs)]
        self.call.inputs = (c.c_void_p * len(inputs))(*pointers[:len(inputs)])
        self.call.outputs = (c.c_void_p * len(outputs))(*pointers[len(inputs):])
        self.call.hypers = (c.c_double * len(self.initial))(*(hypers or self.initial).values())
        status = function.run(function, self.call)
        if 0 < status < 128:
            raise RuntimeError(self.table.status_message(status).decode())

    def hypers_of_step(self):
        """The run-time arguments by name, as the model's schedule has them at this step."""
        hypers = dict(self.initial)
        if (SCHEDULE, 0) in self.entries:
            schedule = self.entries[SCHEDULE, 0]
            values = [c.c_double() for _ in range(schedule.output_count)]
            self.run(SCHEDULE, 0, outputs=[c.byref(v) for v in values])
            names = records(Value, schedule.outputs, schedule.output_count, self.table.value_size)
            hypers.update((output.name.decode(), v.value) for output, v in zip(names, values))
        return hypers

    def train_step(self, batch, *inputs):
        loss = c.c_double()
        self.run(TRAIN_STEP, batch, inputs, [c.byref(loss)], self.hypers_of_step())
        self.call.step += 1
        return loss.value


def main(library="./digits.so", data="examples/digits/digits.csv"):
    with open(data, newline="") as file:
        rows = list(csv.reader(file))[1:]
    random.Random(7).shuffle(rows)
    pixels = [[float(cell) for cell in row[:64]] for row in rows]
    digit = [int(row[64]) for row in rows]
    train = len(rows) // 5 * 4

    batch, epochs = 32, 20
    model = Model(library, "digits", seed=7)
    model.call.total_steps = epochs * (train // batch)
    order = list(range(train))
    for epoch in range(1, epochs + 1):
        random.Random(epoch).shuffle(order)
        losses = []
        for at in range(0, train - batch + 1, batch):
            chosen = order[at:at + batch]
            x = (c.c_float * (batch * 64))(*(p for i in chosen for p in pixels[i]))
            y = (c.c_int32 * batch)(*(digit[i] for i in chosen))
            losses.append(model.train_step(batch, x, y))
        if epoch % 5 == 0:
            print(f"epoch {epoch:2}  loss {sum(losses) / len(losses):.4f}")

    right = 0
    scores, probabilities = (c.c_float * 10)(), (c.c_float * 10)()
    for i in range(train, len(rows)):
        model.run(PREDICT, 1, [(c.c_float * 64)(*pixels[i]), None], [scores, probabilities])
        right += max(range(10), key=scores.__getitem__) == digit[i]
    accuracy = right / (len(rows) - train)
    print(f"test accuracy {accuracy:.4f} on {len(rows) - train} rows after {model.call.step} steps")
    return 0 if accuracy >= 0.95 else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
