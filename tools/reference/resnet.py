"""Fixtures for tests/nn/test_resnet.c: tiny ResNets out of torchvision's own blocks, in float64, with random weights.

Each file holds the parameters, the running statistics before, a batch with labels, the logits in evaluation and in training,
the loss, every gradient, and what ten steps of plain SGD leave of losses, parameters and running statistics."""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "tests" / "nn" / "fixtures"
STEPS, RATE = 10, 0.05


class TinyResNet(nn.Module):
    """torchvision's ResNet with a width and a number of stages of our choice (its own starts at 64 and has four)."""

    def __init__(self, block, blocks, width, classes, small_stem):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3 if small_stem else 7, 1 if small_stem else 2, 1 if small_stem else 3,
                               bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.pool = nn.Identity() if small_stem else nn.MaxPool2d(3, 2, 1)
        self.stages = len(blocks)
        channels = width
        for stage, count in enumerate(blocks):
            layers = []
            for i in range(count):
                stride = 2 if i == 0 and stage > 0 else 1
                planes = width << stage
                out = planes * block.expansion
                down = None
                if stride != 1 or channels != out:
                    down = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
                layers.append(block(channels, planes, stride, down))
                channels = out
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


def randomise(module):
    """Every tensor away from its special initial value, so that a forgotten one shows; float32 values."""
    with torch.no_grad():
        for name, t in module.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            if name.endswith("running_var") or (t.dim() == 1 and name.endswith("weight")):
                t.copy_(torch.rand(t.shape) + 0.5)
            elif t.dim() == 1:
                t.copy_(torch.randn(t.shape) * 0.2)
            else:
                t.copy_(torch.randn(t.shape) * (2 / t[0].numel()) ** 0.5)
            t.copy_(t.float().double())


def states(module):
    return {k: v for k, v in module.named_buffers() if not k.endswith("num_batches_tracked")}


def write(name, tensors):
    FIXTURES.mkdir(parents=True, exist_ok=True)
    save_file({k: v.detach().float().contiguous().clone() for k, v in tensors.items()}, FIXTURES / name)


def replay(module, loss_of, out):
    """Adds training logits, loss, gradients and ten steps to the dictionary. `loss_of` returns (logits, loss)."""
    module.train()
    for step in range(STEPS):
        module.zero_grad()
        logits, loss = loss_of()
        loss.backward()
        if step == 0:
            out["logits.train"] = logits
            for k, p in module.named_parameters():
                out["grad." + k] = p.grad
        out.setdefault("losses", []).append(loss.detach())
        with torch.no_grad():
            for p in module.parameters():
                p -= RATE * p.grad
        if step == 0:
            out.update({"step1." + k: v.clone() for k, v in states(module).items()})
    out["losses"] = torch.stack(out["losses"])
    out.update({"step10." + k: v for k, v in module.named_parameters()})
    out.update({"step10." + k: v for k, v in states(module).items()})


def make(name, seed, batch, size, classes, **options):
    torch.manual_seed(seed)
    net = TinyResNet(classes=classes, **options).double()
    randomise(net)
    x = torch.randn(batch, 3, *size).float().double()
    labels = torch.randint(classes, (batch,))
    out = {"param." + k: v.clone() for k, v in net.named_parameters()}
    out.update({"param." + k: v.clone() for k, v in states(net).items()})
    out["image"] = x.permute(0, 2, 3, 1)
    out["labels"] = labels
    with torch.no_grad():
        out["logits.eval"] = net.eval()(x)

    def loss_of():
        logits = net(x)
        return logits, F.cross_entropy(logits, labels)

    replay(net, loss_of, out)
    write(name, out)


if __name__ == "__main__":
    make("resnet_basic.safetensors", 1, 4, (33, 29), 5, block=BasicBlock, blocks=[2, 1], width=6, small_stem=False)
    make("resnet_bottleneck.safetensors", 2, 3, (14, 17), 3, block=Bottleneck, blocks=[2, 1, 1], width=4, small_stem=True)
