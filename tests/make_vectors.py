#!/usr/bin/env python3
"""Makes the committed test vectors of tests/vectors/arrays/ with numpy and Python's zipfile.  Run by hand, from the
root of the project, when a vector is added; never by make.  The MANIFEST there names what made each file.

npy-KIND*.npy hold numbers() of that kind: the tests know the formula."""

import hashlib
import io
import os
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


def main():
    os.makedirs(FOLDER, exist_ok=True)
    with open(os.path.join(FOLDER, "MANIFEST"), "w") as manifest:
        manifest.write("# file, SHA-256; made by tests/make_vectors.py with numpy %s, Python %s\n"
                       % (np.__version__, sys.version.split()[0]))
        for make in (make_npy, make_npz, make_zip):
            for name in make():
                with open(os.path.join(FOLDER, name), "rb") as file:
                    manifest.write("%s  %s\n" % (name, hashlib.sha256(file.read()).hexdigest()))


main()
