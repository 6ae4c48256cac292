"""Fixtures for tests/detector/test_baselines.c: tiny versions of CNNDetection's and NPR's networks, in float64."""
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.models.resnet import Bottleneck

import clip_resnet
import resnet

FIXTURES = resnet.FIXTURES.parents[1] / "detector" / "fixtures"


class Cnnspot(resnet.TinyResNet):
    def __init__(self):
        super().__init__(Bottleneck, [1, 1], 4, 1, small_stem=False)


class Npr(resnet.TinyResNet):
    """A 3x3 stem of stride 2 before the pool, on what nearest-neighbour down- and upsampling loses."""

    def __init__(self):
        super().__init__(Bottleneck, [1, 1], 4, 1, small_stem=False)
        self.conv1 = nn.Conv2d(3, 4, 3, 2, 1, bias=False)
        self.fc1 = self.fc
        del self.fc

    def forward(self, x):
        small = F.interpolate(x, scale_factor=0.5, mode="nearest", recompute_scale_factor=True)
        x = x - F.interpolate(small, scale_factor=2.0, mode="nearest", recompute_scale_factor=True)
        x = self.pool(torch.relu(self.bn1(self.conv1(x * 2.0 / 3.0))))
        return self.fc1(self.layer2(self.layer1(x)).mean((2, 3)))


def make(name, net, seed):
    net = clip_resnet.load(net, seed)
    image = torch.randn(4, 3, 26, 22).float().double()
    labels = torch.tensor([0, 1, 0, 1])
    out = clip_resnet.start(net, image)
    out["labels"] = labels
    with torch.no_grad():
        out["logits.eval"] = net.eval()(image)

    def loss_of():
        logits = net(image)
        return logits, F.binary_cross_entropy_with_logits(logits[:, 0], labels.double())

    resnet.replay(net, loss_of, out)
    resnet.write(name, out)


if __name__ == "__main__":
    resnet.FIXTURES = FIXTURES
    make("cnnspot.safetensors", Cnnspot(), 31)
    make("npr.safetensors", Npr(), 32)
