#!/usr/bin/env python3
"""Writes tests/detector/fixtures/transforms.safetensors: every seventh pixel of what the published transforms of CLIP, DINOv2
and torchvision (both generations of weights) make of pictures that lie in the repository, before normalisation.
Run: python3 tools/reference/transforms.py (needs torch, torchvision, pillow).

Pictures become RGB first, as every training pipeline does it. Pillow 13 resizes vertically first where that is cheaper; here
it is always horizontally first, as before."""
import pathlib

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision import transforms as t
from torchvision.models import ResNet50_Weights

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "tests" / "detector" / "fixtures" / "transforms.safetensors"
PICTURES = ["examples/astronaut.jpg", "examples/chelsea.jpg", "examples/coffee.jpg", "examples/rocket.jpg",
            "tests/image/fixtures/grey.jpg", "tests/image/fixtures/cmyk.jpg", "tests/image/fixtures/palette.png",
            "tests/image/fixtures/alpha.png", "tests/image/fixtures/progressive.jpg"]
STEP, FIRST = 7, 3

resize = Image.Image.resize


def horizontal_first(image, size, resample=None, box=None, reducing_gap=None):
    assert box is None
    if size[0] != image.width and size[1] != image.height:
        image = resize(image, (size[0], image.height), resample)
    return resize(image, size, resample)


def main():
    Image.Image.resize = horizontal_first
    generations = {name: getattr(ResNet50_Weights, name).transforms() for name in ("IMAGENET1K_V1", "IMAGENET1K_V2")}
    bicubic = t.InterpolationMode.BICUBIC
    makers = {
        "clip": t.Compose([t.Resize(224, interpolation=bicubic), t.CenterCrop(224)]),
        "dinov2": t.Compose([t.Resize(256, interpolation=bicubic), t.CenterCrop(224)]),
        "v1": generations["IMAGENET1K_V1"], "v2": generations["IMAGENET1K_V2"],
    }
    out = {}
    for path in PICTURES:
        image = Image.open(ROOT / path).convert("RGB")
        for name, make in makers.items():
            made = make(image)
            if isinstance(made, torch.Tensor):  # torchvision's presets normalise, too
                preset = generations["IMAGENET1K_" + name.upper()]
                mean, std = (torch.tensor(v).view(3, 1, 1) for v in (preset.mean, preset.std))
                levels = ((made * std + mean) * 255).permute(1, 2, 0)
                assert (levels - levels.round()).abs().max() < 1e-3
                pixels = levels.round().to(torch.uint8)
            else:
                pixels = torch.from_numpy(np.array(made))
            assert pixels.shape == (224, 224, 3), pixels.shape
            out[f"{name}:{path}"] = pixels[FIRST::STEP, FIRST::STEP].contiguous()
    save_file(out, OUT)


if __name__ == "__main__":
    main()
