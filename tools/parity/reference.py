#!/usr/bin/env python3
"""Published networks at full size with random weights, and what their reference implementations compute with them.

    reference.py NETWORK FOLDER

writes into the folder, with the names and the nesting of the published checkpoint:
    NETWORK.safetensors, NETWORK.pth    the weights; of ResNets also NETWORK.legacy.pth, as PyTorch before 1.6 saved
    NETWORK.gradients.safetensors       under the weights' names: d loss / d weight, zero where there is none; of
                                        networks with ReLUs computed in f64, because what rounding does to values near
                                        zero changes gradients of f32 by a hundredth; NETWORK.gradients-f32.safetensors
                                        is then what the reference gives in f32
    NETWORK.case.safetensors            for run_parity.c: "in.image" (channels last), "in.ids"; of each output OUT
                                        "out.OUT"; "train.OUT", in training, where batch norms use the batch's
                                        statistics; "direction.OUT", by which it is multiplied in the loss, a sum
References: open_clip for CLIP, timm for DINOv2 and MAE, transformers for DINOv2 with registers and for the windowed
blocks of MaskCLIP's MAE, torchvision for ResNets, all in f32."""
import argparse
import copy
import pathlib
import sys

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
from vit import dinov2_registers, facebook_names, facebook_positions, sam_blocks  # noqa: E402

SEED, BATCH, SIDE = 7, 2, 224


class Case:
    """A network with its state under the names of the checkpoint, and what gives its outputs by name."""

    def __init__(self, net, inputs, run, nested=None, relus=False):
        self.net, self.state, self.inputs, self.run, self.nested = net, net.state_dict(), inputs, run, nested
        self.relus = relus

    def gradients(self, net):
        found = dict(net.named_parameters())
        none = {k: torch.zeros_like(v) for k, v in self.state.items()}
        return none | {k: v.grad for k, v in found.items() if v.grad is not None}


def randomise(net):
    """Every tensor away from its special initial value, so that a forgotten one shows; branches of residual blocks
    are kept small, so that deep networks stay in range."""
    with torch.no_grad():
        for name, t in net.state_dict().items():
            if not t.is_floating_point():
                continue
            if name.endswith("running_var"):
                t.uniform_(0.5, 1.5)
            elif name.endswith(("bn3.weight", "ls1.gamma", "ls2.gamma")):
                t.uniform_(0.1, 0.4)
            elif t.dim() == 1 and name.endswith("weight"):
                t.uniform_(0.5, 1.5)
            elif name.endswith(("bias", "running_mean")):
                t.normal_(0, 0.1)
            elif t.dim() > 1 and name.endswith(("weight", "in_proj_weight")) and "embedding" not in name:
                t.normal_(0, (1.5 / t[0].numel()) ** 0.5)
            elif "proj" in name:  # CLIP's projections are stored transposed
                t.normal_(0, t.shape[0] ** -0.5)
            else:
                t.normal_(0, 0.3)
    return net.eval()


def picture(side=SIDE):
    return torch.randn(BATCH, 3, side, side)


def clip(name, published):
    import open_clip
    net = randomise(open_clip.create_model(published + "-quickgelu"))
    side = net.visual.image_size
    image, ids = picture(side if isinstance(side, int) else side[0]), torch.randint(1, 49405, (BATCH, 77))
    for row, length in enumerate((9, 77)):
        ids[row, 0], ids[row, length - 1], ids[row, length:] = 49406, 49407, 0
    return Case(net, {"image": image, "ids": ids},
                lambda net, x: {name: net.encode_image(x["image"]), name + "-text": net.encode_text(x["ids"])},
                relus=published.startswith("RN"))


class Dinov2(Case):
    """The position embedding is stored for pictures of 518 pixels and resized as facebookresearch does it."""

    def __init__(self, name, published):
        import timm
        net, image, grid = randomise(timm.create_model(published, img_size=SIDE)), picture(), SIDE // 14
        super().__init__(net, {"image": image}, lambda net, x: {name: net.forward_features(x["image"])})
        self.stored = (torch.randn(1, 1 + 37 * 37, net.embed_dim) * 0.3).requires_grad_()
        self.resized = facebook_positions(self.stored, 37, grid, grid)
        with torch.no_grad():
            net.pos_embed.copy_(self.resized)
        # the one tensor that the checkpoint does not share with the network
        self.state |= {"pos_embed": self.stored.detach(), "mask_token": torch.zeros(1, net.embed_dim)}

    def gradients(self, net):
        self.resized.backward(net.pos_embed.grad)
        return super().gradients(net) | {"pos_embed": self.stored.grad}


def mae(name, published):
    import timm
    net, image = randomise(timm.create_model(published, num_classes=0)), picture()
    return Case(net, {"image": image}, lambda net, x: {name: net.forward_features(x["image"])}, "model")


