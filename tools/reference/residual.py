"""Fixture for tests/detector/test_residual.c: the detector `residual`, rendered independently in PyTorch with the high-pass
filters as convolutions, at a tiny configuration and in float64."""
import torch
import torch.nn.functional as F
from torch import nn

CROP, WIDTH, SMOOTHING = 32, 4, 0.1  # of the fixture


def truncated(x, q):
    return (x * (255 * 0.5 / 16 / q)).clamp(-1, 1)


def npr(x, l):
    h, w = x.shape[2:]
    rows, columns = torch.arange(h) // l * l, torch.arange(w) // l * l
    return x - x[:, :, rows][:, :, :, columns]


def high_pass(x):
    d1, d2 = torch.tensor([-1.0, 1.0]), torch.tensor([1.0, -2.0, 1.0])
    one = torch.ones(1)
    parts = []
    for column, row, q in ((one, d1, 1), (d1, one, 1), (one, d2, 2), (d2, one, 2), (d2, d2, 4)):
        k = torch.outer(column, row).to(x)
        r = truncated(F.conv2d(x, k.expand(3, 1, *k.shape), groups=3), q)
        rows, columns = k.shape[0] - 1, k.shape[1] - 1
        parts.append(F.pad(r, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)))
    return torch.cat(parts, 1)


def statistics(x, correlated):
    x = x.flatten(2)
    v = x.var(2, unbiased=False)
    read = [x.mean(2), torch.log(v + 1e-3)]
    if correlated:
        c = torch.stack([torch.cov(one, correction=0) for one in x])
        s = (v + 1e-3).sqrt()
        read.append((c / (s[:, :, None] * s[:, None, :])).flatten(1))
    return read


class Constrained(nn.Conv2d):
    """Bayar and Stamm's: before each use, the weights themselves are made to have -1 at the centre of each window and a sum
    of 1 around it."""

    def project(self):
        with torch.no_grad():
            c = self.kernel_size[0] // 2
            self.weight[:, :, c, c] = 0
            self.weight /= self.weight.sum((2, 3), keepdim=True)
            self.weight[:, :, c, c] = -1

    def forward(self, x):
        self.project()
        return super().forward(x)


class BasicBlock(nn.Module):
    """torchvision's, whose import would take a script longer than its work."""

    def __init__(self, channels, width, stride=1, downsample=None):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = downsample

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.downsample(x) if self.downsample else x))


