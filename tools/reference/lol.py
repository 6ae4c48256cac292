"""Fixtures for tests/detector/test_lol.c: masks by loops over pixels as algorithm 1 of the paper has them, and ten steps
of a tiny network on masked pictures, in float64."""
import numpy as np
import torch
from torch import nn

import clip_resnet
import resnet

FIXTURES = resnet.FIXTURES.parents[1] / "detector" / "fixtures"
RATIO, ASPECT = (0.6, 0.8), (0.33, 3.0)


def halves_up(x):
    assert abs(x % 1 - 0.5) > 1e-3, "too near to a half for float32"
    return int(np.floor(x + 0.5))


def position(draw, slack):
    """What randint(0, slack) gives for a draw in [0, 1)."""
    corner = draw in (0, 1 - 2.0**-24)
    assert corner or min(draw * (slack + 1) % 1, -draw * (slack + 1) % 1) > 1e-4, "too near to an integer for float32"
    return int(draw * (slack + 1))


def mask(draws, height, width, variant, ratio=RATIO, aspect=ASPECT):
    m = np.ones((height, width))
    s = height * width * (ratio[0] + draws[0] * (ratio[1] - ratio[0]))
    a = aspect[0] + draws[1] * (aspect[1] - aspect[0])
    rows = halves_up(min(height, np.sqrt(s * a)))
    quotient = {"corrected": s / max(rows, 1), "sqrt": np.sqrt(s / a), "literal": np.sqrt(s / max(rows, 1))}[variant]
    columns = halves_up(min(width, quotient))
    t, l = position(draws[2], height - rows), position(draws[3], width - columns)
    for i in range(t, t + rows):
        for j in range(l, l + columns):
            m[i, j] = 0
    return m


def masks():
    rng = np.random.default_rng(5)
    draws = np.floor(rng.random((7, 4)) * 2**24) / 2**24
    draws[0] = 0  # the corners of the ranges
    draws[1] = 1 - 2.0**-24
    draws[2, 2:] = 1 - 2.0**-24
    out = {"draws": torch.tensor(draws)}
    for variant in ("corrected", "sqrt", "literal"):
        out[variant] = torch.tensor(np.stack([mask(d, 37, 29, variant) for d in draws]))
    large = np.stack([mask(d, 224, 224, "corrected") for d in draws])
    out["share"] = torch.tensor(1 - large.mean((1, 2)))
    out["rows"] = torch.tensor((large.min(2) == 0).sum(1).astype(float))
    # nothing at all, and everything
    out["nothing"] = torch.tensor(np.stack([mask(d, 37, 29, "corrected", (0, 0), (1, 1)) for d in draws]))
    out["everything"] = torch.tensor(np.stack([mask(d, 37, 37, "corrected", (1, 1), (1, 1)) for d in draws]))
    resnet.write("lol_masks.safetensors", out)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.visual = clip_resnet.Tiny([1, 1], 4, 3, 2, 8)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.visual(x))


def steps():
    net = clip_resnet.load(Tiny(), 21)
    image = torch.randn(4, 3, 24, 24).float().double()
    labels = torch.tensor([1, 0, 0, 1])
    draws = torch.floor(torch.rand(4, 4, dtype=torch.float64) * 2**24) / 2**24
    masked = image * torch.tensor(np.stack([mask(d, 24, 24, "corrected") for d in draws.numpy()]))[:, None]
    out = clip_resnet.start(net, image)
    out["labels"] = labels
    out["draws"] = draws
    with torch.no_grad():
        out["logits.eval"] = net.eval()(image)

    def loss_of():
        logits = net(masked)
        return logits, nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels.double())

    resnet.replay(net, loss_of, out)
    resnet.write("lol.safetensors", out)


if __name__ == "__main__":
    resnet.FIXTURES = FIXTURES
    masks()
    steps()
