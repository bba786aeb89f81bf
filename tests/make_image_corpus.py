#!/usr/bin/env python3
"""Makes tests/corpus/png and tests/corpus/inflate: small good and hostile files, and what to expect of them.

Run by hand from the root of the tree (Python 3, standard library alone); the files it makes are committed.
A line of a MANIFEST is one of
    NAME WIDTHxHEIGHTxCHANNELS SHA-256 of the pixels        a picture to read
    NAME SIZE SHA-256 of the unpacked bytes                 a stream to unpack
    NAME refused WORDS                                      an error sentence with these words
The expected pixels are computed here, from the samples, by code that shares nothing with the library."""
import hashlib
import os
import random
import struct
import zlib

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(kind, data, crc=None, length=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data) if length is None else length) + kind + data + struct.pack(">I", crc)


def header(w, h, depth, colour, interlace=0, compression=0, filtering=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, compression, filtering, interlace))


def pack_row(samples, depth):
    if depth == 16:
        return b"".join(struct.pack(">H", s) for s in samples)
    out, bits, n = bytearray(), 0, 0
    for s in samples:
        bits, n = bits << depth | s, n + depth
        if n == 8:
            out.append(bits)
            bits, n = 0, 0
    if n:
        out.append(bits << (8 - n))
    return bytes(out)


