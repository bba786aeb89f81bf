#!/usr/bin/env python3
"""Writes the tables of diffusion/tokenizer_unicode.c from Python's unicodedata.

Run by hand, never by make:
    python3 tools/make_unicode_tables.py classes  > diffusion/tokenizer_unicode_classes.c
    python3 tools/make_unicode_tables.py mappings > diffusion/tokenizer_unicode_mappings.c
The committed tables are those of Unicode 14.0.0 (Python 3.11); another Python gives another version.
"""
import sys
import unicodedata as ud

ALL = range(sys.maxunicode + 1)


def ranges(inside):
    """[(first, count)] of the code points for which inside(character) holds."""
    out = []
    for c in ALL:
        if inside(chr(c)):
            if out and out[-1][0] + out[-1][1] == c:
                out[-1][1] += 1
            else:
                out.append([c, 1])
    return out


def gaps(found):
    """Alternately: how many code points are outside, how many inside."""
    end, numbers = 0, []
    for first, count in found:
        numbers += [first - end, count]
        end = first + count
    return numbers


def table(kind, name, numbers, comment):
    print("\n/* %s */\nconst %s %s[] = {" % (comment, kind, name))
    line = "   "
    for n in numbers:
        item = " %s," % n
        if len(line) + len(item) > 108:
            print(line)
            line = "   "
        line += item
    print(line.rstrip(",") + "};")
    print("const size_t %s_COUNT = sizeof %s / sizeof %s[0];" % (name, name, name))


def lower_runs():
    """[gap, count, stride, delta]: count characters, stride apart, become lower case by adding delta."""
    runs = []
    for c in ALL:
        low = chr(c).lower()
        if len(low) != 1 or ord(low) == c:
            continue
        delta = ord(low) - c
        if runs:
            first, count, stride, d = runs[-1]
            step = c - (first + (count - 1) * stride)
            if d == delta and step <= 2 and (count == 1 or step == stride):
                runs[-1] = (first, count + 1, step, d)
                continue
        runs.append((c, 1, 1, delta))
    numbers, before = [], 0
    for first, count, stride, delta in runs:
        numbers += [first - before, count, stride, delta]
        before = first
    return numbers


def decompositions(length):
    """Pairs as [gap, first, second]; second is negative where the pair does not compose again.
    Singletons as [gap, what it becomes].  A gap counts from the character before in the same list."""
    numbers, before = [], 0
    for c in ALL:
        text = ud.decomposition(chr(c))
        parts = [int(x, 16) for x in text.split()] if text and not text.startswith("<") else []
        if len(parts) == length:
            if length == 2 and ud.normalize("NFC", chr(c)) != chr(c):
                parts[1] = -parts[1]
            numbers += [c - before] + parts
            before = c
    return numbers


def combining():
    found = []
    for c in ALL:
        k = ud.combining(chr(c))
        if k:
            if found and found[-1][0] + found[-1][1] == c and found[-1][2] == k:
                found[-1][1] += 1
            else:
                found.append([c, 1, k])
    numbers, end = [], 0
    for first, count, k in found:
        numbers += [first - end, count, k]
        end = first + count
    return numbers


def category(letter):
    return gaps(ranges(lambda s: ud.category(s)[0] == letter))


def classes():
    # Python's rule for the final sigma tells which characters are cased and which the rule skips.
    after_a = {c for c in ALL if ("a" + chr(c) + "\u03a3").lower().endswith("\u03c2")}
    alone = {c for c in ALL if (chr(c) + "\u03a3").lower().endswith("\u03c2")}
    table("uint32_t", "UNICODE_LETTER", category("L"), "categories L*: gap, length")
    table("uint32_t", "UNICODE_NUMBER", category("N"), "categories N*: gap, length")
    table("uint32_t", "UNICODE_CONTROL", category("C"),
          "categories C* (control, format, surrogate, private, unassigned): gap, length")
    table("uint32_t", "UNICODE_CASED", gaps(ranges(lambda s: ord(s) in alone)), "cased, not ignorable: gap, length")
    table("uint32_t", "UNICODE_IGNORABLE", gaps(ranges(lambda s: ord(s) in after_a - alone)),
          "case-ignorable: gap, length")


def mappings():
    table("int32_t", "UNICODE_LOWER", lower_runs(), "lower case: gap, count, stride, what to add")
    table("uint32_t", "UNICODE_COMBINING", combining(), "canonical combining class: gap, length, class")
    table("int32_t", "UNICODE_PAIR", decompositions(2),
          "canonical pairs: gap, first, second; second is negative where the pair does not compose again")
    table("uint32_t", "UNICODE_SINGLE", decompositions(1), "canonical singletons: gap, what it becomes")


what = sys.argv[1]
print("/* diffusion/tokenizer_unicode_%s.c - Unicode %s, written by tools/make_unicode_tables.py." %
      (what, ud.unidata_version))
print(" * tokenizer_unicode.c reads them. */")
print('#include "diffusion/tokenizer_unicode.h"')
print("\n/* clang-format off */")
{"classes": classes, "mappings": mappings}[what]()
