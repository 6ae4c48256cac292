"""Fixtures for tests/backbone (vision transformers, CLIP's text tower) and for tests/nn (resizing, group norm).

Tiny networks of the reference implementations with random weights: open_clip for CLIP, transformers for CLIP at
another size, DINOv2 by sizes, DINOv2 with registers and SAM's windowed blocks (those of ViTDet, which MaskCLIP's
encoder took over), timm for DINOv2 by its own positions and for MAE. Weights are drawn under the names of OpenAI's and
facebookresearch's checkpoints and handed to the reference under its own, so that gradients come back under ours.

A file holds "param.*", "in.*" (channels last), "out.*", "weight.*" and "grad.*": gradients of sum over outputs of
sum(out * weight). Needs torch, transformers, open_clip_torch and timm."""
import functools
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.func import functional_call

TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests"


def draw(name, shape):
    """Away from special initial values, so that a forgotten tensor shows; f32 values."""
    if name.endswith(("norm.weight", "gamma")) or ("ln_" in name or ".norm" in name) and name.endswith("weight"):
        t = torch.rand(shape) + 0.5
    elif name.endswith("bias"):
        t = torch.randn(shape) * 0.1
    elif name.endswith("weight") and len(shape) > 1 and "embedding" not in name:
        t = torch.randn(shape) * (1.5 / fan_in(shape)) ** 0.5
    else:
        t = torch.randn(shape) * 0.3
    return t.double().requires_grad_()


def fan_in(shape):
    fan = 1
    for d in shape[1:]:
        fan *= d
    return fan


def save(group, name, params, inputs, outputs):
    out = {"param." + k: v for k, v in params.items()}
    out.update({"in." + k: v for k, v in inputs.items()})
    loss = 0
    for k, v in outputs.items():
        weight = torch.randn(v.shape).double()
        loss = loss + (v * weight).sum()
        out["out." + k], out["weight." + k] = v, weight
    grads = torch.autograd.grad(loss, list(params.values()), allow_unused=True)
    for (k, v), d in zip(params.items(), grads):
        out["grad." + k] = torch.zeros_like(v) if d is None else d
    path = TESTS / group / "fixtures" / (name + ".safetensors")
    path.parent.mkdir(parents=True, exist_ok=True)
    out = {k: v if v.dtype == torch.int32 else v.detach().float() for k, v in out.items()}
    save_file({k: v.contiguous().clone() for k, v in out.items()}, path)
    print(path.name, path.stat().st_size)


def picture(batch, height, width):
    return torch.randn(batch, 3, height, width).float().double()


def last(x):
    return x.permute(0, 2, 3, 1)


def openai_names(width, depth, patch, grid, output):
    shapes = {"class_embedding": [width], "positional_embedding": [grid * grid + 1, width], "proj": [width, output],
              "conv1.weight": [width, 3, patch, patch]}
    for n in ["ln_pre", "ln_post"]:
        shapes |= {n + ".weight": [width], n + ".bias": [width]}
    return shapes | openai_blocks(width, depth)


def openai_blocks(width, depth):
    shapes = {}
    for i in range(depth):
        b = f"transformer.resblocks.{i}."
        for n, o, k in [("attn.out_proj", width, width), ("mlp.c_fc", 4 * width, width),
                        ("mlp.c_proj", width, 4 * width)]:
            shapes |= {b + n + ".weight": [o, k], b + n + ".bias": [o]}
        shapes |= {b + "attn.in_proj_weight": [3 * width, width], b + "attn.in_proj_bias": [3 * width]}
        for n in ["ln_1", "ln_2"]:
            shapes |= {b + n + ".weight": [width], b + n + ".bias": [width]}
    return shapes


