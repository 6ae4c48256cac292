"""Fixture for tests/nn/test_upsample.c: torch's ConvTranspose2d, PixelShuffle, PixelUnshuffle and Upsample on random
values, with their gradients, in the form that tests/nn/replay.h reads (see vit.py)."""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "tests" / "nn" / "fixtures"

# name, output channels, arguments of ConvTranspose2d
TRANSPOSED = [
    ("k4s2", 5, dict(kernel_size=4, stride=2, padding=1, bias=True)),
    ("k3s2", 7, dict(kernel_size=3, stride=2, padding=1, output_padding=1, bias=True)),
    ("k2s2", 3, dict(kernel_size=2, stride=2, bias=False)),
    ("k5s3", 4, dict(kernel_size=5, stride=3, padding=2, output_padding=2, bias=False)),
    ("k3s1", 6, dict(kernel_size=3, stride=1, padding=1, bias=True)),
    ("k1s2", 4, dict(kernel_size=1, stride=2, output_padding=1, bias=True)),
    ("groups", 8, dict(kernel_size=4, stride=2, padding=1, groups=4, bias=True)),
]


def main():
    torch.manual_seed(11)
    params = {"x": torch.randn(2, 2, 4, 12).double().requires_grad_()}
    x = params["x"].permute(0, 3, 1, 2)
    out = {}
    for name, channels, args in TRANSPOSED:
        layer = torch.nn.ConvTranspose2d(12, channels, **args).double()
        for key, value in layer.named_parameters():
            params[f"{name}.{key}"] = value
        out[name] = layer(x)
    out["shuffle2"] = F.pixel_shuffle(x, 2)
    out["unshuffle2"] = F.pixel_unshuffle(x, 2)
    out["nearest2"] = torch.nn.Upsample(scale_factor=2)(x)
    out["nearest3"] = torch.nn.Upsample(scale_factor=3)(x)
    out["bilinear2"] = torch.nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)(x)
    out = {k: v.permute(0, 2, 3, 1) for k, v in out.items()}

    file = {"param." + k: v for k, v in params.items()}
    loss = 0
    for k, v in out.items():
        weight = torch.randn(v.shape).double()
        loss = loss + (v * weight).sum()
        file["out." + k], file["weight." + k] = v, weight
    for k, g in zip(params, torch.autograd.grad(loss, list(params.values()))):
        file["grad." + k] = g
    path = FIXTURES / "upsample.safetensors"
    save_file({k: v.detach().float().contiguous().clone() for k, v in file.items()}, path)
    print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