class Residual(nn.Module):
    """`stages` 0: no network. `fixed`: lists of further features of (picture, input maps), `fixed_count` in all."""

    def __init__(self, rgb, patch, filters, correlated, stages=4, hidden=0, fixed=None, fixed_count=0, constrained=0,
                 thumb=0, width=None, blocks=1, thumb_width=None):
        super().__init__()
        width, thumb_width = width or WIDTH, thumb_width or WIDTH
        self.rgb, self.patch, self.filters, self.correlated = rgb, patch, filters, correlated
        self.fixed, self.side = fixed, thumb
        if thumb:
            widths = [thumb_width, thumb_width, 2 * thumb_width, 4 * thumb_width]
            small = [BasicBlock(i, o, 2, nn.Sequential(nn.Conv2d(i, o, 1, 2, bias=False), nn.BatchNorm2d(o)))
                     for i, o in zip(widths, widths[1:])]
            self.thumb = nn.ModuleDict({"conv": nn.Conv2d(3, thumb_width, 3, padding=1, bias=False),
                                        "bn": nn.BatchNorm2d(thumb_width), "blocks": nn.Sequential(*small)})
        channels = 3 * rgb + 3 * bool(patch) + 15 * filters + constrained
        if constrained:
            self.constrained = Constrained(3, constrained, 5, padding=2, bias=False)
        if stages:
            self.stem = nn.ModuleDict({"conv": nn.Conv2d(channels, width, 3, padding=1, bias=False),
                                       "bn": nn.BatchNorm2d(width)})
        self.stages = nn.ModuleList()
        before = width
        for stage in range(stages):
            out, stride = width << stage, 2 if stage else 1
            down = nn.Sequential(nn.Conv2d(before, out, 1, stride, bias=False), nn.BatchNorm2d(out)) if stage else None
            first = BasicBlock(before, out, stride, down)
            more = [BasicBlock(out, out) for _ in range(blocks - 1)]
            self.stages.append(nn.ModuleDict({"blocks": nn.Sequential(first, *more)}))
            before = out
        features = 2 * width * (2**stages - 1) + 2 * channels + fixed_count
        features += 8 * thumb_width * bool(thumb)
        features += (width**2 * (stages > 0) + channels**2) * correlated
        self.head = nn.ModuleDict({"bn": nn.BatchNorm1d(features), "linear": nn.Linear(hidden or features, 1)})
        if hidden:
            self.head["hidden"] = nn.Linear(features, hidden)

    def branches(self, x):
        """What the input maps with the network, each kind of fixed statistics and the small network give: lists of features."""
        parts = [x] if self.rgb else []
        if self.patch:
            parts.append(truncated(npr(x, self.patch), 1))
        if self.filters:
            parts.append(high_pass(x))
        if hasattr(self, "constrained"):
            parts.append(truncated(self.constrained(x), 1))
        image, inputs = x, torch.cat(parts, 1)
        read = [statistics(inputs, self.correlated)]
        if self.stages:
            x = torch.relu(self.stem["bn"](self.stem["conv"](inputs)))
        for i, stage in enumerate(self.stages):
            x = stage["blocks"](x)
            read[-1] += statistics(x, self.correlated and i == 0)
        if self.fixed:
            read += [part if isinstance(part, list) else [part] for part in self.fixed(image, inputs)]
        if self.side:  # area where it divides, which is what an antialiased resize of whole cells is not quite
            small = F.adaptive_avg_pool2d(image, self.side) if image.shape[2] % self.side == 0 else \
                F.interpolate(image, (self.side, self.side), mode="bilinear", antialias=True)
            small = torch.relu(self.thumb["bn"](self.thumb["conv"](small)))
            read.append(statistics(self.thumb["blocks"](small), False))
        return read

    def forward(self, x):
        return judge(self.head, torch.cat(sum(self.branches(x), []), 1))


def judge(head, x):
    z = head["bn"](x)
    if "hidden" in head:
        z = torch.relu(head["hidden"](z))
    return head["linear"](z)


def main():
    import resnet

    resnet.FIXTURES = resnet.FIXTURES.parents[1] / "detector" / "fixtures"
    torch.manual_seed(5)
    net = Residual(True, 2, True, True).double()
    resnet.randomise(net)
    x = F.avg_pool2d(torch.rand(4, 3, CROP + 2, CROP + 2), 3, 1).mul(510).round().div(255).sub(1).double()
    x = x.float().double()
    labels = torch.tensor([1, 0, 0, 1])
    targets = labels.double()[:, None] * (1 - SMOOTHING) + SMOOTHING / 2
    out = {"param." + k: v.clone() for k, v in net.named_parameters()}
    out.update({"param." + k: v.clone() for k, v in resnet.states(net).items()})
    out.update({"image": x.permute(0, 2, 3, 1), "labels": labels})
    with torch.no_grad():
        out["logits.eval"] = net.eval()(x)
        for name, config in {"rgb": (True, 0, False, False), "npr": (False, 3, True, True),
                             "short": (True, 0, False, True, 2, 5),
                             "thumb": (True, 0, False, False, 1, 0, None, 0, 0, 16),
                             "odd": (True, 0, False, False, 1, 0, None, 0, 0, 12)}.items():
            other = Residual(*config).double()
            resnet.randomise(other)
            weights = other.state_dict()
            for k, v in weights.items():  # shares with the first what has the same shape
                if k in net.state_dict() and v.shape == net.state_dict()[k].shape:
                    weights[k] = net.state_dict()[k]
                else:
                    out[f"{name}.param.{k}"] = v.clone()
            other.load_state_dict(weights)
            out[name + ".logits"] = other.eval()(x)

    def loss_of():
        logits = net(x)
        return logits, F.binary_cross_entropy_with_logits(logits, targets)

    resnet.replay(net, loss_of, out)
    out = {k: v for k, v in out.items() if not k.startswith("step10.") or v.numel() <= 1000}  # a small file
    resnet.write("residual.safetensors", out)


if __name__ == "__main__":
    main()
