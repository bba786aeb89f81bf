#!/usr/bin/env python3
"""Writes tests/corpus/pickle: what torch.save makes of small dictionaries, and pickles that are to be refused.

Needs nothing but Python: torch's classes are stand-ins of the same names, so that the bytes are those that torch's own
pickler writes.  Run by hand from the root of the tree.  MANIFEST: NAME WHAT, where WHAT is "tensors N" or
"refused WORDS".  Files that end in .pkl are a data.pkl alone, beside a storage "0" of 256 bytes; .pt are whole files.
"""
import collections
import io
import os
import pickle
import struct
import sys
import types
import zipfile

FOLDER = "tests/corpus/pickle"


def module(name):
    parts = name.split(".")
    for i in range(len(parts)):
        part = ".".join(parts[: i + 1])
        if part not in sys.modules:
            sys.modules[part] = types.ModuleType(part)
            if i > 0:
                setattr(sys.modules[".".join(parts[:i])], parts[i], sys.modules[part])
    return sys.modules[name]


def stand_in(name):
    where, short = name.rsplit(".", 1)
    made = type(short, (), {"__module__": where})
    setattr(module(where), short, made)
    return made


def function(name):
    where, short = name.rsplit(".", 1)

    def f(*arguments):
        raise NotImplementedError

    f.__module__, f.__name__, f.__qualname__ = where, short, short
    setattr(module(where), short, f)
    return f


rebuild = function("torch._utils._rebuild_tensor_v2")
parameter = function("torch._utils._rebuild_parameter")
scalar = function("numpy.core.multiarray.scalar")
checkpoint = stand_in("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint")
KINDS = {k: stand_in("torch." + k + "Storage") for k in "Float Half BFloat16 Double Long Int Short Char Byte Bool".split()}


class Storage:
    def __init__(self, kind, key, numbers):
        self.id = ("storage", KINDS[kind], key, "cpu", numbers)


