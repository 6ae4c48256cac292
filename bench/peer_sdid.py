"""SDID and sdid-mini at their usual sizes in torch, for peer.py: the method as tools/reference/sdid.py has it, but with
queues as tensors that are written in place (once the backward pass that still reads them is over: at the next step), and
no loop over pictures. Random weights.

Run by itself it compares its losses and their gradients with those of tools/reference/sdid.py, over steps that fill the queues
and wrap them around."""
import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

QUEUE, TOP, TAU, WEIGHT = 2048, 128, 0.07, 0.1


class Adapted(nn.Module):
    """A linear layer of a frozen network with LoRA, rank 8, on each of its `parts` equal parts."""

    def __init__(self, layer, parts):
        super().__init__()
        self.layer = layer
        inputs, outputs = layer.in_features, layer.out_features // parts
        self.a = nn.ParameterList(torch.randn(8, inputs) / inputs**0.5 for _ in range(parts))
        self.b = nn.ParameterList(torch.zeros(outputs, 8) for _ in range(parts))

    def forward(self, x):
        return self.layer(x) + 2 * torch.cat([F.linear(F.linear(x, a), b) for a, b in zip(self.a, self.b)], -1)


def dino():
    import timm
    net = timm.create_model("vit_large_patch14_dinov2", img_size=224, num_classes=0, global_pool="token")
    net.requires_grad_(False)
    for block in net.blocks:
        block.attn.qkv, block.attn.proj = Adapted(block.attn.qkv, 3), Adapted(block.attn.proj, 1)
    return net, 1024


def resnet():
    import torchvision
    net = torchvision.models.resnet101(weights=None)
    net.fc = nn.Identity()
    return net, 2048


def npr(x):
    return (x - x[:, :, ::2, ::2].repeat_interleave(2, 2).repeat_interleave(2, 3)) * (2 / 3)


class Sdid(nn.Module):
    def __init__(self, rgb, partner, dim, second):
        super().__init__()
        self.encoders, self.second = nn.ModuleList([rgb[0], partner[0]]), second
        self.projections = nn.ModuleList([nn.Linear(rgb[1], dim), nn.Linear(partner[1], dim)])
        self.head = nn.Linear(2 * dim, 2)
        self.register_buffer("slots", torch.zeros(4, QUEUE, dim))  # by class, then modality; no picture-like four axes
        self.at, self.filled, self.pending = [0, 0], [0, 0], None

    def features(self, x):
        return [p(e(v)) for p, e, v in zip(self.projections, self.encoders, (x, self.second(x)))]

    def forward(self, x):
        two = self.head(torch.cat(self.features(x), 1))
        return two[:, 1:] - two[:, :1]

    def loss(self, x, labels):
        if self.pending:  # of the step before, whose backward pass still read the queues
            self.push(*self.pending)
        f = self.features(x)
        loss = F.cross_entropy(self.head(torch.cat(f, 1)).float(), labels)
        with torch.autocast("cpu", enabled=False):
            return loss + WEIGHT * self.cross_modal([F.normalize(v.float(), dim=1) for v in f], labels)

    def cross_modal(self, z, labels):
        total = 0
        for c in (0, 1):
            of = labels == c
            own, other = self.queue(c)[:, : self.filled[c]], self.queue(1 - c)[:, : self.filled[1 - c]]
            mine = [v[of] for v in z]
            similar = [v @ q.T for v, q in zip(mine, own)]
            for m in (0, 1):
                pair = (mine[m] * mine[1 - m]).sum(1, keepdim=True)
                logits = torch.cat([pair, mine[m] @ other[1 - m].T], 1) / TAU
                total = total - torch.log_softmax(logits, 1)[:, 0].mean()
                values, slots = similar[m].detach().topk(min(TOP, self.filled[c]), 1)
                p = torch.log_softmax(values / TAU, 1)
                q = torch.log_softmax(similar[1 - m].gather(1, slots) / TAU, 1)
                total = total + F.kl_div(q, p, reduction="batchmean", log_target=True)
        self.pending = [v.detach() for v in z], labels
        return total

    def queue(self, c):
        return self.slots[2 * c : 2 * c + 2]

    def push(self, z, labels):
        for c in (0, 1):
            rows = torch.stack([v[labels == c] for v in z])
            n = rows.shape[1]
            places = (self.at[c] + torch.arange(n)) % QUEUE
            self.queue(c)[:, places] = rows
            self.at[c], self.filled[c] = (self.at[c] + n) % QUEUE, min(QUEUE, self.filled[c] + n)


def full():
    return Sdid(dino(), resnet(), 512, npr), 224


def statistics(x, correlated):
    """As tools/reference/residual.py has them, without a loop over pictures; in float32, but for a network that is bfloat16
    throughout."""
    kind = torch.float32 if torch.is_autocast_enabled("cpu") else x.dtype
    x = x.flatten(2).float()
    mean = x.mean(2, keepdim=True)
    centred = x - mean
    v = centred.square().mean(2)
    read = [mean[:, :, 0], torch.log(v + 1e-3)]
    if correlated:
        s = (v + 1e-3).rsqrt()
        c = centred @ centred.transpose(1, 2) / x.shape[2]
        read.append((c * s[:, :, None] * s[:, None, :]).flatten(1))
    return [part.to(kind) for part in read]


def mini(residual):
    """`residual`: tools/reference/residual.py."""
    residual.WIDTH, residual.CROP, residual.statistics = 16, 128, statistics

    def encoder(*config):
        net = residual.Residual(*config)
        features = net.head["bn"].num_features
        net.head["linear"] = nn.Identity()
        return net, features

    return Sdid(encoder(True, 0, True, True), encoder(False, 2, False, True), 128, lambda x: x), residual.CROP


def check():
    global QUEUE, TOP
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools" / "reference"))
    import sdid as reference
    QUEUE, TOP, dim, batch = reference.QUEUE, reference.TOP, reference.DIM, 6
    torch.manual_seed(1)
    ours = Sdid((nn.Identity(), dim), (nn.Identity(), dim), dim, lambda x: x).double()
    theirs = reference.Method(nn.Identity(), nn.Identity(), (dim, dim)).double()
    for step in range(8):
        views = [torch.randn(batch, dim, dtype=torch.float64, requires_grad=True) for _ in range(2)]
        labels = torch.randperm(batch) % 2
        theirs.forward = lambda x: (torch.zeros(batch, 2).double(), dict(zip(reference.MODALITIES, views)))
        _, _, z, _, total = theirs.losses(None, labels)
        expected = total - F.cross_entropy(torch.zeros(batch, 2).double(), labels)
        if ours.pending:
            ours.push(*ours.pending)
        got = WEIGHT * ours.cross_modal([F.normalize(v, dim=1) for v in views], labels)
        torch.testing.assert_close(got, expected)
        for a, b in zip(torch.autograd.grad(got, views), torch.autograd.grad(expected, views)):
            torch.testing.assert_close(a, b)
        theirs.push(z, labels)
    print("its losses and gradients are the reference's, over 8 steps and queues of", QUEUE)


if __name__ == "__main__":
    check()