def filtered(row, above, step, kind):
    out = bytearray([kind])
    for i, x in enumerate(row):
        a = row[i - step] if i >= step else 0
        b = above[i]
        c = above[i - step] if i >= step else 0
        p = a + b - c
        nearest = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
        out.append((x - [0, a, b, (a + b) // 2, nearest][kind]) & 255)
    return bytes(out)


def rows_of(pixels, w, h, depth, colour, interlace, rng):
    """pixels[y][x] is a tuple of samples; every row gets a random filter."""
    step = max(1, SAMPLES[colour] * depth // 8)
    out = b""
    for x0, y0, dx, dy in ADAM7 if interlace else [(0, 0, 1, 1)]:
        if x0 >= w or y0 >= h:
            continue
        above = None
        for y in range(y0, h, dy):
            row = pack_row([s for x in range(x0, w, dx) for s in pixels[y][x]], depth)
            above = above if above is not None else bytes(len(row))
            out += filtered(row, above, step, rng.randrange(5))
            above = row
    return out


def eight(v, depth):
    return (v + 128) // 257 if depth == 16 else v * 255 // ((1 << depth) - 1)


def expected(pixels, depth, colour, palette, clear):
    out = bytearray()
    for row in pixels:
        for p in row:
            if colour == 3:
                entry = palette[p[0]]
                out += bytes(entry[:3])
                if clear is not None:
                    out.append(clear[p[0]] if p[0] < len(clear) else 255)
                continue
            grey = len(p) < 3
            out += bytes(eight(v, depth) for v in ([p[0]] * 3 if grey else p[:3]))
            if colour in (4, 6):
                out.append(eight(p[-1], depth))
            elif clear is not None:
                out.append(0 if tuple(p) == tuple(clear) else 255)
    return bytes(out)


def signature():
    return b"\x89PNG\r\n\x1a\n"


def make(w, h, depth, colour, interlace=0, with_clear=False, seed=0, pieces=1, extra=b""):
    rng = random.Random(seed * 1000003 + w * 7919 + h * 131 + depth * 17 + colour * 5 + interlace)
    top = (1 << depth) - 1
    palette = [(rng.randrange(256), rng.randrange(256), rng.randrange(256)) for _ in range(min(1 << depth, 13))]
    pixels = [[tuple(rng.randrange(len(palette)) if colour == 3 else rng.choice([0, top, rng.randrange(top + 1)])
                     for _ in range(SAMPLES[colour])) for _ in range(w)] for _ in range(h)]
    clear = None
    body = header(w, h, depth, colour, interlace) + extra
    if colour == 3:
        body += chunk(b"PLTE", b"".join(bytes(p) for p in palette))
    if with_clear:
        clear = [rng.randrange(256) for _ in range(len(palette) - 1)] if colour == 3 else pixels[h // 2][w // 2]
        body += chunk(b"tRNS", bytes(clear) if colour == 3 else b"".join(struct.pack(">H", s) for s in clear))
    packed = zlib.compress(rows_of(pixels, w, h, depth, colour, interlace, rng), 9)
    cut = [len(packed) * i // pieces for i in range(pieces + 1)]
    for i in range(pieces):
        body += chunk(b"IDAT", packed[cut[i]:cut[i + 1]])
    flat = expected(pixels, depth, colour, palette, clear)
    channels = 4 if colour in (4, 6) or with_clear else 3
    return signature() + body + chunk(b"IEND", b""), "%dx%dx%d %s" % (w, h, channels, hashlib.sha256(flat).hexdigest())


def good_pictures():
    yield "one-pixel.png", *make(1, 1, 8, 2)
    for colour, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))):
        for depth in depths:
            for interlace in (0, 1):
                name = "c%d-%02d%s" % (colour, depth, "-adam7" if interlace else "")
                yield name + ".png", *make(13, 9, depth, colour, interlace)
                if colour in (0, 2, 3):
                    yield name + "-clear.png", *make(7, 5, depth, colour, interlace, with_clear=True, seed=1)
    for w, h in ((1, 1), (2, 1), (1, 5), (3, 3), (5, 2), (4, 8)):
        yield "adam7-%dx%d.png" % (w, h), *make(w, h, 8, 2, 1, seed=2)
        yield "adam7-%dx%d-bits.png" % (w, h), *make(w, h, 1, 0, 1, seed=3)
    yield "pieces.png", *make(11, 8, 8, 6, pieces=7, seed=4)
    yield "empty-piece.png", *make(2, 2, 8, 0, pieces=40, seed=5)
    yield "hint-palette.png", *make(4, 4, 8, 2, extra=chunk(b"PLTE", bytes(range(30))), seed=6)
    texts = (chunk(b"tEXt", b"parameters\0a cat\nSteps: 20") + chunk(b"tEXt", b"latin\0caf\xe9") +
             chunk(b"tEXt", b"utf8\0caf\xc3\xa9") + chunk(b"zTXt", b"packed\0\0" + zlib.compress(b"long " * 99)) +
             chunk(b"iTXt", b"plain\0\0\0en\0key\0\xe7\x8c\xab") +
             chunk(b"iTXt", b"itxt\0\1\0\0\0" + zlib.compress("größer".encode())) + chunk(b"abCd", b"ignored"))
    yield "texts.png", *make(3, 2, 8, 2, extra=texts, seed=7)


def hostile_pictures():
    good, _ = make(5, 4, 8, 2, seed=9)
    head, tail = signature(), chunk(b"IEND", b"")
    rows = zlib.compress(b"".join(b"\0" + bytes(15) for _ in range(4)))
    idat = chunk(b"IDAT", rows)
    h = header(5, 4, 8, 2)
    yield "no-bytes.png", b"", "is not a PNG"
    yield "signature-alone.png", head, "ends in the middle"
    yield "signature-text-mode.png", head.replace(b"\r\n", b"\n") + h + idat + tail, "is not a PNG"
    for name, at in (("header", 20), ("pixels", 50), ("check-sum", len(good) - 14), ("end", len(good) - 5)):
        yield "cut-in-%s.png" % name, good[:at], ("ends in the middle" if name == "end" else "are left")
    yield "cut-before-end.png", good[:-12], "ends in the middle"
    yield "crc-header.png", head + h[:-1] + bytes([h[-1] ^ 1]) + idat + tail, "IHDR is damaged"
    yield "crc-pixels.png", head + h + idat[:-1] + bytes([idat[-1] ^ 128]) + tail, "IDAT is damaged"
    yield "crc-ancillary.png", head + h + chunk(b"gAMA", b"\0\0\0\1", crc=1) + idat + tail, "gAMA is damaged"
    yield "length-huge.png", head + h + chunk(b"IDAT", rows, length=0xffffffff) + tail, "IDAT wants 4294967295 bytes"
    yield "length-past-end.png", head + h + chunk(b"IDAT", rows, length=len(rows) + 13) + tail, "are left"
    yield "width-zero.png", head + header(0, 4, 8, 2) + idat + tail, "0 x 4 pixels"
    yield "height-zero.png", head + header(5, 0, 8, 2) + idat + tail, "5 x 0 pixels"
    yield "width-negative.png", head + header(0x80000000, 1, 8, 2) + idat + tail, "2147483648 x 1 pixels"
    yield "sides-most.png", head + header(0xffffffff, 0xffffffff, 16, 6) + idat + tail, "4294967295 x 4294967295"
    yield "sides-large.png", head + header(16384, 16384, 8, 6) + idat + tail, "cannot hold 16384 x 16384"
    yield "sides-bits.png", head + header(16384, 16384, 1, 0) + idat + tail, "cannot hold 16384 x 16384"
    yield "sides-interlaced.png", head + header(4096, 4096, 1, 3, 1) + chunk(b"PLTE", bytes(6)) + idat + tail, "cannot hold"
    for colour, depth in ((0, 3), (2, 4), (3, 16), (4, 4), (6, 1), (1, 8), (5, 8), (7, 8), (255, 8), (2, 0), (2, 255)):
        yield "colour%d-%d.png" % (colour, depth), head + header(5, 4, depth, colour) + idat + tail, "no PNG picture has"
    yield "method-compression.png", head + header(5, 4, 8, 2, 0, 1) + idat + tail, "unknown PNG methods"
    yield "method-filter.png", head + header(5, 4, 8, 2, 0, 0, 1) + idat + tail, "unknown PNG methods"
    yield "method-interlace.png", head + header(5, 4, 8, 2, 2) + idat + tail, "unknown PNG methods"
    yield "header-long.png", head + chunk(b"IHDR", bytes(14)) + idat + tail, "header of 13 bytes"
    yield "header-late.png", head + idat + h + tail, "header of 13 bytes"
    yield "header-twice.png", head + h + h + idat + tail, "critical chunk IHDR"
    yield "critical-unknown.png", head + h + chunk(b"ABCD", b"") + idat + tail, "critical chunk ABCD"
    yield "critical-no-letters.png", head + h + chunk(b"\0\xff\n ", b"") + idat + tail, "critical chunk ????"
    yield "no-pixels.png", head + h + tail, "without pixels"
    yield "pixels-apart.png", head + h + chunk(b"IDAT", rows[:9]) + chunk(b"tIME", bytes(7)) + chunk(b"IDAT", rows[9:]) + tail, \
        "between the pixels"
    yield "filter-unknown.png", head + h + chunk(b"IDAT", zlib.compress(bytes(32) + b"\5" + bytes(31))) + tail, "row 2 has the unknown PNG filter 5"
    yield "pixels-few.png", head + h + chunk(b"IDAT", zlib.compress(bytes(63))) + tail, "end after 63 of 64"
    yield "pixels-many.png", head + h + chunk(b"IDAT", zlib.compress(bytes(65))) + tail, "more bytes than there should be"
    yield "pixels-none.png", head + header(1, 1, 8, 0) + chunk(b"IDAT", b"") + tail, "cannot hold 1 x 1"
    yield "adler.png", head + h + chunk(b"IDAT", rows[:-1] + bytes([rows[-1] ^ 1])) + tail, "Adler-32"
    yield "adler-cut.png", head + h + chunk(b"IDAT", rows[:-2]) + tail, "cut short"
    yield "not-zlib.png", head + h + chunk(b"IDAT", b"hello world") + tail, "not a zlib stream"
    p = header(5, 4, 8, 3)
    index = chunk(b"IDAT", zlib.compress(b"".join(b"\0\0\1\2\3\4" for _ in range(4))))
    yield "palette-none.png", head + p + index + tail, "before their palette"
    yield "palette-empty.png", head + p + chunk(b"PLTE", b"") + index + tail, "palette of 0 bytes"
    yield "palette-odd.png", head + p + chunk(b"PLTE", bytes(16)) + index + tail, "palette of 16 bytes"
    yield "palette-long.png", head + p + chunk(b"PLTE", bytes(771)) + index + tail, "palette of 771 bytes"
    yield "palette-long-bits.png", head + header(5, 4, 1, 3) + chunk(b"PLTE", bytes(9)) + index + tail, "palette of 9 bytes"
    yield "palette-twice.png", head + p + chunk(b"PLTE", bytes(15)) * 2 + index + tail, "palette of 15 bytes"
    yield "palette-late.png", head + p + chunk(b"PLTE", bytes(15)) + index + chunk(b"PLTE", bytes(15)) + tail, "out of place"
    yield "palette-short.png", head + p + chunk(b"PLTE", bytes(12)) + index + tail, "the palette of 4 does not have"
    yield "clear-long.png", head + p + chunk(b"PLTE", bytes(15)) + chunk(b"tRNS", bytes(6)) + index + tail, "transparency of 6"
    yield "clear-before-palette.png", head + p + chunk(b"tRNS", bytes(1)) + chunk(b"PLTE", bytes(15)) + index + tail, "transparency of 1"
    yield "clear-short.png", head + h + chunk(b"tRNS", bytes(5)) + idat + tail, "transparency of 5 bytes where 6"
    yield "clear-late.png", head + h + idat + chunk(b"tRNS", bytes(6)) + tail, "out of place"


class Bits:
    """A deflate stream by hand: fields lowest bit first, codes highest bit first."""

    def __init__(self):
        self.bits = []

    def put(self, value, count):
        self.bits += [value >> i & 1 for i in range(count)]
        return self

    def code(self, text):
        self.bits += [int(c) for c in text]
        return self

    def done(self, tail=b""):
        out = bytearray()
        for i in range(0, len(self.bits), 8):
            out.append(sum(b << k for k, b in enumerate(self.bits[i:i + 8])))
        return bytes(out) + tail


def fixed_literal(v):
    if v < 144:
        return format(48 + v, "08b")
    return format(400 + v - 144, "09b") if v < 256 else format(v - 256, "07b") if v < 280 else format(192 + v - 280, "08b")


ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]


def dynamic(literals, distances, length_lengths):
    """The start of a block with its own codes; length_lengths: code length of each code-length symbol."""
    b = Bits().put(1, 1).put(2, 2).put(literals - 257, 5).put(distances - 1, 5).put(15, 4)
    for s in ORDER:
        b.put(length_lengths.get(s, 0), 3)
    return b


def streams():
    """(name, raw deflate bytes, unpacked bytes or words of the error)"""
    one = Bits().put(1, 1).put(1, 2)
    yield "fixed-empty", Bits().put(1, 1).put(1, 2).code("0000000").done(), b""
    yield "fixed-abc", Bits().put(1, 1).put(1, 2).code(fixed_literal(97) + fixed_literal(98) + fixed_literal(99) + "0000000").done(), b"abc"
    yield "fixed-run", Bits().put(1, 1).put(1, 2).code(fixed_literal(200) + fixed_literal(285) + "00000" + "0000000").done(), b"\xc8" * 259
    yield "stored", Bits().put(1, 1).put(0, 2).done(b"\5\0\xfa\xffhello"), b"hello"
    yield "stored-empty-then-fixed", Bits().put(0, 3).done(b"\0\0\xff\xff") + one.code("0000000").done(), b""
    # codes of 1 bit: '0' a, '10' end, '11' length 3; one distance code of one bit
    b = dynamic(258, 1, {0: 2, 1: 2, 2: 2, 18: 2})  # 0:00 1:01 2:10 18:11
    b.code("11").put(97 - 11, 7).code("01").code("11").put(138 - 11, 7).code("11").put(20 - 11, 7).code("10").code("10").code("01")
    yield "lone-distance", b.code("0" + "11" + "0" + "10").done(), b"aaaa"
    b = dynamic(257, 1, {0: 2, 1: 2, 2: 2, 18: 2})
    b.code("11").put(97 - 11, 7).code("01").code("11").put(138 - 11, 7).code("11").put(20 - 11, 7).code("01").code("00")
    yield "no-distances", b.code("001").done(), b"aa"
    mixed = []  # fixed, dynamic, fixed, fixed: the codes change back and forth
    for text, strategy in ((b"one ", zlib.Z_FIXED), (bytes(random.Random(1).choices(b"ab cdef", [9, 5, 3, 1, 1, 1, 1], k=800)), 0), (b"two ", zlib.Z_FIXED), (b"three", zlib.Z_FIXED)):
        c = zlib.compressobj(9, zlib.DEFLATED, -15, 9, strategy)
        mixed.append((c.compress(text) + c.flush(zlib.Z_FULL_FLUSH), text))
    yield "fixed-dynamic-fixed", b"".join(p for p, t in mixed) + b"\3\0", b"".join(t for p, t in mixed)
    yield "zlib-mixed", zlib.compress(bytes(range(256)) * 4 + b"x" * 999, 9)[2:-4], bytes(range(256)) * 4 + b"x" * 999

    yield "nothing", b"", "cut short"
    yield "kind-3", Bits().put(7, 3).done(), "unknown kind"
    yield "fixed-cut", b"\x4b", "cut short"
    yield "stored-length", Bits().put(1, 1).put(0, 2).done(b"\5\0\xfb\xffhello"), "length is damaged"
    yield "stored-cut", Bits().put(1, 1).put(0, 2).done(b"\5\0\xfa\xffhell"), "cut short"
    yield "stored-header-cut", Bits().put(1, 1).put(0, 2).done(b"\5\0\xfa"), "cut short"
    yield "length-286", Bits().put(1, 1).put(1, 2).code(fixed_literal(65) + format(192 + 6, "08b") + "00000").done(b"\0\0"), "length code"
    yield "distance-30", Bits().put(1, 1).put(1, 2).code(fixed_literal(65) + "0000001" + "11110").done(b"\0\0"), "distance code"
    yield "distance-far", Bits().put(1, 1).put(1, 2).code(fixed_literal(65) + "0000001" + "00001").done(b"\0\0"), "before the start"
    yield "distance-at-start", Bits().put(1, 1).put(1, 2).code("0000001" + "00000").done(b"\0\0"), "before the start"
    yield "codes-287", dynamic(287, 1, {0: 1, 1: 1}).done(bytes(60)), "more codes than exist"
    yield "codes-31-distances", dynamic(257, 31, {0: 1, 1: 1}).done(bytes(60)), "more codes than exist"
    yield "code-lengths-over", dynamic(257, 1, {0: 1, 1: 1, 2: 1}).done(bytes(60)), "make no code"
    yield "code-lengths-few", dynamic(257, 1, {0: 1, 1: 2}).done(bytes(60)), "make no code"
    yield "code-lengths-none", dynamic(257, 1, {}).done(bytes(60)), "make no code"
    yield "repeat-nothing", dynamic(257, 1, {0: 1, 16: 1}).code("1").done(bytes(60)), "none before it"
    yield "repeat-past-end", dynamic(257, 1, {0: 1, 18: 1}).code("1").put(127, 7).code("1").put(127, 7).done(), "more code lengths"
    yield "repeat-one-past-end", dynamic(257, 1, {0: 1, 18: 1}).code("1").put(127, 7).code("1").put(121 - 11, 7).done(bytes(9)), "more code lengths"
    yield "no-end-code", dynamic(257, 1, {0: 2, 1: 2, 2: 2, 18: 2}).code("11").put(127, 7).code("11").put(97, 7).code("0101" + "00" * 9).done(bytes(9)), "end code"
    b = dynamic(257, 1, {0: 2, 1: 2, 2: 2, 18: 2})
    yield "literals-few", b.code("11").put(127, 7).code("11").put(117 - 11, 7).code("10" + "10" + "00").done(bytes(9)), "make no code"
    b = dynamic(257, 1, {0: 2, 1: 2, 2: 2, 18: 2})
    yield "literals-over", b.code("11").put(127, 7).code("11").put(116 - 11, 7).code("01" + "01" + "01" + "00").done(bytes(9)), "make no code"
    b = dynamic(257, 2, {0: 2, 1: 2, 2: 2, 18: 2})
    yield "distances-few", b.code("11").put(127, 7).code("11").put(117 - 11, 7).code("01" + "01" + "10" + "10").done(bytes(9)), "make no code"
    b = dynamic(258, 1, {0: 2, 1: 2, 2: 2, 18: 2})
    b.code("11").put(97 - 11, 7).code("01").code("11").put(138 - 11, 7).code("11").put(20 - 11, 7).code("10").code("10").code("01")
    yield "lone-distance-other-bit", b.code("0" + "11" + "1").done(bytes(9)), "is no code"
    yield "lengths-cut", dynamic(257, 1, {0: 1, 1: 1}).code("1011").done(), "cut short"


def wrapped():
    good = zlib.compress(b"hello hello hello")
    yield "zlib-good", good, b"hello hello hello"
    yield "zlib-header-cut", b"\x78", "cut short"
    yield "zlib-check", b"\x78\x9d" + good[2:], "not a zlib stream"
    yield "zlib-method", b"\x77\x85" + good[2:], "not a zlib stream"
    yield "zlib-window", b"\x88\x1c" + good[2:], "not a zlib stream"
    yield "zlib-dictionary", b"\x78\xbb" + bytes(4) + good[2:], "preset dictionary"
    yield "zlib-sum", good[:-1] + bytes([good[-1] ^ 1]), "Adler-32"
    yield "zlib-sum-cut", good[:-1], "cut short"


def gzip_files():
    raw = zlib.compress(b"hello hello hello")[2:-4]
    tail = struct.pack("<II", zlib.crc32(b"hello hello hello"), 17)
    head = lambda flags: b"\x1f\x8b\x08" + bytes([flags]) + bytes(6)
    yield "gzip-good", head(0) + raw + tail, b"hello hello hello"
    yield "gzip-fields", head(30) + b"\3\0abc" + b"name\0comment\0" + b"\0\0" + raw + tail, b"hello hello hello"
    yield "gzip-extra-cut", head(4) + b"\xff\xff" + raw + tail, "cut short"
    yield "gzip-name-cut", head(8) + b"name", "cut short"
    yield "gzip-check-cut", head(2) + b"\0", "cut short"
    yield "gzip-flags", head(64) + raw + tail, "not a gzip"
    yield "gzip-header-cut", head(0)[:9], "cut short"
    yield "gzip-crc", head(0) + raw + b"\0" + tail[1:], "CRC-32"
    yield "gzip-size", head(0) + raw + tail[:-1] + b"\1", "CRC-32"


def write(folder, suffix, files, manifest):
    os.makedirs(folder, exist_ok=True)
    for name, data, what in files:
        with open(os.path.join(folder, name + suffix), "wb") as f:
            f.write(data)
        if isinstance(what, bytes):
            what = "%d %s" % (len(what), hashlib.sha256(what).hexdigest())
        elif not (suffix == "" and "x" in what.split()[0] and len(what.split()) == 2 and len(what) > 64):
            what = "refused " + what
        manifest.append("%s %s\n" % (name + suffix, what))


if __name__ == "__main__":
    pictures, packed = [], []
    write("tests/corpus/png", "", good_pictures(), pictures)
    write("tests/corpus/png", "", hostile_pictures(), pictures)
    write("tests/corpus/inflate", ".raw", streams(), packed)
    write("tests/corpus/inflate", ".zlib", wrapped(), packed)
    write("tests/corpus/inflate", ".gz", gzip_files(), packed)
    open("tests/corpus/png/MANIFEST", "w").writelines(pictures)
    open("tests/corpus/inflate/MANIFEST", "w").writelines(packed)
