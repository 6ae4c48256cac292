"""Quantisation tables of Adobe Photoshop, as Pillow documents them (PIL.JpegPresets), as C.

    python tools/reference/provenance_tables.py        writes src/provenance/jpeg_tables_photoshop.h

Needs pillow.
"""
import os

from PIL import JpegPresets

NAMES = {"web_low": "Save for Web, low", "web_medium": "Save for Web, medium", "web_high": "Save for Web, high",
         "web_very_high": "Save for Web, very high", "web_maximum": "Save for Web, maximum", "low": "Save As, low",
         "medium": "Save As, medium", "high": "Save As, high", "maximum": "Save As, maximum"}


def main():
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src/provenance")
    with open(os.path.join(folder, "jpeg_tables_photoshop.h"), "w") as out:
        out.write("/* Made by tools/reference/provenance_tables.py from Pillow's list of Photoshop's tables. Row by row. */\n")
        for name, text in NAMES.items():
            out.write('{\n    "%s",\n    {\n' % text)
            for table in JpegPresets.presets[name]["quantization"]:
                out.write("        {\n")
                for row in range(4):
                    values = ", ".join(str(v) for v in table[16 * row:16 * row + 16])
                    out.write("            %s,\n" % values)
                out.write("        },\n")
            out.write("    },\n},\n")


main()
