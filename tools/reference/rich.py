"""Fixture for tests/detector/test_rich.c: the detector `rich`, rendered independently in PyTorch and in float64.

After Fridrich and Kodovsky, "Rich models for steganalysis of digital images", IEEE TIFS 2012: how often levels of
high-pass residuals follow one another, and meet between luma and chroma, at two scales; a linear layer reads the
logarithms."""
import torch
import torch.nn.functional as F
from torch import nn

CROP, SMOOTHING = 24, 0.1  # of the fixture
RATE = 1e-5  # of the ten steps: the squares of the 3120 features sum to tens of thousands
LEVELS = 5  # -2 .. 2
DTYPE = torch.float64  # judge.py takes another
PLANES = ((77, 150, 29), (-43, -85, 128), (128, -107, -21))  # luma, Cb, Cr of R, G, B, in 1/256 grey level
PLANE_PAIRS = ((0, 1), (1, 2), (2, 0))

SQUARE = ((-1, 2, -1), (2, -4, 2), (-1, 2, -1))
LARGE = ((-1, 2, -2, 2, -1), (2, -6, 8, -6, 2), (-2, 8, -12, 8, -2), (2, -6, 8, -6, 2), (-1, 2, -2, 2, -1))


def transposed(rows):
    return tuple(zip(*rows))


FIRST, SECOND, THIRD, EDGE = ((-1, 1),), ((1, -2, 1),), ((1, -3, 3, -1),), SQUARE[:2]
KERNELS = (  # with the largest weight
    (FIRST, 1), (transposed(FIRST), 1), (((-1, 0), (0, 1)), 1), (((0, -1), (1, 0)), 1), (SECOND, 2),
    (transposed(SECOND), 2), (THIRD, 3), (transposed(THIRD), 3), (SQUARE, 4), (EDGE, 4), (transposed(EDGE), 4),
    (LARGE, 12))
FAMILIES = ((0, 1), (2, 3), (4, 5), (6, 7), (8,), (9, 10), (11,))
ACROSS, DOWN = 0, 1
HISTOGRAMS = (  # (direction, kernel) whose counts are added
    ((ACROSS, 0), (DOWN, 1)), ((DOWN, 0), (ACROSS, 1)), ((ACROSS, 2), (DOWN, 2), (ACROSS, 3), (DOWN, 3)),
    ((ACROSS, 4), (DOWN, 5)), ((DOWN, 4), (ACROSS, 5)), ((ACROSS, 6), (DOWN, 7)), ((DOWN, 6), (ACROSS, 7)),
    ((ACROSS, 8), (DOWN, 8)), ((ACROSS, 9), (DOWN, 10)), ((DOWN, 9), (ACROSS, 10)), ((ACROSS, 11), (DOWN, 11)))


