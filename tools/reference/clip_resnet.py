"""Fixture for tests/backbone/test_clip_resnet.c: a tiny CLIP ResNet out of open_clip's own blocks and attention pool, in
float64. Two stages instead of four keep it small. Also usable by other scripts as clip_resnet.Tiny."""
import torch
from open_clip.modified_resnet import AttentionPool2d, ModifiedResNet
from torch import nn

import resnet

FIXTURES = resnet.FIXTURES.parents[1] / "backbone" / "fixtures"


class Tiny(ModifiedResNet):
    """ModifiedResNet whose later stages are left away, with a grid and heads of our choice."""

    def __init__(self, blocks, width, grid, heads, out):
        super().__init__(blocks + [1] * (4 - len(blocks)), 1, 1, 32, width)
        for stage in range(len(blocks), 4):
            setattr(self, f"layer{stage + 1}", nn.Identity())
        self.attnpool = AttentionPool2d(grid, 4 * width << (len(blocks) - 1), heads, out)


def load(net, seed):
    torch.manual_seed(seed)
    net.double()
    resnet.randomise(net)
    return net


def start(net, image):
    """What every fixture begins with: parameters, running statistics, a batch."""
    out = {"param." + k: v.clone() for k, v in net.named_parameters()}
    out.update({"param." + k: v.clone() for k, v in resnet.states(net).items()})
    out["image"] = image.permute(0, 2, 3, 1)
    return out


if __name__ == "__main__":
    resnet.FIXTURES = FIXTURES
    net = load(Tiny([2, 1], 4, 3, 4, 6), 11)
    image = torch.randn(3, 3, 24, 24).float().double()
    labels = torch.randint(6, (3,))
    out = start(net, image)
    out["labels"] = labels
    with torch.no_grad():
        out["logits.eval"] = net.eval()(image)

    def loss_of():
        z = net(image)
        return z, nn.functional.cross_entropy(z, labels)

    resnet.replay(net, loss_of, out)
    resnet.write("clip_resnet.safetensors", out)