def facebook_names(width, hidden, depth, patch, grid, scale=False, registers=0, mask=False, cls=True, norm=True):
    shapes = {"pos_embed": [1, grid * grid + 1, width], "patch_embed.proj.weight": [width, 3, patch, patch],
              "patch_embed.proj.bias": [width]}
    shapes |= {"cls_token": [1, 1, width]} if cls else {}
    shapes |= {"mask_token": [1, width]} if mask else {}
    shapes |= {"register_tokens": [1, registers, width]} if registers else {}
    shapes |= {"norm.weight": [width], "norm.bias": [width]} if norm else {}
    for i in range(depth):
        b = f"blocks.{i}."
        for n, o, k in [("attn.qkv", 3 * width, width), ("attn.proj", width, width), ("mlp.fc1", hidden, width),
                        ("mlp.fc2", width, hidden)]:
            shapes |= {b + n + ".weight": [o, k], b + n + ".bias": [o]}
        for n in ["norm1", "norm2"]:
            shapes |= {b + n + ".weight": [width], b + n + ".bias": [width]}
        shapes |= {b + "ls1.gamma": [width], b + "ls2.gamma": [width]} if scale else {}
    return shapes


def drawn(shapes):
    return {k: draw(k, s) for k, s in shapes.items()}


def watch(module, seen, key):
    """What a module gives, kept under a name; the first of a tuple."""
    module.register_forward_hook(lambda m, i, o: seen.__setitem__(key, o[0] if isinstance(o, tuple) else o))


