"""Fixture for tests/detector/test_activation.c: class activation maps, Grad-CAM and attention roll-out in PyTorch, in
float64, of the tiny networks whose weights and pictures are in the fixtures of the other scripts here.

Maps are [B, H, W], signed, for the side "generated": a CAM with the head's bias, so that its mean is the logit; Grad-CAM
with gradients summed over places (its paper divides by their number); roll-out times the number of patches."""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import baselines
import lol
import residual
import vit

TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests"


def fixture(path, image="image"):
    """Weights, and the picture with channels first."""
    tensors = load_file(TESTS / path)
    params = {k[6:]: v.double() for k, v in tensors.items() if k.startswith("param.")}
    return params, tensors[image].double().permute(0, 3, 1, 2)


def load(net, path):
    params, x = fixture(path)
    net = net.double().eval()
    missing, extra = net.load_state_dict(params, strict=False)
    assert not extra and all(k.endswith("num_batches_tracked") for k in missing), (missing, extra)
    return net, x


def watched(net, layer, x):
    """The logits, and what the layer gave: [B, C, H, W]."""
    seen = []
    hook = layer.register_forward_hook(lambda m, i, o: seen.append(o))
    logits = net(x)
    hook.remove()
    return logits, seen[0]


def cam(maps, head):
    out = torch.einsum("bchw,c->bhw", maps, head.weight[0]) + head.bias
    return out


def grad_cam(logits, maps):
    (gradient,) = torch.autograd.grad(logits.sum(), maps, retain_graph=True)
    alpha = gradient.mean((2, 3))  # equation 1
    return torch.einsum("bchw,bc->bhw", maps, alpha) * maps.shape[2] * maps.shape[3]


def cnns(out):
    for name, net in (("cnnspot", baselines.Cnnspot()), ("npr", baselines.Npr())):
        net, x = load(net, f"detector/fixtures/{name}.safetensors")
        logits, maps = watched(net, net.layer2, x)
        out[name + ".cam"] = cam(maps, net.fc1 if name == "npr" else net.fc)
        out[name + ".grad-cam"] = grad_cam(logits, maps)
        assert torch.allclose(out[name + ".cam"].mean((1, 2)), logits[:, 0])
    net, x = load(lol.Tiny(), "detector/fixtures/lol.safetensors")
    logits, maps = watched(net, net.visual.layer2, x)
    out["lol.grad-cam"] = grad_cam(logits, maps)


def residual_evidence(out):
    """By the definition: value by value at each place, then averaged over the cells of the last maps."""
    net, x = load(residual.Residual(True, 2, True, True), "detector/fixtures/residual.safetensors")
    inputs = torch.cat([x, residual.truncated(residual.npr(x, 2), 1), residual.high_pass(x)], 1)
    read = [(inputs, True)]
    hooks = [s.register_forward_hook(lambda m, i, o: read.append((o, len(read) == 1)))
             for s in (stage["blocks"] for stage in net.stages)]
    logits = net(x)
    for hook in hooks:
        hook.remove()
    bn, linear = net.head["bn"], net.head["linear"]
    weight = linear.weight[0] * bn.weight / (bn.running_var + bn.eps).sqrt()
    cells = read[-1][0].shape[2:]
    total, begin = 0, 0
    for maps, correlated in read:
        c = maps.shape[1]
        mean, var = maps.mean((2, 3), keepdim=True), maps.var((2, 3), keepdim=True, unbiased=False)
        standard = (maps - mean) / (var + 1e-3).sqrt()
        place = torch.einsum("bchw,c->bhw", maps, weight[begin:begin + c])
        place = place + torch.einsum("bchw,c->bhw", standard**2, weight[begin + c:begin + 2 * c])
        begin += 2 * c
        if correlated:
            pairs = weight[begin:begin + c * c].reshape(c, c)
            place = place + torch.einsum("bihw,bjhw,ij->bhw", standard, standard, pairs)
            begin += c * c
        total = total + F.adaptive_avg_pool2d(place, cells)
    assert begin == len(weight)
    out["residual.cam"] = total - total.mean((1, 2), keepdim=True) + logits[:, :, None]
    features = read[-1][0]
    out["residual.grad-cam"] = grad_cam(logits, features)


def rollout(out):
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
    params, x = fixture("backbone/fixtures/clip_visual.safetensors", "in.image")
    net = CLIP(24, CLIPVisionCfg(layers=2, width=32, head_width=8, patch_size=8, image_size=32),
               CLIPTextCfg(context_length=12, vocab_size=60, width=32, heads=4, layers=2), quick_gelu=True).visual
    net = net.double().eval()
    net.load_state_dict(params)
    weights, hooks = [], []
    for block in net.transformer.resblocks:
        def look(module, inputs, y, attn=block.attn):
            weights.append(attn(y, y, y, need_weights=True, average_attn_weights=True)[1])
        hooks.append(block.ln_1.register_forward_hook(look))
    net(x)
    n = weights[0].shape[1]
    flow = torch.eye(n).double().expand(len(x), n, n)
    for w in weights:
        w = 0.5 * w + 0.5 * torch.eye(n)
        flow = (w / w.sum(-1, keepdim=True)) @ flow
    out["vit.rollout"] = flow[:, 0, 1:].reshape(-1, 4, 4) * 16


def merging(out):
    """One crop's cells, as torch enlarges them."""
    cells = torch.randn(1, 1, 3, 5).double()
    out["cells"] = cells[0, 0]
    out["enlarged"] = F.interpolate(cells, size=(20, 20), mode="bilinear", align_corners=False)[0, 0]


if __name__ == "__main__":
    torch.manual_seed(77)
    found = {}
    merging(found)
    cnns(found)
    residual_evidence(found)
    rollout(found)
    path = TESTS / "detector" / "fixtures" / "activation.safetensors"
    save_file({k: v.detach().float().contiguous().clone() for k, v in found.items()}, path)
    print(path.name, path.stat().st_size, {k: tuple(v.shape) for k, v in found.items()})
