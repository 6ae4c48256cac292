"""Fixtures for tests/nn/test_npr.c (the paper's own definition of NPR, by interpolation) and for
tests/detector/test_preprocess.c (torchvision's transforms on a small synthetic picture)."""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torchvision import transforms as T

TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests"


def npr():
    torch.manual_seed(3)
    x = torch.randn(2, 3, 12, 24)
    out = {"x": x.permute(0, 2, 3, 1).contiguous()}
    for l in (2, 3, 4):  # 12 and 24 are multiples of each
        down = F.interpolate(x, scale_factor=1 / l, mode="nearest", recompute_scale_factor=True)
        up = F.interpolate(down, scale_factor=l, mode="nearest", recompute_scale_factor=True)
        out[f"npr{l}"] = ((x - up) * (2 / 3)).permute(0, 2, 3, 1).contiguous()
    (TESTS / "nn" / "fixtures").mkdir(parents=True, exist_ok=True)
    save_file(out, TESTS / "nn" / "fixtures" / "npr.safetensors")


def picture(rng, width, height):
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([x * 3 + y, 255 - 4 * y, 128 + 100 * np.sin(x / 3.0)], -1)
    return Image.fromarray(np.clip(smooth + rng.normal(0, 20, smooth.shape), 0, 255).astype(np.uint8), "RGB")


def preprocess():
    rng = np.random.default_rng(4)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    cases = {
        "shorter_bilinear": (61, 47, [T.Resize(40, T.InterpolationMode.BILINEAR)]),
        "shorter_bicubic": (33, 70, [T.Resize(37, T.InterpolationMode.BICUBIC)]),
        "exact_lanczos": (61, 20, [T.Resize((35, 35), T.InterpolationMode.LANCZOS)]),
        "native_center": (45, 40, []),
        "native_pad": (21, 45, []),
        "shorter_pad": (30, 50, [T.Resize(25, T.InterpolationMode.BILINEAR)]),
    }
    out = {}
    for name, (width, height, before) in cases.items():
        image = picture(rng, width, height)
        steps = T.Compose([*before, T.CenterCrop(32), T.ToTensor(), T.Normalize(mean, std)])
        out[name + ".picture"] = torch.from_numpy(np.array(image))
        out[name + ".tensor"] = steps(image).permute(1, 2, 0).contiguous()
    (TESTS / "detector" / "fixtures").mkdir(parents=True, exist_ok=True)
    save_file(out, TESTS / "detector" / "fixtures" / "preprocess.safetensors")


if __name__ == "__main__":
    npr()
    preprocess()
