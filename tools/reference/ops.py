"""Fixture of tests/ops/parity.c: outputs and gradients of torch's own functions, on the CPU, in f32.

    python tools/reference/ops.py        writes tests/ops/fixtures/ops.safetensors

For a case NAME: NAME.in0, NAME.in1, ... are its inputs, NAME.y its output, NAME.dy a random gradient of the output, and
NAME.d0, NAME.d1, ... the gradients of the inputs that have one. Maps are stored as Assay keeps them, [B, H, W, C].

Needs torch, numpy and safetensors.
"""
import os

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/ops/fixtures/ops.safetensors")
tensors = {}
generator = torch.Generator().manual_seed(20240229)


def draw(*shape, scale=1.0):
    return torch.randn(*shape, generator=generator) * scale


def store(name, tensor):
    tensors[name] = tensor.detach().clone().contiguous()


def last(x):
    """[B, C, H, W] to [B, H, W, C]"""
    return x.permute(0, 2, 3, 1)


def case(name, function, *inputs, maps=(), map_out=False):
    """`maps`: which inputs are feature maps, given and differentiated as torch has them, stored channels last."""
    leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in inputs]
    y = function(*leaves)
    dy = draw(*y.shape) if y.dim() else torch.tensor(1.0)
    y.backward(dy)
    store(f"{name}.y", last(y) if map_out else y)
    store(f"{name}.dy", last(dy) if map_out else dy)
    for i, x in enumerate(leaves):
        store(f"{name}.in{i}", last(x) if i in maps else x.to(torch.int32) if not x.is_floating_point() else x)
        if x.grad is not None:
            store(f"{name}.d{i}", last(x.grad) if i in maps else x.grad)


def batch_norm():
    """Two training steps with running statistics, then evaluation with what they became."""
    norm = torch.nn.BatchNorm2d(6)
    with torch.no_grad():
        norm.weight.copy_(draw(6))
        norm.bias.copy_(draw(6))
        norm.running_mean.copy_(draw(6))
        norm.running_var.copy_(draw(6).abs() + 0.5)
    for name in ("weight", "bias", "running_mean", "running_var"):
        store(f"batch_norm.{name}", getattr(norm, name))
    for step in range(3):
        norm.train(step < 2)
        x = (draw(3, 6, 5, 4, scale=2.0) + 1).requires_grad_()
        norm.zero_grad()
        y = norm(x)
        dy = draw(*y.shape)
        y.backward(dy)
        for name, value in (("x", x), ("y", y), ("dy", dy), ("dx", x.grad)):
            store(f"batch_norm.{step}.{name}", last(value))
        store(f"batch_norm.{step}.dweight", norm.weight.grad)
        store(f"batch_norm.{step}.dbias", norm.bias.grad)
        store(f"batch_norm.{step}.running_mean", norm.running_mean)
        store(f"batch_norm.{step}.running_var", norm.running_var)


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    case("conv", lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1), draw(2, 6, 9, 7), draw(8, 6, 3, 3), draw(8),
         maps=(0,), map_out=True)
    case("conv_groups", lambda x, w: F.conv2d(x, w, stride=(1, 2), padding=(2, 1), dilation=(2, 1), groups=3),
         draw(2, 6, 7, 8), draw(9, 2, 3, 3), maps=(0,), map_out=True)
    case("conv_depthwise", lambda x, w: F.conv2d(x, w, padding=1, groups=5), draw(1, 5, 6, 7), draw(5, 1, 3, 3),
         maps=(0,), map_out=True)
    case("linear", F.linear, draw(7, 12), draw(5, 12), draw(5))
    case("matmul", torch.matmul, draw(2, 3, 4, 5), draw(3, 5, 6))
    case("layer_norm", lambda x, w, b: F.layer_norm(x, (12,), w, b, 1e-6), draw(3, 5, 12, scale=3.0) + 2, draw(12), draw(12))
    case("gelu", F.gelu, torch.linspace(-6, 6, 61).reshape(1, 61))
    case("silu", F.silu, torch.linspace(-12, 12, 61))
    case("softplus", F.softplus, torch.linspace(-15, 15, 61))
    case("softmax", lambda x: F.softmax(x, -1), draw(4, 9, scale=3.0))
    case("log_softmax", lambda x: F.log_softmax(x, -1), draw(4, 9, scale=3.0))
    labels = torch.tensor([3, 0, 9, 9, 1, 5])
    case("cross_entropy", F.cross_entropy, draw(6, 10, scale=3.0), labels)
    case("cross_entropy_smooth", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), draw(6, 10, scale=3.0), labels)
    case("bce", lambda x: F.binary_cross_entropy_with_logits(x, torch.tensor([[0.0], [1.0], [1.0], [0.9], [0.1], [0.0]])),
         draw(6, 1, scale=5.0))
    ties = torch.randint(-2, 1, (2, 3, 9, 8), generator=generator).float()
    case("max_pool", lambda x: F.max_pool2d(x, 3, 2, 1), ties, maps=(0,), map_out=True)
    case("avg_pool", lambda x: F.avg_pool2d(x, 3, 2, 1), draw(2, 3, 9, 8), maps=(0,), map_out=True)
    case("avg_pool_inside", lambda x: F.avg_pool2d(x, (3, 2), (2, 1), 1, count_include_pad=False), draw(1, 3, 5, 6),
         maps=(0,), map_out=True)
    case("amax", lambda x: x.amax(1), torch.randint(0, 3, (4, 6, 2), generator=generator).float())
    case("normalize", lambda x: F.normalize(x, dim=-1), torch.cat([draw(3, 8), torch.zeros(1, 8)]))
    some = torch.randint(-2, 3, (3, 7), generator=generator).float()
    other = torch.randint(-2, 3, (3, 7), generator=generator).float()
    case("maximum", torch.maximum, some, other)
    case("minimum", torch.minimum, some, other)
    case("clamp", lambda x: x.clamp(-1, 1), some * 0.75)  # at the bounds themselves versions of torch differ
    case("abs", torch.abs, some)
    case("relu", torch.relu, some)
    batch_norm()
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    save_file(tensors, OUT)
    print(f"{OUT}: {len(tensors)} tensors, {os.path.getsize(OUT)} bytes, torch {torch.__version__}")


if __name__ == "__main__":
    main()
