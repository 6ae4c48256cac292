#!/usr/bin/env python3
"""Writes src/backbone/unicode_table.h: which characters are letters, numbers and white space, and their lower case, as
Python's unicodedata and str.lower have them. Run: python3 tools/reference/unicode.py"""
import pathlib
import sys
import unicodedata

OUT = pathlib.Path(__file__).resolve().parents[2] / "src" / "backbone" / "unicode_table.h"
ALL = [c for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]


def ranges(accept):
    out = []
    for c in ALL:
        if not accept(chr(c)):
            continue
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def lower_runs():
    """[first, last, step, difference]; characters whose lower case is more than one are left alone."""
    out = []
    for c in ALL:
        low = chr(c).lower()
        if len(low) != 1 or ord(low) == c:
            continue
        d = ord(low) - c
        if out and out[-1][3] == d and c - out[-1][1] in (1, 2) and out[-1][2] in (0, c - out[-1][1]):
            out[-1][2] = c - out[-1][1]
            out[-1][1] = c
        else:
            out.append([c, c, 0, d])
    return [[a, b, s or 1, d] for a, b, s, d in out]


def table(name, kind, rows, note):
    items = ["{" + ", ".join(hex(v) if i < 2 else str(v) for i, v in enumerate(row)) + "}" for row in rows]
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > 118:
            lines.append(line)
            line = "   "
        line += " " + item + ","
    lines.append(line)
    return f"/* {note} */\nstatic const struct {kind} {name}[] = {{\n" + "\n".join(lines) + "\n};\n"


if __name__ == "__main__":
    letters = ranges(lambda c: unicodedata.category(c)[0] == "L")
    numbers = ranges(lambda c: unicodedata.category(c)[0] == "N")
    OUT.write_text(
        "/* unicode_table.h - character classes and lower case, written by tools/reference/unicode.py from Unicode "
        + unicodedata.unidata_version + ". */\n#ifndef ASSAY_BACKBONE_UNICODE_TABLE_H\n"
        "#define ASSAY_BACKBONE_UNICODE_TABLE_H\n\n#include <stdint.h>\n\n/* clang-format off */\n"
        "struct unicode_range { uint32_t first, last; };\n"
        "struct unicode_case { uint32_t first, last; int32_t step, difference; };\n\n"
        + table("unicode_letters", "unicode_range", letters, "\\p{L}") + "\n"
        + table("unicode_numbers", "unicode_range", numbers, "\\p{N}") + "\n"
        + table("unicode_lower", "unicode_case", lower_runs(), "every step-th from first to last") +
        "/* clang-format on */\n\n#endif\n")
