"""Quantisation tables of Adobe Photoshop, as Pillow documents them (PIL.JpegPresets), as C.

    python tools/reference/provenance_tables.py        writes src/provenance/jpeg_tables_photoshop.h

Needs pillow, and clang-format for the layout.
"""
import os
import subprocess

from PIL import JpegPresets

NAMES = {"web_low": "Save for Web, low", "web_medium": "Save for Web, medium", "web_high": "Save for Web, high",
         "web_very_high": "Save for Web, very high", "web_maximum": "Save for Web, maximum", "low": "Save As, low",
         "medium": "Save As, medium", "high": "Save As, high", "maximum": "Save As, maximum"}


def main():
    text = ("/* Made by tools/reference/provenance_tables.py from Pillow's list of Photoshop's tables. Row by row. */\n")
    for name, setting in NAMES.items():
        tables = JpegPresets.presets[name]["quantization"]
        rows = ", ".join("{%s,}" % ", ".join(map(str, table)) for table in tables)
        text += '{"%s", {%s,},},\n' % (setting, rows)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    path = os.path.join(root, "src/provenance/jpeg_tables_photoshop.h")
    formatted = subprocess.run(["clang-format", "--assume-filename=" + path], input=text, text=True, check=True,
                               stdout=subprocess.PIPE).stdout
    with open(path, "w") as out:
        out.write(formatted)


main()
