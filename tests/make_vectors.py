#!/usr/bin/env python3
"""Makes the committed test vectors of tests/vectors/arrays/ and the corpora of the fuzzers json, safetensors,
npy and zip, with numpy and Python's zipfile.  Run by hand, from the root of the project, when a vector is
added; never by make.  MANIFEST beside the vectors names what made them.

npy-KIND*.npy hold numbers() of that kind: the tests know the formula."""

import hashlib
import io
import os
import struct
import sys
import zipfile

import numpy as np

FOLDER = "tests/vectors/arrays"
DATE = (1980, 1, 1, 0, 0, 0)


def numbers(kind, shape):
    """0, 3, 6 ... minus 7, as far as the kind can hold them: number i of an array is 3 * i - 7 (u: 3 * i)."""
    count = int(np.prod(shape))
    base = 3 * np.arange(count) - (0 if kind[0] in "ub" else 7)
    if kind[0] == "b":
        base = base % 2
    if kind[0] == "f":
        base = base / 4
    return base.astype(kind).reshape(shape)


def save(name, data):
    with open(os.path.join(FOLDER, name), "wb") as file:
        file.write(data)
    return name


def npy(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def make_npy():
    for kind in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]:
        array = numbers(kind, (2, 3))
        yield save("npy-%s.npy" % kind, npy(array))
        if array.itemsize > 1:
            yield save("npy-%s-big.npy" % kind, npy(array.astype(array.dtype.newbyteorder(">"))))
    yield save("npy-f4-columns.npy", npy(np.asfortranarray(numbers("f4", (2, 3, 4)))))
    yield save("npy-f4-number.npy", npy(numbers("f4", ())))
    yield save("npy-f4-empty.npy", npy(numbers("f4", (0, 5))))
    yield save("npy-i4-line.npy", npy(numbers("i4", (7,))))
    yield save("npy-i4-version2.npy", npy(numbers("i4", (7,)), (2, 0)))
    yield save("npy-i4-version3.npy", npy(numbers("i4", (7,)), (3, 0)))


def npz(save_arrays, **arrays):
    file = io.BytesIO()
    save_arrays(file, **arrays)
    return file.getvalue()


def make_npz():
    arrays = dict(a=numbers("f4", (2, 3)), ids=numbers("i8", (4,)), many=np.arange(4000, dtype="f4") % 8)
    yield save("npz-stored.npz", npz(np.savez, a=arrays["a"], ids=arrays["ids"]))
    yield save("npz-deflated.npz", npz(np.savez_compressed, **arrays))


def make_zip():
    """A zip written to a stream that cannot seek: sizes and CRC stand behind the data."""

    class Stream(io.RawIOBase):
        def __init__(self):
            self.data = b""

        def writable(self):
            return True

        def write(self, data):
            self.data += bytes(data)
            return len(data)

    stream = Stream()
    with zipfile.ZipFile(stream, "w") as file:
        file.comment = b"a comment PK\x05\x06 that lies"
        for name, text, method in [("stored.txt", b"hello", 0), ("folder/deflated.txt", b"deflate " * 100, 8),
                                   ("empty", b"", 0)]:
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = method
            file.writestr(info, text)
    yield save("zip-streamed.zip", stream.data)


def safetensors(header, data):
    return struct.pack("<Q", len(header)) + header + data


def corpus_json():
    yield "config.json", b'{"act_fn": "silu", "dims": [320, 640], "eps": 1e-05, "center": false, "none": null}'
    yield "numbers.json", b"[0, -0, 1e22, 1.5e-7, 18446744073709551615, 123456789012345678901234567890, -2.5E+3]"
    yield "texts.json", rb'["\"\\\/\b\f\n\r\t", "\u00e9\ud83d\ude00", "a\u0000b", ""]' + b"\n"
    yield "utf8.json", '{"\u00e9\u20ac\U0001f600": "\uffff"}'.encode()
    yield "mark.json", b"\xef\xbb\xbf[]"
    yield "deep.json", b"[" * 64 + b"]" * 64
    yield "nested.json", b'{"a": {"b": [{}, [], {"c": [[1], 2]}]}, "d": {"a": {"a": {}}}}'
    yield "too-deep.json", b"[" * 65 + b"]" * 65
    yield "twice.json", b'{"a": 1, "a": 2}'
    yield "overlong.json", b'"\xc0\x80"'
    yield "half-pair.json", rb'"\ud800"'
    yield "big-number.json", b"1e999"
    yield "trailing-comma.json", b"[1, 2,]"
    yield "cut.json", b'{"a": ["b'
    yield "many-commas.json", b"[" + b"," * 300


