#!/usr/bin/env python3
"""Published networks at full size with random weights, and what their reference implementations compute with them.

    reference.py NETWORK FOLDER

writes into the folder, with the names and the nesting of the published checkpoint:
    NETWORK.safetensors, NETWORK.pth    the weights; of ResNets also NETWORK.legacy.pth, as PyTorch before 1.6 saved
    NETWORK.case.safetensors            "in.image" (channels last), "in.ids", "out.*": for run_parity.c
References: open_clip for CLIP, timm for DINOv2 and MAE, torchvision for ResNets, all in f32."""
import argparse
import pathlib
import sys

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
from vit import facebook_positions  # noqa: E402

SEED, BATCH, SIDE = 7, 2, 224


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


def picture():
    return torch.randn(BATCH, 3, SIDE, SIDE)


def clip(name):
    import open_clip
    published = {"clip-rn50": "RN50-quickgelu", "clip-vit-l-14": "ViT-L-14-quickgelu"}
    net = randomise(open_clip.create_model(published[name]))
    image, ids = picture(), torch.randint(1, 49405, (BATCH, 77))
    for row, length in enumerate((9, 77)):
        ids[row, 0], ids[row, length - 1], ids[row, length:] = 49406, 49407, 0
    with torch.no_grad():
        out = {name: net.encode_image(image), name + "-text": net.encode_text(ids)}
    return net.state_dict(), None, {"image": image, "ids": ids}, out


def dinov2(name):
    """The position embedding is stored for pictures of 518 pixels and resized as facebookresearch does it."""
    import timm
    net = randomise(timm.create_model("vit_large_patch14_dinov2", img_size=SIDE))
    state = dict(net.state_dict())
    state["pos_embed"] = torch.randn(1, 1 + 37 * 37, 1024) * 0.3
    state["mask_token"] = torch.zeros(1, 1024)
    image, grid = picture(), SIDE // 14
    with torch.no_grad():
        net.pos_embed.copy_(facebook_positions(state["pos_embed"], 37, grid, grid))
        out = net.forward_features(image)
    # net.pos_embed is the one tensor that the checkpoint does not share with it
    return state, None, {"image": image}, {name: out}


def mae(name):
    import timm
    net = randomise(timm.create_model("vit_base_patch16_224.mae", num_classes=0))
    image = picture()
    with torch.no_grad():
        out = net.forward_features(image)
    return net.state_dict(), "model", {"image": image}, {name: out}


def resnet(name):
    import torchvision
    net = randomise(torchvision.models.get_model(name.replace("-", ""), weights=None))
    image = picture()
    with torch.no_grad():
        out = net(image)
    return net.state_dict(), None, {"image": image}, {name: out}


NETWORKS = {"clip-rn50": clip, "clip-vit-l-14": clip, "dinov2-vit-l-14": dinov2, "mae-vit-b-16": mae,
            "resnet-50": resnet, "resnet-101": resnet}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    torch.manual_seed(SEED)
    state, nested, inputs, outputs = NETWORKS[args.network](args.network)
    if "image" in inputs:
        inputs["image"] = inputs["image"].permute(0, 2, 3, 1)
    if "ids" in inputs:
        inputs["ids"] = inputs["ids"].int()
    case = {"in." + k: v for k, v in inputs.items()} | {"out." + k: v for k, v in outputs.items()}
    args.folder.mkdir(parents=True, exist_ok=True)
    path = args.folder / args.network
    save_file({k: v.contiguous() for k, v in case.items()}, f"{path}.case.safetensors")
    torch.save({nested: state} if nested else state, f"{path}.pth")
    save_file(state, f"{path}.safetensors")
    if args.network.startswith("resnet"):
        torch.save(state, f"{path}.legacy.pth", _use_new_zipfile_serialization=False)


if __name__ == "__main__":
    main()
