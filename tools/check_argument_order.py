#!/usr/bin/env python3
"""Two tape operators as arguments of one call run in an order that C leaves open, and with it the order in which
gradients are added: results would depend on the compiler.  Prints such calls and fails when there is one."""
import glob
import re
import sys

NESTED = re.compile(r"\b[a-z_0-9]+\((&t|&tape|tape)\b\s*,")


def arguments(text, start):
    """The arguments of the call whose parenthesis opens at `start`."""
    parts, part, depth = [], "", 0
    for c in text[start:]:
        if c in "([{":
            depth += 1
            if depth == 1:
                continue
        elif c in ")]}":
            depth -= 1
            if depth == 0:
                return parts + [part]
        elif c == "," and depth == 1:
            parts.append(part)
            part = ""
            continue
        part += c
    return parts


def main():
    bad = 0
    for name in sorted(sum((glob.glob(folder + "/*.c") for folder in
                            "nn weights diffusion guidance metrics cli".split()), [])):
        text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), open(name).read(), flags=re.S)
        for call in re.finditer(r"\b([a-z_0-9]+)\(", text):
            nested = [a for a in arguments(text, call.end() - 1)
                      if NESTED.search(a) and not re.match(r"\s*tape_input\(", a)]
            if len(nested) > 1:
                bad += 1
                print("%s:%d: two operators as arguments of %s" % (name, text.count("\n", 0, call.start()) + 1, call.group(1)))
    return bad != 0


sys.exit(main())