def corpus_safetensors():
    one = b'{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    two = (b'{"b":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},"a":{"dtype":"I64","shape":[],'
           b'"data_offsets":[0,8]},"c":{"dtype":"BOOL","shape":[0,7],"data_offsets":[14,14]}}')
    yield "one.safetensors", safetensors(one, bytes(24))
    yield "two.safetensors", safetensors(two, bytes(range(14)))
    yield "empty.safetensors", safetensors(b"{}", b"")
    for kind, size in [("BF16", 2), ("F64", 8), ("U8", 1), ("I8", 1), ("I16", 2), ("U32", 4), ("U64", 8)]:
        header = '{"x":{"dtype":"%s","shape":[1,2],"data_offsets":[0,%d]}}' % (kind, 2 * size)
        yield kind.lower() + ".safetensors", safetensors(header.encode(), bytes(range(2 * size)))
    yield "overlap.safetensors", safetensors(two.replace(b"[8,14]", b"[7,13]"), bytes(14))
    yield "gap.safetensors", safetensors(two.replace(b"[8,14]", b"[9,15]"), bytes(15))
    yield "past-end.safetensors", safetensors(one, bytes(23))
    yield "huge-shape.safetensors", safetensors(one.replace(b"[2,3]", b"[4294967296,4294967296,3]"), bytes(24))
    yield "huge-header.safetensors", struct.pack("<Q", 2**63) + b"{}"
    yield "header-alone.safetensors", one + b"\x18"


def corpus_npy():
    for name in ["npy-f4.npy", "npy-i8-big.npy", "npy-f4-columns.npy", "npy-f4-number.npy", "npy-i4-version2.npy"]:
        with open(os.path.join(FOLDER, name), "rb") as file:
            yield name, file.read()
    head = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }"
    for i, parts in enumerate([("<f4", "False", "(2, 3)"), (">i2", "True", "(3, 2, 2)"), ("|b1", "False", "(24,)"),
                               ("<f8", "True", "()"), ("<u4", "True", "(0, 5)"), ("<f4", "False", "(2L, 3L)"),
                               ("<c8", "False", "(3,)"), ("<f4", "True", "(4294967296, 4294967296)")]):
        yield "dictionary-%d.txt" % i, (head % parts).encode() + bytes([24 if parts[2] != "()" else 8])
    yield "structured.txt", b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}\x04"
    yield "version4.npy", b"\x93NUMPY\x04\0\0\0\0\0"


def corpus_zip():
    for name in ["npz-stored.npz", "zip-streamed.zip"]:
        with open(os.path.join(FOLDER, name), "rb") as file:
            yield name, file.read()
    for name, members in [("none.zip", []), ("one.zip", [("a", b"", 0)]),
                          ("npz.npz", [("x.npy", npy(numbers("u1", (3,))), 8)]),
                          ("bzip2.zip", [("a", b"text", zipfile.ZIP_BZIP2)]),
                          ("two.zip", [("a", b"text" * 20, 8), ("b/c", b"text", 0)])]:
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as file:
            for member, text, method in members:
                info = zipfile.ZipInfo(member, DATE)
                info.compress_type = method
                with file.open(info, "w", force_zip64=name == "two.zip") as out:
                    out.write(text)
        data = data.getvalue()
        yield name, data
        if name == "two.zip":
            end = len(data) - 22
            yield "cut.zip", data[:-1]
            yield "crc.zip", data.replace(b"texttext", b"texttexu")
            yield "twice.zip", data.replace(b"b/c", b"aaa")
            yield "volumes.zip", data[:end + 4] + b"\1" + data[end + 5:]
            yield "count.zip", data[:end + 8] + b"\3\0\3\0" + data[end + 12:]
            yield "offset.zip", data[:end + 16] + b"\xff" + data[end + 17:]
            yield "comment.zip", data[:end + 20] + b"\1\0x"
    # Ten members by its count, but the first one's name takes the place of all others.
    name = b"n" * (10 * 47 - 46)
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0)
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 33, 0, 0, 0, 0, 0)
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 10, 10, 10 * 47, 30, 0)
    yield "long-name.zip", local + entry + name + end


def make_corpora():
    for name, make in [("json", corpus_json), ("safetensors", corpus_safetensors), ("npy", corpus_npy),
                       ("zip", corpus_zip)]:
        folder = "tests/corpus/" + name
        os.makedirs(folder, exist_ok=True)
        with open(folder + "/MANIFEST", "w") as manifest:
            for file, data in make():
                manifest.write("%s %d bytes\n" % (file, len(data)))
                with open(os.path.join(folder, file), "wb") as out:
                    out.write(data)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, "MANIFEST"), "w") as manifest:
        manifest.write("# file, SHA-256; made by tests/make_vectors.py with numpy %s, Python %s\n"
                       % (np.__version__, sys.version.split()[0]))
        for make in (make_npy, make_npz, make_zip):
            for name in make():
                with open(os.path.join(FOLDER, name), "rb") as file:
                    manifest.write("%s  %s\n" % (name, hashlib.sha256(file.read()).hexdigest()))
    make_corpora()


main()
