"""Fixtures of tests/image: small pictures in every format, and what Pillow, torchvision, SciPy and OpenCV make of them.

    python tools/reference/image.py            writes tests/image/fixtures/* (pictures, expected.h)

The pictures are computed here. Results are kept as digests (the first 8 bytes of SHA-256 over the RGB pixels), because
they have to be equal to the bit; where a reference may differ by a level, its pixels are kept as a PNG.
Needs numpy, scipy, pillow, opencv, torchvision, tifffile and, for HEIC and interlaced PNG, libvips.
"""
import ctypes
import hashlib
import io
import os
import warnings

# numpy's exp has kernels of its own for AVX-512, which differ from the C library's in the last bit; SciPy's blur
# truncates, so that this bit can be seen
os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4,AVX512_ICL,AVX512_SPR"
warnings.simplefilter("ignore")

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter
from torchvision import transforms

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/image/fixtures")
FILTERS = {"IMAGE_BOX": Image.BOX, "IMAGE_BILINEAR": Image.BILINEAR, "IMAGE_BICUBIC": Image.BICUBIC,
           "IMAGE_LANCZOS": Image.LANCZOS}
WIDTH, HEIGHT = 61, 43


def at(name):
    return os.path.join(FIXTURES, name)


def pattern(width, height):
    """Gradients with a noisy patch. tests/image/pictures.h has the same formula (without the patch)."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 4 + y, y * 5 + x * x // 9, x * y // 7 + 40], 2).astype(np.uint8)
    noise = np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)
    patch = (x > width // 4) & (x < width // 2) & (y > height // 4) & (y < height // 2)
    rgb[patch] = noise[patch]
    return rgb


def digest(pixels):
    pixels = np.ascontiguousarray(pixels)
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    return "UINT64_C(0x%s)" % hashlib.sha256(pixels.tobytes()).digest()[:8].hex()


# ---- pictures -----------------------------------------------------------------------------------------------------

class Vips:
    """The few calls of libvips that write what Pillow cannot."""

    def __init__(self):
        self.lib = ctypes.CDLL("libvips.so.42")
        self.lib.vips_init(b"")
        self.lib.vips_image_new_from_memory_copy.restype = ctypes.c_void_p
        self.lib.vips_image_new_from_memory_copy.argtypes = [ctypes.c_char_p, ctypes.c_size_t] + [ctypes.c_int] * 4

    def save(self, rgb, name, saver, *options):
        data = rgb.tobytes()
        image = self.lib.vips_image_new_from_memory_copy(data, len(data), rgb.shape[1], rgb.shape[0], 3, 0)
        copy = ctypes.c_void_p()
        self.lib.vips_copy(ctypes.c_void_p(image), ctypes.byref(copy), b"interpretation", ctypes.c_int(22), None)
        assert getattr(self.lib, saver)(copy, at(name).encode(), *options, None) == 0, name


def write_pictures():
    """Returns {file: pixels}: what has to come out exactly."""
    rgb = pattern(WIDTH, HEIGHT)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    image, grey = Image.fromarray(rgb), Image.fromarray(rgb).convert("L")
    alpha = Image.fromarray(np.dstack([rgb, ((x + y) * 3 % 256).astype(np.uint8)]))
    cmyk = np.array(image.convert("CMYK"))
    cmyk[..., 3] = (x * 2 + y) % 256
    cmyk = Image.fromarray(cmyk, "CMYK")
    palette = image.quantize(17)
    frames = [image.transpose(Image.FLIP_LEFT_RIGHT), grey.convert("RGB")]
    saved = {
        "rgb.jpg": (image, dict(quality=88)), "progressive.jpg": (image, dict(quality=70, progressive=True)),
        "444.jpg": (image, dict(quality=90, subsampling=0)), "422.jpg": (image, dict(quality=90, subsampling=1)),
        "grey.jpg": (grey, {}), "cmyk.jpg": (cmyk, dict(quality=90)),
        "rgb.png": (image, {}), "alpha.png": (alpha, {}), "grey.png": (grey, {}),
        "grey_alpha.png": (alpha.convert("LA"), {}),
        "bits.png": (image.convert("1"), {}), "palette.png": (palette, {}), "palette_2bit.png": (image.quantize(4), {}),
        "palette_transparent.png": (palette, dict(transparency=3)), "colour_key.png": (grey, dict(transparency=7)),
        "lossy.webp": (image, dict(quality=80)), "alpha.webp": (alpha, dict(quality=80)),
        "lossless.webp": (image, dict(lossless=True)), "lossless_alpha.webp": (alpha, dict(lossless=True, exact=True)),
        "animated.webp": (image, dict(save_all=True, append_images=frames, duration=50)),
        "rgb.gif": (image, {}), "transparent.gif": (palette, dict(transparency=3)),
        "animated.gif": (palette, dict(save_all=True, append_images=[f.quantize(16) for f in frames], duration=50)),
        "lzw.tif": (image, dict(compression="tiff_lzw")), "jpeg.tif": (image, dict(compression="jpeg")),
        "deflate.tif": (alpha, dict(compression="tiff_adobe_deflate")),
        "cmyk.tif": (cmyk, dict(compression="tiff_lzw")),
        "fax.tif": (image.convert("1"), dict(compression="group4")),
        "palette.tif": (palette, dict(compression="tiff_lzw")),
        "pages.tif": (grey, dict(save_all=True, append_images=frames, compression="tiff_lzw")),
    }
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        for kind, options in {"jpg": dict(quality=80), "webp": dict(lossless=True),
                              "tif": dict(compression="tiff_lzw"), "png": {}}.items():
            if kind == "jpg" or orientation == 6:
                saved[f"orientation_{orientation}.{kind}"] = (image.crop((0, 0, 29, 17)), dict(exif=exif, **options))
    pixels = {}
    for name, (picture, options) in saved.items():
        picture.save(at(name), **options)
        with Image.open(at(name)) as read:
            pixels[name] = np.asarray(ImageOps.exif_transpose(read).convert("RGB"))

    # 16 bits become 8 by >> 8, unlike in Pillow
    deep = (rgb.astype(np.uint16) * 257) ^ np.random.default_rng(4).integers(0, 255, rgb.shape, dtype=np.uint16)
    deep = deep[:19, :23]
    cv2.imwrite(at("16bit.png"), deep[:, :, ::-1])
    cv2.imwrite(at("16bit_grey.png"), deep[:, :, 0])
    tifffile.imwrite(at("16bit.tif"), deep, photometric="rgb")
    tifffile.imwrite(at("float.tif"), deep[:, :, 0].astype(np.float32) / 65535)  # refused
    pixels["16bit.png"] = pixels["16bit.tif"] = (deep >> 8).astype(np.uint8)
    pixels["16bit_grey.png"] = np.repeat(deep[:, :, :1] >> 8, 3, 2).astype(np.uint8)

    # libheif, and the converter of colours behind it, may round otherwise than libavif
    image.save(at("444.avif"), quality=90, subsampling="4:4:4")
    Image.open(at("444.avif")).convert("RGB").save(at("444.avif.png"))

    vips = Vips()
    vips.save(rgb, "interlaced.png", "vips_pngsave", b"interlace", ctypes.c_int(1))
    pixels["interlaced.png"] = rgb
    vips.save(rgb, "lossless.heic", "vips_heifsave", b"lossless", ctypes.c_int(1), b"subsample_mode",
              ctypes.c_int(2))  # compared with rgb.png
    return pixels


# ---- tables -------------------------------------------------------------------------------------------------------

def resized(image, size, kind):
    """Horizontal pass first, as Pillow did up to 12 (13 picks the cheaper order); but very tall pictures."""
    width, height = size
    if image.height > 100 * image.width and height < image.height:
        return image.resize((image.width, height), kind).resize(size, kind)
    return image.resize((width, image.height), kind).resize(size, kind)


def resize_table(sources):
    for name, source in sources.items():
        image = Image.fromarray(source)
        w, h = image.size
        for filter_name, kind in FILTERS.items():
            for size in {(1, 1): 0, (17, 23): 0, (64, 64): 0, (97, 11): 0, (11, 97): 0, (w, 20): 0, (20, h): 0,
                         (w + 1, h - 1 or 1): 0, (150, 131): 0, (w, h): 0}:
                yield f'"{name}", {filter_name}, {size[0]}, {size[1]}, {digest(np.asarray(resized(image, size, kind)))}'


def shorter_table(source):
    for crop in [(61, 43), (20, 43), (43, 43), (61, 2)]:
        image = Image.fromarray(source[:crop[1], :crop[0]])
        for side in [1, 7, 43, 50]:
            size = transforms.Resize(side)(image).size
            out = np.asarray(resized(image, size, Image.BILINEAR))
            yield f"{crop[0]}, {crop[1]}, {side}, {size[0]}, {size[1]}, {digest(out)}"


def center_table(source):
    image = Image.fromarray(source)
    for w, h in [(1, 1), (2, 2), (20, 20), (21, 20), (60, 42), (61, 43), (62, 44), (64, 20), (20, 64), (101, 99),
                 (3, 90)]:
        yield f"{w}, {h}, {digest(np.asarray(transforms.CenterCrop((h, w))(image)))}"


def blur_table(sources):
    for name, source in sources.items():
        for sigma in [0.1, 0.5, 1.0, 1.7, 2.0, 3.0, 20.0]:
            out = np.stack([gaussian_filter(source[:, :, c], sigma=sigma) for c in range(3)], 2)
            yield f'"{name}", {sigma}, {digest(out)}'


def kernel_table(sources):
    for name, source in sources.items():
        for size, sigma in [(1, 1.0), (3, 4.0), (5, 4.0), (7, 4.0), (9, 4.0), (9, 0.7), (31, 10.0)]:
            yield f'"{name}", {size}, {sigma}, {digest(cv2.GaussianBlur(source, (size, size), sigma))}'


def jpeg_table(sources):
    for name, source in sources.items():
        for quality in [1, 10, 50, 75, 90, 95, 100]:
            file = io.BytesIO()
            Image.fromarray(source).save(file, "JPEG", quality=quality)
            yield f'"{name}", {quality}, {digest(np.asarray(Image.open(file)))}'


def write():
    os.makedirs(FIXTURES, exist_ok=True)
    pixels = write_pictures()
    sources = {"rgb.png": pattern(WIDTH, HEIGHT), "tall.png": pattern(3, 331), "row.png": pattern(50, 1),
               "flat.png": np.full((9, 9, 3), (100, 255, 7), np.uint8)}
    for name, source in sources.items():
        Image.fromarray(source).save(at(name), optimize=True)
    three = {name: sources[name] for name in ["rgb.png", "tall.png", "row.png"]}
    tables = {
        "struct { const char *file; int width, height; uint64_t digest; } expected_pictures":
            (f'"{n}", {p.shape[1]}, {p.shape[0]}, {digest(p)}' for n, p in sorted(pixels.items())),
        "struct { const char *file; enum image_filter filter; int width, height; uint64_t digest; } "
        "expected_resize": resize_table(three),
        "struct { int from_width, from_height, side, width, height; uint64_t digest; } expected_shorter":
            shorter_table(sources["rgb.png"]),
        "struct { int width, height; uint64_t digest; } expected_center": center_table(sources["rgb.png"]),
        "struct { const char *file; double sigma; uint64_t digest; } expected_blur": blur_table(sources),
        "struct { const char *file; int size; double sigma; uint64_t digest; } expected_kernel": kernel_table(sources),
        "struct { const char *file; int quality; uint64_t digest; } expected_jpeg": jpeg_table(three),
    }
    with open(at("expected.h"), "w") as out:
        out.write("/* expected.h - what the references make of the pictures here. "
                  "Written by tools/reference/image.py. */\n"
                  "/* clang-format off */\n")
        for declaration, rows in tables.items():
            head, name = declaration.rsplit(" ", 1)
            out.write(f"static const {head} {name}[] __attribute__((unused)) = {{\n")
            out.writelines(f"    {{{row}}},\n" for row in rows)
            out.write("};\n")


if __name__ == "__main__":
    write()