class Named(torch.nn.Module):
    """Parameters of dotted names, and what a function of them all gives."""

    def __init__(self, shapes, function):
        super().__init__()
        self.function = function
        for name, shape in shapes.items():
            *path, last = name.split(".")
            module = self
            for part in path:
                if part not in dict(module.named_children()):
                    module.add_module(part, torch.nn.Module())
                module = getattr(module, part)
            module.register_parameter(last, torch.nn.Parameter(torch.zeros(shape)))

    def forward(self, x):
        return self.function(dict(self.named_parameters()), x)


def registers(name, published):
    width, depth = published
    shapes = facebook_names(width, 4 * width, depth, 14, 37, True, 4, True)
    net = randomise(Named(shapes, dinov2_registers(width, depth, width // 64, 4, 518, 14, 4)))
    return Case(net, {"image": picture()}, lambda net, x: {name: net(x["image"]).last_hidden_state})


def windowed(name, published):
    """OpenSDI's encoder at its 512 pixels: positions by sizes, windows of 14, every third block global."""
    width, depth, heads, side, grid, window = 768, 12, 12, 14, 32, 14
    shapes, blocks = sam_blocks(width, depth, heads, 4 * width, 16, side, grid, window, {2, 5, 8, 11})
    net = randomise(Named(shapes, blocks))
    with torch.no_grad():  # places that differ by all of 0.3 make attention so sharp that torch's own bf16 is 3 % off
        for k, v in net.named_parameters():
            v.mul_(0.1 if "rel_pos" in k else 1)
    return Case(net, {"image": picture(16 * grid)}, lambda net, x: {name: net(x["image"])[-1]})


def resnet(name, published):
    import torchvision
    net, image = randomise(torchvision.models.get_model(published, weights=None)), picture()
    return Case(net, {"image": image}, lambda net, x: {name: net(x["image"])}, relus=True)


NETWORKS = {"clip-rn50": (clip, "RN50"), "clip-rn101": (clip, "RN101"), "clip-vit-b-32": (clip, "ViT-B-32"),
            "clip-vit-b-16": (clip, "ViT-B-16"), "clip-vit-l-14": (clip, "ViT-L-14"),
            "clip-vit-l-14-336": (clip, "ViT-L-14-336"), "dinov2-vit-s-14": (Dinov2, "vit_small_patch14_dinov2"),
            "dinov2-vit-b-14": (Dinov2, "vit_base_patch14_dinov2"),
            "dinov2-vit-l-14": (Dinov2, "vit_large_patch14_dinov2"), "mae-vit-b-16": (mae, "vit_base_patch16_224.mae"),
            "mae-vit-b-16-windowed": (windowed, None), "dinov2-vit-s-14-reg": (registers, (384, 12)),
            "dinov2-vit-b-14-reg": (registers, (768, 12)), "dinov2-vit-l-14-reg": (registers, (1024, 24)),
            **{f"resnet-{depth}": (resnet, f"resnet{depth}") for depth in (18, 34, 50, 101, 152)}}


def step(outputs, directions):
    """The backward pass of a training step whose loss is the sum of the outputs, each number times its direction."""
    sum((v * directions[k]).sum() for k, v in outputs.items()).backward()


def save(path, tensors):
    tensors = {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}
    save_file({k: v.detach().contiguous() for k, v in tensors.items()}, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    path = args.folder / args.network
    torch.manual_seed(SEED)
    build, published = NETWORKS[args.network]
    case = build(args.network, published)
    save(f"{path}.safetensors", case.state)
    torch.save({case.nested: case.state} if case.nested else case.state, f"{path}.pth")
    if args.network.startswith("resnet"):
        torch.save(case.state, f"{path}.legacy.pth", _use_new_zipfile_serialization=False)

    tensors = {"in." + k: v.permute(0, 2, 3, 1) if k == "image" else v.int() for k, v in case.inputs.items()}
    with torch.no_grad():
        directions = {}
        for k, v in case.run(case.net, case.inputs).items():
            tensors["out." + k], directions[k] = v, torch.randn_like(v)
    case.net.train()
    if case.relus:
        exact = copy.deepcopy(case.net).double()
        doubles = {k: v.double() if v.is_floating_point() else v for k, v in case.inputs.items()}
        step(case.run(exact, doubles), directions)
        save(f"{path}.gradients.safetensors", case.gradients(exact))
        del exact
    outputs = case.run(case.net, case.inputs)
    step(outputs, directions)
    save(f"{path}.gradients{'-f32' if case.relus else ''}.safetensors", case.gradients(case.net))
    tensors |= {"train." + k: v for k, v in outputs.items()} | {"direction." + k: v for k, v in directions.items()}
    save(f"{path}.case.safetensors", tensors)


if __name__ == "__main__":
    main()
