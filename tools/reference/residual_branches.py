"""Fixture for tests/detector/test_residual_branches.c: the fixed statistics that the detector `residual` can read beside its
network, from their descriptions, place by place or with torch's and scipy's own transforms, in float64."""
import itertools

import numpy as np
import scipy.fft
import torch
import torch.nn.functional as F
from torch import nn

import residual
import resnet

STEP = 1.5
YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]).double()


def planes(x, colour):
    """[B, 3, S, S] in -1..1 to [B, P, S, S] in grey levels, without each plane's mean."""
    x = x * 127.5
    if colour != "rgb":
        x = torch.einsum("pc,bchw->bphw", YCC.to(torch.float32).double(), x)[:, :1 if colour == "luma" else 3]
    return x - x.mean((2, 3), keepdim=True)


def moments(x):
    x = x.flatten(2)
    d = x - x.mean(2, keepdim=True)
    v = d.square().mean(2) + 1e-3
    return [torch.log(d.abs().mean(2) + 1e-3), d.pow(3).mean(2) / v**1.5, torch.log(d.pow(4).mean(2) / v**2 + 1e-3)]


def dct(p, stride):
    blocks = p.unfold(2, 8, stride).unfold(3, 8, stride)  # [B, P, rows, columns, 8, 8]
    c = torch.from_numpy(scipy.fft.dctn(blocks.numpy(), axes=(4, 5), norm="ortho"))
    absolute = c.abs().mean((2, 3)).flatten(1)
    variance = c.var((2, 3), unbiased=False).flatten(1)
    return torch.cat([torch.log(absolute + 0.05), torch.log(variance + 0.05**2)], 1)


def second_differences(p):
    k = torch.tensor([1.0, -2.0, 1.0]).double()
    k = torch.outer(k, k)[None, None] / 4
    b, n, s, _ = p.shape
    return F.pad(F.conv2d(p.reshape(b * n, 1, s, s), k).clamp(-16, 16), (1, 1, 1, 1)).reshape(p.shape)


