"""Fixtures of tests/image/test_facts.c: small pictures with metadata, and what Pillow and imagehash find in them.

    python tools/reference/facts.py            writes tests/image/fixtures/facts/* and facts.h

Needs numpy, pillow (with AVIF) and imagehash.
"""
import io
import os
import struct
import zlib

import imagehash
import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/image/fixtures")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>'
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
BITS = {"exif": "METADATA_EXIF", "xmp": "METADATA_XMP", "icc": "METADATA_ICC", "text": "METADATA_TEXT",
        "c2pa": "METADATA_C2PA"}


def picture(width, height, seed):
    """A smooth random picture: a few waves."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(3):
        plane = np.full((height, width), 128.0)
        for _ in range(6):
            fx, fy, phase = draw.uniform(-4, 4), draw.uniform(-4, 4), draw.uniform(0, 7)
            plane += draw.uniform(5, 40) * np.cos(2 * np.pi * (fx * x / width + fy * y / height) + phase)
        planes.append(plane)
    return Image.fromarray(np.clip(np.stack(planes, 2), 0, 255).astype(np.uint8))


def exif():
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    return tags


def save(name, image, **options):
    path = os.path.join(FOLDER, "facts", name)
    image.save(path, **options)
    return path


def after_start(path, marker, body):
    """Puts a segment behind a JPEG's start."""
    data = open(path, "rb").read()
    with open(path, "wb") as file:
        file.write(data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:])


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def make():
    """name: which metadata was put in."""
    base = picture(45, 30, 1)
    made = {}
    save("plain.jpg", base, quality=80)
    made["plain.jpg"] = []
    save("exif-icc.jpg", base, quality=91, subsampling=0, exif=exif(), icc_profile=ICC)
    made["exif-icc.jpg"] = ["exif", "icc"]
    save("xmp.jpg", base, quality=75, progressive=True, subsampling=1, xmp=XMP)
    made["xmp.jpg"] = ["xmp"]
    after_start(save("comment.jpg", base, quality=60, comment="a comment"), 0xED, b"Photoshop 3.0\0")
    made["comment.jpg"] = ["text"]
    after_start(save("c2pa.jpg", base, quality=85), 0xEB, b"JP\0\1\0\0\0\1\0\0\0\x18jumb\0\0\0\x10jumdc2pa")
    made["c2pa.jpg"] = ["c2pa"]
    tables = [[3 + i // 9 for i in range(64)], [4 + i // 7 for i in range(64)]]
    save("own-tables.jpg", base, qtables=tables)
    made["own-tables.jpg"] = []
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a cat, Steps: 20")
    save("text.png", base, pnginfo=text)
    made["text.png"] = ["text"]
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    save("all.png", base, pnginfo=text, exif=exif(), icc_profile=ICC)
    made["all.png"] = ["exif", "xmp", "icc"]
    data = open(os.path.join(FOLDER, "facts", "all.png"), "rb").read()
    at = data.index(b"IDAT") - 4
    with open(os.path.join(FOLDER, "facts", "c2pa.png"), "wb") as file:
        file.write(data[:33] + chunk(b"caBX", b"jumb") + data[at:])
    made["c2pa.png"] = ["c2pa"]
    save("all.webp", base, quality=80, exif=exif(), icc_profile=ICC, xmp=XMP)
    made["all.webp"] = ["exif", "xmp", "icc"]
    save("plain.webp", base, lossless=True)
    made["plain.webp"] = []
    save("comment.gif", base, comment=b"a comment")
    made["comment.gif"] = ["text"]
    save("exif-icc.avif", base, quality=50, exif=exif(), icc_profile=ICC, xmp=XMP)
    made["exif-icc.avif"] = ["exif", "xmp", "icc"]
    save("icc.tif", base, icc_profile=ICC, exif=exif())
    made["icc.tif"] = ["icc"]
    for name, (width, height, seed) in {"wide.png": (200, 40, 2), "large.png": (150, 170, 3),
                                        "tiny.png": (9, 7, 4)}.items():
        save(name, picture(width, height, seed))
        made[name] = []
    return made


def main():
    os.makedirs(os.path.join(FOLDER, "facts"), exist_ok=True)
    with open(os.path.join(FOLDER, "facts.h"), "w") as out:
        out.write("/* Made by tools/reference/facts.py. */\n")
        for name, metadata in make().items():
            image = Image.open(os.path.join(FOLDER, "facts", name))
            small = image.convert("L").resize((32, 32), Image.LANCZOS)
            flat = np.asarray(small, dtype=float).std() < 4
            out.write('{"%s", PICTURE_%s, %d, %d, %s, UINT64_C(0x%s), %s},\n' % (
                name, {"MPO": "JPEG", "AVIF": "HEIF"}.get(image.format, image.format), *image.size,
                " | ".join(BITS[kind] for kind in metadata) or "0",
                imagehash.phash(image.convert("RGB")), str(bool(flat)).lower()))


main()
