"""Fixtures of tests/image/test_perturbation.c: what Pillow, OpenCV and SciPy make of a picture under each step.

    python tools/reference/perturbations.py    writes tests/image/fixtures/perturb_*.png, perturbations.h

Chains without chance only. What has to be equal to the bit is kept as a digest (as in image.py); OpenCV's cubic resize
and WebP, where a level or the version of the codec may differ, as pixels. The steps with quirks are the very calls of
create_perturbed_imagedata.py (RUB-SysSec/GANDCTAnalysis, Frank et al. 2020). Needs numpy, scipy, pillow, opencv.
"""
import io
import os

os.environ["NPY_DISABLE_CPU_FEATURES"] = "X86_V4,AVX512_ICL,AVX512_SPR"  # see image.py

import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from image import FIXTURES, at, digest, pattern, resized


def scaled(side, factor):
    return max(1, int(side * factor + 0.5))


def encoded(rgb, kind, **options):
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, kind, **options)
    return np.asarray(Image.open(file).convert("RGB"))


def jpeg(rgb, quality):
    return encoded(rgb, "JPEG", quality=quality)


def resize_to(rgb, width, height):
    return np.asarray(resized(Image.fromarray(rgb), (width, height), Image.BICUBIC))


def resize(rgb, factor):
    height, width = rgb.shape[:2]
    return resize_to(rgb, scaled(width, factor), scaled(height, factor))


def to_width(rgb, width):
    return resize_to(rgb, width, scaled(rgb.shape[0], width / rgb.shape[1]))


def fit(rgb, longer):
    most = max(rgb.shape[:2])
    return rgb if most <= longer else resize_to(rgb, scaled(rgb.shape[1], longer / most),
                                                scaled(rgb.shape[0], longer / most))


def crop(rgb, share):
    height, width = rgb.shape[:2]
    w, h = scaled(width, share), scaled(height, share)
    left, top = int(round((width - w) / 2.0)), int(round((height - h) / 2.0))
    return rgb[top:top + h, left:left + w]


def blur(rgb, sigma):
    return np.stack([gaussian_filter(rgb[:, :, c], sigma=sigma) for c in range(3)], 2)


def kernel(rgb, size):
    return cv2.GaussianBlur(rgb, (size, size), sigmaX=cv2.BORDER_DEFAULT)


def jpeg_as_released(rgb):
    """Whatever factor is drawn: it is handed over as the name of a parameter that does not exist."""
    _, data = cv2.imencode(".jpg", rgb, [42, 90])
    return cv2.imdecode(data, 1)


def zoom(rgb, share, transposed=False):
    x, y = rgb.shape[:2]
    dx, dy = int(x * share * .5), int(y * share * .5)
    inner = np.ascontiguousarray(rgb[dx:x - dx, dy:y - dy])
    return cv2.resize(inner, dsize=(x, y) if transposed else (y, x), interpolation=cv2.INTER_CUBIC)


def write():
    source = pattern(61, 43)  # rgb.png of image.py
    equal = {"jpeg:75": jpeg(source, 75), "jpeg:10": jpeg(source, 10), "blur:1": blur(source, 1.0),
             "kernel:5": kernel(source, 5), "kernel:9": kernel(source, 9), "jpeg-bgr:95": jpeg_as_released(source),
             "resize:0.5": resize(source, 0.5), "resize:1.3": resize(source, 1.3), "width:100": to_width(source, 100),
             "fit:50": fit(source, 50), "fit:61": source, "crop:0.8": crop(source, 0.8), "crop:0.05": crop(source, .05),
             "resize:0.5+jpeg:70": jpeg(resize(source, 0.5), 70),
             "width:100+jpeg:85": jpeg(to_width(source, 100), 85),
             "crop:0.9+blur:0.5+jpeg:90": jpeg(blur(crop(source, 0.9), 0.5), 90)}
    close = {"zoom:0.05": zoom(source, .05), "zoom:0.2": zoom(source, .2),
             "zoom-transposed:0.1": zoom(source, .1, True), "webp:20": encoded(source, "WEBP", quality=20),
             "webp:60": encoded(source, "WEBP", quality=60), "webp:95": encoded(source, "WEBP", quality=95)}
    for chain, pixels in close.items():
        Image.fromarray(pixels).save(at(name(chain)), optimize=True)
    with open(at("perturbations.h"), "w") as out:
        out.write("/* perturbations.h - what the references make of rgb.png. Written by tools/reference/perturbations.py. "
                  "*/\n/* clang-format off */\n"
                  "static const struct { const char *chain; uint64_t digest; } expected_equal[] = {\n")
        out.writelines(f'    {{"{chain}", {digest(pixels)}}},\n' for chain, pixels in equal.items())
        out.write("};\nstatic const struct { const char *chain, *file; } expected_close[] = {\n")
        out.writelines(f'    {{"{chain}", "{name(chain)}"}},\n' for chain in close)
        out.write("};\n")


def name(chain):
    return "perturb_" + chain.replace(":", "_").replace(".", "").replace("-", "_") + ".png"


if __name__ == "__main__":
    os.makedirs(FIXTURES, exist_ok=True)
    write()