def spectrum(p, filtered):
    b, n, side, _ = p.shape
    x = second_differences(p) if filtered else p
    window = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    window = torch.from_numpy(window / np.sqrt((window**2).sum()))
    power = torch.fft.rfft2(x * window[:, None] * window).abs() ** 2
    power = torch.fft.fftshift(power, dim=2)  # zero at row side // 2
    log = torch.log(power + 1e-2)
    fy = torch.fft.fftshift(torch.fft.fftfreq(side, dtype=torch.float64))[:, None]
    fx = torch.fft.rfftfreq(side, dtype=torch.float64)[None]
    radius = torch.sqrt(fy**2 + fx**2)
    columns = fx.shape[1]
    rings = torch.clamp((radius * 64).floor(), max=32)
    turn = torch.clamp(((torch.atan2(fy.expand_as(radius), fx.expand_as(radius)) / np.pi + 0.5) * 16).floor(), max=15)
    parts = [log[:, :, rings == i].mean(2) if (rings == i).any() else torch.zeros(b, n) for i in range(33)]
    parts += [log[:, :, (turn == i) & (radius > 0.125)].mean(2) for i in range(16)]
    means = torch.stack(parts, 2)
    cells, above = [], []
    for i, j in itertools.product(range(8), range(4)):
        rows, cols = slice(i * side // 8, (i + 1) * side // 8), slice(j * columns // 4, (j + 1) * columns // 4)
        cells.append(log[:, :, rows, cols].mean((2, 3)))
        above.append(torch.log(power[:, :, rows, cols].mean((2, 3)) + 1e-2) - cells[-1])
    near = [int(np.floor(i * side / 8 + 0.5)) for i in range(8)]
    lattice = log[:, :, near][:, :, :, [min(i, columns - 1) for i in near[:5]]]
    return torch.cat([y.flatten(1) for y in (means, torch.stack(cells, 2), torch.stack(above, 2), lattice)], 1)


def cooccurrence(p, top, step):
    def soft(x):
        """[B, P, H, W] to the weights of all levels [levels, B, P, H, W]."""
        x = (x / step).clamp(-top, top)
        below = x.floor().clamp(max=top - 1)
        weights = torch.zeros(2 * top + 1, *x.shape).double()
        weights.scatter_(0, (below + top).long()[None], (1 - (x - below))[None])
        return weights.scatter_(0, (below + 1 + top).long()[None], (x - below)[None])

    across, down = p[..., 1:] - p[..., :-1], p[:, :, 1:] - p[:, :, :-1]
    kernel = torch.outer(torch.tensor([1.0, -2.0, 1.0]), torch.tensor([1.0, -2.0, 1.0])).double()[None, None] / 4
    square = torch.stack([F.conv2d(plane[:, None], kernel)[:, 0] for plane in p.unbind(1)], 1)
    classes = []
    for pair in itertools.product(range(-top, top + 1), repeat=2):
        orbit = {pair, pair[::-1], (-pair[0], -pair[1]), (-pair[1], -pair[0])}
        if orbit not in classes:
            classes.append(orbit)
    read = []
    for x in (across, down, square):
        w = soft(x)
        own, right, lower = w[..., :-1, :-1], w[..., :-1, 1:], w[..., 1:, :-1]
        for other in (right, lower):
            for orbit in classes:
                read.append(sum((own[a + top] * other[b + top]).mean((2, 3)) for a, b in orbit))
    # by plane, then by filter, direction and class
    return torch.log(torch.stack(read, 2) + 1e-3).flatten(1)


def picture(side):
    """Something of everything: a ramp, texture, and a flat part."""
    x = F.avg_pool2d(torch.rand(2, 3, side + 2, side + 2), 3, 1) * 2 - 1
    x = x + torch.linspace(-0.5, 0.5, side)[:, None]
    x[1, :, :, : side // 2] = 0.25
    return ((x.clamp(-1, 1) + 1) * 127.5).round().div(127.5).sub(1).double()


def statistics_alone(x):
    """No network: statistics, a hidden layer and a logit, trained for ten steps."""
    def fixed(image, inputs):
        return [moments(inputs)[0], dct(planes(image, "luma"), 8), cooccurrence(planes(image, "luma"), 2, 1)]

    net = residual.Residual(True, 0, False, True, 0, 4, fixed, 5 + 128 + 54, 2).double()
    resnet.randomise(net)
    with torch.no_grad():
        w = net.constrained.weight
        w.copy_(torch.rand(w.shape))
        net.constrained.project()
        w.copy_(w.float().double())
    labels = torch.tensor([1, 0, 0, 1])
    targets = labels.double()[:, None] * (1 - residual.SMOOTHING) + residual.SMOOTHING / 2
    out = {"param." + k: v.clone() for k, v in net.named_parameters()}
    out.update({"param." + k: v.clone() for k, v in resnet.states(net).items()})
    out.update({"image": x.permute(0, 2, 3, 1), "labels": labels})
    with torch.no_grad():
        out["logits.eval"] = net.eval()(x)

    def loss_of():
        logits = net(x)
        return logits, F.binary_cross_entropy_with_logits(logits, targets)

    resnet.replay(net, loss_of, out)
    net.constrained.project()  # as we project after a step
    out["step10.constrained.weight"] = net.constrained.weight
    resnet.write("residual_statistics.safetensors", out)


class Late(residual.Residual):
    """A head for the input maps and the network, one for the block DCT and one for the co-occurrences; each learns alone. The
    first counts as much as the others together."""

    def __init__(self):
        super().__init__(True, 0, False, True, 1)
        widths = [3 + 3 + 9 + 2 * residual.WIDTH + residual.WIDTH**2, 128, 54]
        self.head = nn.ModuleDict({"branches": nn.ModuleList(
            [nn.ModuleDict({"bn": nn.BatchNorm1d(n), "linear": nn.Linear(n, 1)}) for n in widths])})

    def forward(self, x):
        y = torch.relu(self.stem["bn"](self.stem["conv"](x)))
        y = self.stages[0]["blocks"](y)
        luma = planes(x, "luma")
        read = [torch.cat(residual.statistics(x, True) + residual.statistics(y, True), 1), dct(luma, 8),
                cooccurrence(luma, 2, 1)]
        return torch.cat([h["linear"](h["bn"](r)) for h, r in zip(self.head["branches"], read)], 1)


def together(each):
    return each[:, :1] / 2 + each[:, 1:].mean(1, keepdim=True) / 2


def late(x):
    net = Late().double()
    resnet.randomise(net)
    labels = torch.tensor([1, 0, 0, 1])
    targets = labels.double()[:, None] * (1 - residual.SMOOTHING) + residual.SMOOTHING / 2
    out = {"param." + k: v.clone() for k, v in net.named_parameters()}
    out.update({"param." + k: v.clone() for k, v in resnet.states(net).items()})
    out.update({"image": x.permute(0, 2, 3, 1), "labels": labels})
    with torch.no_grad():
        out["logits.eval"] = together(net.eval()(x))

    def loss_of():
        each = net(x)
        logits = together(each)
        alone = torch.stack([F.binary_cross_entropy_with_logits(each[:, i : i + 1], targets) for i in range(3)]).mean()
        return logits, (F.binary_cross_entropy_with_logits(logits, targets) + alone) / 2

    resnet.replay(net, loss_of, out)
    resnet.write("residual_late.safetensors", out)


def main():
    resnet.FIXTURES = resnet.FIXTURES.parents[1] / "detector" / "fixtures"
    torch.manual_seed(9)
    out = {}
    for side in (32, 37):
        x = picture(side).float().double()
        out[f"{side}.image"] = x.permute(0, 2, 3, 1)
        out[f"{side}.dct.luma"] = dct(planes(x, "luma"), 8)
        out[f"{side}.dct.ycc"] = dct(planes(x, "ycc"), 5)
        out[f"{side}.spectrum.luma"] = spectrum(planes(x, "luma"), True)
        out[f"{side}.spectrum.rgb"] = spectrum(planes(x, "rgb"), False)
        out[f"{side}.cooccurrence.luma"] = cooccurrence(planes(x, "luma"), 2, 1)
        out[f"{side}.cooccurrence.rgb"] = cooccurrence(planes(x, "rgb"), 3, STEP)
        out[f"{side}.moments"] = torch.cat(moments(x), 1)
    resnet.write("residual_branches.safetensors", out)
    statistics_alone(torch.cat([picture(32), picture(32)]).float().double())
    late(torch.rand(4, 3, 32, 32).mul(255).round().div(127.5).sub(1).double())


if __name__ == "__main__":
    main()