def clip_open():
    """open_clip's CLIP, quick GELU, at its own size; its names are OpenAI's."""
    from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
    torch.manual_seed(1)
    width, vocabulary, context = 32, 60, 12
    net = CLIP(24, CLIPVisionCfg(layers=2, width=width, head_width=8, patch_size=8, image_size=32),
               CLIPTextCfg(context_length=context, vocab_size=vocabulary, width=width, heads=4, layers=2),
               quick_gelu=True).double().eval()
    seen = {}
    watch(net.visual.transformer.resblocks[0], seen, "block0")
    watch(net.visual.transformer.resblocks[1].ln_2, seen, "norm2")
    watch(net.visual.transformer, seen, "tokens")
    p = drawn(openai_names(width, 2, 8, 4, 24))
    x = picture(2, 32, 32)
    embedding = functional_call(net.visual, p, (x,))
    save("backbone", "clip_visual", p, {"image": last(x)}, {"embedding": embedding, **seen})

    p = drawn({"token_embedding.weight": [vocabulary, width], "positional_embedding": [context, width],
               "text_projection": [width, 16], "ln_final.weight": [width], "ln_final.bias": [width]}
              | openai_blocks(width, 2))
    ids = torch.randint(1, vocabulary - 2, (3, context))
    for row, end in enumerate([4, context - 1, 7]):
        ids[row, end], ids[row, end + 1:] = vocabulary - 1, 0
    ids[2, 9] = vocabulary - 1  # a second end token, which does not count
    net.text_projection = torch.nn.Parameter(torch.zeros(width, 16).double())
    seen = {}
    watch(net.ln_final, seen, "tokens")

    class Text(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.clip = net

        def forward(self, ids):
            return self.clip.encode_text(ids)

    embedding = functional_call(Text(), {"clip." + k: v for k, v in p.items()}, (ids,))
    save("backbone", "clip_text", p, {"ids": ids.int()}, {"embedding": embedding, **seen})


def clip_hugging_face():
    """transformers' CLIP, exact GELU, at another size: positions by sizes, without antialiasing."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
    torch.manual_seed(2)
    width = 32
    net = CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=width, intermediate_size=4 * width, projection_dim=16, num_hidden_layers=2, num_attention_heads=2,
        image_size=24, patch_size=6, hidden_act="gelu", layer_norm_eps=1e-5, attn_implementation="eager"))
    net = net.double().eval()
    p = drawn(openai_names(width, 2, 6, 4, 16))
    # Older releases keep the tower under "vision_model.", newer ones may not.
    own = set(dict(net.named_parameters()))
    v = "vision_model." if any(k.startswith("vision_model.") for k in own) else ""
    q = {"visual_projection.weight": p["proj"].T, v + "embeddings.class_embedding": p["class_embedding"],
         v + "embeddings.patch_embedding.weight": p["conv1.weight"],
         v + "embeddings.position_embedding.weight": p["positional_embedding"]}
    for a, b in [("pre_layrnorm", "ln_pre"), ("post_layernorm", "ln_post")]:
        q |= {v + a + "." + s: p[b + "." + s] for s in ["weight", "bias"]}
    for i in range(2):
        a, b = f"{v}encoder.layers.{i}.", f"transformer.resblocks.{i}."
        for s in ["weight", "bias"]:
            for n, part in zip("qkv", p[b + "attn.in_proj_" + s].chunk(3)):
                q[a + f"self_attn.{n}_proj." + s] = part
            for there, here in [("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"),
                                ("layer_norm2", "ln_2"), ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj")]:
                q[a + there + "." + s] = p[b + here + "." + s]
    assert set(q) == own, set(q) ^ own
    x = picture(2, 42, 30)
    got = functional_call(net, q, (), {"pixel_values": x, "interpolate_pos_encoding": True})
    save("backbone", "clip_resized", p, {"image": last(x)},
         {"embedding": got.image_embeds, "tokens": got.last_hidden_state})


def dinov2_by(net, depth, registers):
    """transformers' DINOv2 as a function of parameters under facebookresearch's names and of pictures."""
    own = set(dict(net.named_parameters()))
    new = any("q_proj" in k for k in own)  # transformers 5 renamed them inside, not in files
    parts = ["attention.q_proj", "attention.k_proj", "attention.v_proj", "attention.o_proj"] if new else [
        "attention.attention.query", "attention.attention.key", "attention.attention.value", "attention.output.dense"]

    def function(p, x):
        q = {"embeddings.cls_token": p["cls_token"], "embeddings.mask_token": p["mask_token"],
             "embeddings.position_embeddings": p["pos_embed"]}
        if registers:
            q["embeddings.register_tokens"] = p["register_tokens"]
        for s in ["weight", "bias"]:
            q["embeddings.patch_embeddings.projection." + s] = p["patch_embed.proj." + s]
            q["layernorm." + s] = p["norm." + s]
            for i in range(depth):
                a, b = f"encoder.layer.{i}.", f"blocks.{i}."
                for n, part in zip(parts, [*p[b + "attn.qkv." + s].chunk(3), p[b + "attn.proj." + s]]):
                    q[a + n + "." + s] = part
                for n in ["norm1", "norm2", "mlp.fc1", "mlp.fc2"]:
                    q[a + n + "." + s] = p[b + n + "." + s]
                for n in "12":
                    q[a + f"layer_scale{n}.lambda1"] = p[b + f"ls{n}.gamma"]
        assert set(q) == own, set(q) ^ own
        return functional_call(net, q, (), {"pixel_values": x})
    return function


def dinov2_config(width, depth, heads, ratio, image, patch):
    return dict(hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads, mlp_ratio=ratio,
                image_size=image, patch_size=patch, layer_norm_eps=1e-6, attn_implementation="eager")


def dinov2_registers(width, depth, heads, ratio, image, patch, registers):
    from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel
    config = dinov2_config(width, depth, heads, ratio, image, patch)
    net = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**config, num_register_tokens=registers))
    return dinov2_by(net.eval(), depth, registers)


def dinov2_hugging_face(name, seed, registers, size):
    from transformers import Dinov2Config, Dinov2Model
    torch.manual_seed(seed)
    width, config = 32, (32, 2, 4, 2, 24, 6)
    if registers:
        function = dinov2_registers(*config, registers)
    else:
        function = dinov2_by(Dinov2Model(Dinov2Config(**dinov2_config(*config))).eval(), 2, 0)
    p = drawn(facebook_names(width, 2 * width, 2, 6, 4, True, registers, True))
    x = picture(2, *size)
    got = function(p, x)
    save("backbone", name, p, {"image": last(x)}, {"normed": got.last_hidden_state, "embedding": got.pooler_output})


def facebook_positions(pos, side, rows, columns):
    """interpolate_pos_encoding of facebookresearch's DINOv2 with its offset of 0.1."""
    grid = pos[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    scale = ((rows + 0.1) / side, (columns + 0.1) / side)
    grid = F.interpolate(grid, scale_factor=scale, mode="bicubic")
    assert grid.shape[2:] == (rows, columns)
    return torch.cat([pos[:, :1], grid.permute(0, 2, 3, 1).reshape(1, rows * columns, -1)], 1)


def by_timm(name, seed, size, scale, positions):
    """timm's vision transformer: DINOv2's with layer scale, MAE's without; its own positions or facebookresearch's."""
    from timm.models.vision_transformer import VisionTransformer
    torch.manual_seed(seed)
    width, grid = 32, 4
    rows, columns = size[0] // 6, size[1] // 6
    own = positions != "facebook"
    net = VisionTransformer(img_size=24 if own else size, patch_size=6, embed_dim=width, depth=2, num_heads=4,
                            mlp_ratio=2, num_classes=0, init_values=1.0 if scale else None, dynamic_img_size=own,
                            norm_layer=functools.partial(torch.nn.LayerNorm, eps=1e-6)).double().eval()
    p = drawn(facebook_names(width, 2 * width, 2, 6, grid, scale))
    q = dict(p) if own else p | {"pos_embed": facebook_positions(p["pos_embed"], grid, rows, columns)}
    assert set(q) == set(dict(net.named_parameters())), set(q) ^ set(dict(net.named_parameters()))
    x = picture(2, *size)
    normed = functional_call(Features(net), {"net." + k: v for k, v in q.items()}, (x,))
    save("backbone", name, p, {"image": last(x)}, {"normed": normed, "embedding": normed[:, 0]})


class Features(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net.forward_features(x)


def sam_blocks(width, depth, heads, hidden, patch, side, grid, window, whole):
    """SAM's layers (transformers) in windows but for those in `whole`, behind MAE's patches, of whose positions for
    side x side patches the class token's goes unused: shapes by facebookresearch's names, and a function of such
    parameters and of pictures that gives each block's tokens."""
    from transformers import SamVisionConfig
    from transformers.models.sam.modeling_sam import SamVisionLayer
    config = SamVisionConfig(hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads,
                             image_size=patch * grid, patch_size=patch, hidden_act="gelu", layer_norm_eps=1e-6,
                             qkv_bias=True, use_rel_pos=True, window_size=window, mlp_dim=hidden,
                             global_attn_indexes=sorted(whole), attn_implementation="eager")
    layers = [SamVisionLayer(config, 0 if i in whole else window).eval() for i in range(depth)]
    shapes = facebook_names(width, hidden, depth, patch, side, cls=False, norm=False)
    for i in range(depth):
        size = grid if i in whole else window
        shapes |= {f"blocks.{i}.attn.rel_pos_{a}": [2 * size - 1, width // heads] for a in "hw"}
    names = {"norm1": "layer_norm1", "norm2": "layer_norm2", "mlp.fc1": "mlp.lin1", "mlp.fc2": "mlp.lin2"}

    def function(p, x):
        pos = F.interpolate(p["pos_embed"][:, 1:].reshape(1, side, side, width).permute(0, 3, 1, 2), size=(grid, grid),
                            mode="bicubic", align_corners=False)
        y = F.conv2d(x, p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=patch) + pos
        y, tokens = y.permute(0, 2, 3, 1), []
        for i, layer in enumerate(layers):
            q = {}
            for k, v in p.items():
                if k.startswith(f"blocks.{i}."):
                    k = k.split(".", 2)[2]
                    for here, there in names.items():
                        k = k.replace(here, there)
                    q[k] = v
            assert set(q) == set(dict(layer.named_parameters())), set(q) ^ set(dict(layer.named_parameters()))
            y = functional_call(layer, q, (y,))
            y = y[0] if isinstance(y, tuple) else y
            tokens.append(y.reshape(-1, grid * grid, width))
        return tokens
    return shapes, function


def mae_windowed():
    """Windows of 3 over 5 by 5 tokens in blocks 0 and 1, all of them in block 2."""
    torch.manual_seed(8)
    width, grid, patch = 32, 5, 6
    shapes, function = sam_blocks(width, 3, 2, 2 * width, patch, 4, grid, 3, {2})
    p = drawn(shapes)
    x = picture(2, patch * grid, patch * grid)
    tokens = function(p, x)
    save("backbone", "mae_windowed", p, {"image": last(x)}, {"tokens": tokens[-1], "block0": tokens[0]})


RESIZES = {
    # name: (size, arguments of interpolate)
    "nearest": ((7, 11), dict(mode="nearest")),
    "nearest_down": ((3, 2), dict(mode="nearest")),
    "bilinear": ((9, 3), dict(mode="bilinear", align_corners=False)),
    "bilinear_corners": ((9, 3), dict(mode="bilinear", align_corners=True)),
    "bilinear_corners_one": ((1, 4), dict(mode="bilinear", align_corners=True)),
    "bilinear_antialias": ((2, 8), dict(mode="bilinear", align_corners=False, antialias=True)),
    "bicubic": ((3, 9), dict(mode="bicubic", align_corners=False)),
    "bicubic_corners": ((3, 9), dict(mode="bicubic", align_corners=True)),
    "bicubic_antialias": ((3, 9), dict(mode="bicubic", align_corners=False, antialias=True)),
    "bicubic_antialias_up": ((8, 13), dict(mode="bicubic", align_corners=False, antialias=True)),
    "bicubic_scale": (((3 + 0.1) / 5, (9 + 0.1) / 6), dict(mode="bicubic", align_corners=False)),
    "bicubic_scale_same": (((5 + 0.1) / 5, (6 + 0.1) / 6), dict(mode="bicubic", align_corners=False)),
    "bilinear_scale": ((2.5, 0.55), dict(mode="bilinear", align_corners=False)),
    "nearest_scale": ((2.5, 0.55), dict(mode="nearest")),
}


def resizes():
    torch.manual_seed(9)
    p = {"x": torch.randn(2, 5, 6, 3).double().requires_grad_()}
    outputs = {}
    for name, (size, how) in RESIZES.items():
        how = dict(how, **{"scale_factor" if "scale" in name else "size": size})
        x = p["x"].permute(0, 3, 1, 2)
        y = F.interpolate(x, **how)
        if name == "bicubic_scale_same":
            # torch's backward pass (2.15) copies the gradient where both sizes are equal, though its forward pass
            # resamples: off by 9 % here. The gradient of what it computes forwards comes from that map itself.
            units = F.interpolate(torch.eye(30).double().reshape(30, 1, 5, 6), **how).reshape(30, *y.shape[2:])
            mapped = torch.einsum("bci,iyx->bcyx", x.reshape(2, 3, 30), units)
            assert torch.allclose(mapped, y)
            y = mapped
        outputs[name] = last(y)
    save("nn", "resize", p, {}, outputs)


def group_norms():
    torch.manual_seed(10)
    p = {"x": (torch.randn(2, 5, 3, 12) * 2 + 1).double().requires_grad_()}
    outputs = {}
    for groups, eps in [(1, 1e-5), (4, 1e-6), (12, 1e-2)]:
        p[f"g{groups}.weight"] = (torch.rand(12) + 0.5).double().requires_grad_()
        p[f"g{groups}.bias"] = torch.randn(12).double().requires_grad_()
        y = F.group_norm(p["x"].permute(0, 3, 1, 2), groups, p[f"g{groups}.weight"], p[f"g{groups}.bias"], eps)
        outputs[f"g{groups}"] = last(y)
    save("nn", "group_norm", p, {}, outputs)


if __name__ == "__main__":
    resizes()
    group_norms()
    clip_open()
    clip_hugging_face()
    dinov2_hugging_face("dinov2_size", 3, 0, (42, 30))
    dinov2_hugging_face("dinov2_registers", 4, 3, (18, 30))
    by_timm("dinov2_antialias", 5, (18, 30), True, "timm")
    by_timm("dinov2_offset", 6, (18, 42), True, "facebook")
    by_timm("mae", 7, (24, 24), False, "timm")
    mae_windowed()