def classes(length, reversible):
    """A matrix [classes, LEVELS ** length] of ones where a class holds a tuple, its first level the leading digit."""
    least = []
    for index in range(LEVELS**length):
        one = [index // LEVELS**i % LEVELS for i in reversed(range(length))]
        same = [one, [LEVELS - 1 - d for d in one]]
        if reversible:
            same += [list(reversed(s)) for s in same]
        least.append(min(sum(d * LEVELS**i for i, d in enumerate(reversed(s))) for s in same))
    names = sorted(set(least))
    return torch.tensor([[float(l == name) for l in least] for name in names], dtype=torch.float64)


TRIPLES, PAIRS = classes(3, True), classes(2, False)
assert len(TRIPLES) == 39 and len(PAIRS) == 13


def kernels():
    k = torch.zeros(len(KERNELS), 1, 5, 5, dtype=DTYPE)
    for i, (rows, _) in enumerate(KERNELS):
        h, w = len(rows), len(rows[0])
        top, left = (5 - h) // 2, (5 - w) // 2
        k[i, 0, top:top + h, left:left + w] = torch.tensor(rows)
    return k


def residuals(v):
    """Grey levels [B, 3, S, S] to residuals in steps of half a largest weight: [B, 3, 12, S - 4, S - 4]."""
    planes = torch.einsum("pc,bchw->bphw", torch.tensor(PLANES, dtype=DTYPE), v)
    steps = torch.tensor([128.0 * c for _, c in KERNELS], dtype=DTYPE)
    b, p, h, w = planes.shape
    r = F.conv2d(planes.reshape(b * p, 1, h, w), kernels()).reshape(b, p, len(KERNELS), h - 4, w - 4)
    return r / steps[:, None, None]


def quantised(v):
    return residuals(v).round().clamp(-2, 2).long() + 2


def counts(index, bins):
    """How often each value occurs in each row of [B, ...]: [B, bins]."""
    return torch.stack([torch.bincount(row.flatten(), minlength=bins) for row in index]).to(DTYPE)


def logarithms(histogram, merged):
    return torch.log(histogram @ merged.T.to(DTYPE) / histogram.sum(1, keepdim=True) + 1e-4)


def scale(v):
    """The features of grey levels [B, 3, S, S]: [B, 1560]."""
    q = quantised(v)
    across = 25 * q[..., :-2] + 5 * q[..., 1:-1] + q[..., 2:]
    down = 25 * q[..., :-2, :] + 5 * q[..., 1:-1, :] + q[..., 2:, :]
    read = []
    for plane in range(len(PLANES)):
        for members in HISTOGRAMS:
            h = sum(counts((across, down)[direction][:, plane, kernel], 125) for direction, kernel in members)
            read.append(logarithms(h, TRIPLES))
    for first, second in PLANE_PAIRS:
        for family in FAMILIES:
            h = sum(counts(5 * q[:, first, kernel] + q[:, second, kernel], 25) for kernel in family)
            read.append(logarithms(h, PAIRS))
    return torch.cat(read, 1)


def features(x):
    """The features of normalised pictures [B, 3, S, S]: [B, 3120]."""
    v = torch.floor(127.5 * x.to(DTYPE) + 128)
    return torch.cat([scale(v), scale(F.avg_pool2d(v, 2))], 1)


class Rich(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2 * (3 * 11 * 39 + 3 * 7 * 13), 1)

    def forward(self, x):
        return self.head(features(x))


def pictures():
    """Whole grey levels [4, 3, CROP, CROP]: gradients with noise of a few levels, in colour; the left half of the third
    is grey, where many residuals lie half-way between two levels, and the last has much noise."""
    y, x = torch.meshgrid(torch.arange(CROP), torch.arange(CROP), indexing="ij")
    made = []
    for spread, slope in ((1.5, 1.0), (3.0, -2.0), (2.5, 1.5), (25.0, 0.5)):
        base = torch.stack([90 + slope * x + 2 * y, 150 - slope * y + x, 120 + 20 * torch.sin((x + 2 * y) / 9.0)])
        made.append(base + spread * (torch.randn(1, CROP, CROP) + 0.7 * torch.randn(3, CROP, CROP)))
    v = torch.stack(made).round().clamp(0, 255)
    v[2, :, :, :CROP // 2] = v[2, :1, :, :CROP // 2]
    return v.double()


def main():
    import resnet

    resnet.FIXTURES = resnet.FIXTURES.parents[1] / "detector" / "fixtures"
    resnet.RATE = RATE
    torch.manual_seed(11)
    net = Rich().double()
    with torch.no_grad():
        net.head.weight.copy_((torch.randn(net.head.weight.shape) * 0.01).float())
        net.head.bias.fill_(0.25)
    v = pictures()
    x = ((v / 255 - 0.5) / 0.5).float()
    assert torch.equal(torch.floor(127.5 * x + 128).double(), v)  # in float32 too
    labels = torch.tensor([1, 0, 1, 0])
    targets = labels.double()[:, None] * (1 - SMOOTHING) + SMOOTHING / 2
    out = {"param." + k: p.clone() for k, p in net.named_parameters()}
    out.update({"image": x.permute(0, 2, 3, 1), "labels": labels, "features": features(x)})
    with torch.no_grad():
        out["logits.eval"] = net.eval()(x)

    def loss_of():
        logits = net(x)
        if len(out.get("losses", [])) == 1:  # parameters, as there are no running statistics
            out["step1.head.bias"] = net.head.bias.detach().clone()
        return logits, F.binary_cross_entropy_with_logits(logits, targets)

    resnet.replay(net, loss_of, out)
    resnet.write("rich.safetensors", out)


if __name__ == "__main__":
    main()