class Tensor:
    def __init__(self, storage, start, shape, stride):
        self.arguments = (storage, start, shape, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return rebuild, self.arguments


class Parameter:
    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return parameter, (self.tensor, True, collections.OrderedDict())


class Call:
    def __init__(self, f, *arguments):
        self.made = (f, arguments)

    def __reduce__(self):
        return self.made


def pickled(thing, protocol=2):
    out = io.BytesIO()
    pickler = pickle._Pickler(out, protocol)  # the one in Python, which asks persistent_id as torch's does
    pickler.persistent_id = lambda x: x.id if isinstance(x, Storage) else None
    pickler.dump(thing)
    return out.getvalue()


def archive(thing, storages, protocol=2, extra=()):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as z:
        for name, data in [("m/data.pkl", pickled(thing, protocol))] + [
            ("m/data/" + k, v) for k, v in storages.items()
        ] + list(extra) + [("m/version", b"3\n")]:
            z.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


floats = Storage("Float", "0", 24)
whole = Tensor(floats, 0, (4, 6), (6, 1))
turned = Tensor(floats, 0, (6, 4), (1, 6))
part = Tensor(floats, 8, (2, 3), (6, 1))
numbers = struct.pack("<24f", *range(24))
state = collections.OrderedDict(whole=whole, turned=turned, part=part, one=Tensor(floats, 3, (), ()))


def bytes_of(*pieces):
    return b"\x80\x02" + b"".join(p if isinstance(p, bytes) else p.encode() for p in pieces)


def tensor_of(start, shape, stride, count=24, kind="Float", key="0"):
    return {"t": Tensor(Storage(kind, key, count), start, shape, stride)}


FILES = [
    ("views.pt", archive(state, {"0": numbers}), "tensors 4"),
    ("nested.pt", archive({"state_dict": state, "epoch": 3, "lr": 0.1, "x": [1, 2, None, True]}, {"0": numbers}), "tensors 4"),
    ("lightning.pt", archive({"state_dict": state, "callbacks": {checkpoint: {"best": Call(scalar, b"f8", b"abc")}}}, {"0": numbers}), "tensors 4"),
    ("parameter.pt", archive({"p": Parameter(whole), "deep": {"er": part}}, {"0": numbers}), "tensors 2"),
    ("protocol3.pt", archive(state, {"0": numbers}, 3), "tensors 4"),
    ("protocol4.pt", archive(state, {"0": numbers}, 4), "tensors 4"),
    ("protocol5.pt", archive(state, {"0": numbers}, 5), "tensors 4"),
    ("kinds.pt", archive({k: Tensor(Storage(k, "0", 2), 0, (2,), (1,)) for k in KINDS}, {"0": bytes(16)}), "tensors 10"),
    ("little.pt", archive(state, {"0": numbers}, 2, [("m/byteorder", b"little")]), "tensors 4"),
    ("big.pt", archive(state, {"0": numbers}, 2, [("m/byteorder", b"big")]), "refused not little-endian"),
    ("missing.pt", archive(state, {"1": numbers}), "refused which is not there"),
    ("short.pt", archive(state, {"0": numbers[:90]}), "refused shorter than it says"),
    ("nodata.pt", archive(state, {"0": numbers})[:-30], "refused no end record"),
    ("views.pkl", pickled(state), "tensors 4"),
    ("views4.pkl", pickled(state, 4), "tensors 4"),
    ("beyond.pkl", pickled(tensor_of(1, (4, 6), (6, 1))), "refused reaches beyond its storage"),
    ("stride.pkl", pickled(tensor_of(0, (2, 2), (2**62, 1))), "refused reaches beyond its storage"),
    ("spread.pkl", pickled(tensor_of(0, (2**40,), (0,))), "refused reaches beyond its storage"),
    ("wide.pkl", pickled(tensor_of(0, (2**33, 2**33), (1, 1))), "refused no shape with strides"),
    ("negative.pkl", pickled(tensor_of(0, (-4,), (1,))), "refused no shape with strides"),
    ("ranks.pkl", pickled(tensor_of(0, (4, 6), (6,))), "refused no shape with strides"),
    ("nine.pkl", pickled(tensor_of(0, (1,) * 9, (1,) * 9)), "refused no shape with strides"),
    ("system.pkl", b"cposix\nsystem\n(S'echo bad'\ntR.", "refused GLOBAL at byte 0 names posix.system"),
    ("stackglobal.pkl", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x031+1\x85R.", "refused STACK_GLOBAL at byte 18 names builtins.eval"),
    ("called.pkl", bytes_of("ctorch\nFloatStorage\n)R."), "refused REDUCE at byte 23 would call torch.FloatStorage"),
    ("inst.pkl", bytes_of("(iposix\nsystem\n."), "refused opcode INST at byte 3 is none that tensors need"),
    ("newobj.pkl", bytes_of("ccollections\nOrderedDict\n)\x81.".encode("latin1")), "refused opcode NEWOBJ"),
    ("ext.pkl", b"\x80\x02\x82\x01.", "refused opcode EXT1"),
    ("buffer.pkl", b"\x80\x05\x97.", "refused opcode NEXT_BUFFER"),
    ("unknown.pkl", b"\x80\x02\xff.", "refused is no opcode"),
    ("empty.pkl", b"", "refused ends without one value"),
    ("nothing.pkl", b"\x80\x02N.", "refused holds no dictionary"),
    ("none.pkl", b"\x80\x02}.", "refused holds no tensor"),
    ("two.pkl", b"\x80\x02NN.", "refused ends without one value"),
    ("marks.pkl", b"\x80\x02((((.", "refused ends without one value"),
    ("nomark.pkl", b"\x80\x02Nt.", "refused finds no mark"),
    ("emptystack.pkl", b"\x80\x02s.", "refused finds nothing on the stack"),
    ("odd.pkl", b"\x80\x02}(Nu.", "refused adds to what is no dictionary"),
    ("memo.pkl", b"\x80\x02}r\xff\xff\xff\xff.", "refused beyond the end of the memo"),
    ("memoget.pkl", b"\x80\x02h\x05.", "refused asks the memo"),
    ("long.pkl", b"\x80\x02\x8a\x09123456789.", "refused more than 64 bits"),
    ("text.pkl", b"\x80\x02X\xff\xff\xff\x7fabc.", "refused is cut off"),
    ("zero.pkl", b"\x80\x02X\x03\x00\x00\x00a\x00b.", "refused zero byte"),
    ("protocol.pkl", b"\x80\x09N.", "refused says a protocol"),
    ("cycle.pkl", b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.", "refused more than 16 dictionaries"),
    ("twice.pkl", pickled({"a.b": whole, "a": {"b": whole}}), "refused two tensors have the name"),
    ("unprintable.pkl", pickled({"a\nb": whole}), "refused unprintable name"),
    ("longname.pkl", pickled({"n" * 600: whole}), "refused more than 500 bytes"),
    ("persid.pkl", pickled({"t": Call(rebuild, Storage("Float", 7, 24), 0, (1,), (1,))}), "refused names its storage in a way"),
    ("arguments.pkl", pickled({"t": Call(rebuild, floats)}), "refused is built in a way"),
]

os.makedirs(FOLDER, exist_ok=True)
with open(FOLDER + "/MANIFEST", "w") as manifest:
    for name, data, what in FILES:
        with open(FOLDER + "/" + name, "wb") as f:
            f.write(data)
        manifest.write(name + " " + what + "\n")
