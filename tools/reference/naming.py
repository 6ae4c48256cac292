#!/usr/bin/env python3
"""Writes tests/backbone/fixtures/naming/: one tiny random network of each family in every naming that Assay reads, taken
from one to the other by the converters of timm, open_clip and transformers themselves.
Run: python3 tools/reference/naming.py (needs torch, safetensors, timm, open_clip_torch, transformers)."""
import argparse
import pathlib
import re
import types

import timm.models.byobnet
import timm.models.resnet
import timm.models.vision_transformer
import torch
from open_clip.model import CLIP, convert_to_custom_text_state_dict
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "backbone" / "fixtures" / "naming"
WIDTH, LAYERS, PATCH = 8, 2, 2
SIDE = 2 * PATCH


def randomise(state, seed):
    g = torch.Generator().manual_seed(seed)
    return {
        k: torch.randn(v.shape, generator=g).half().float() if v.is_floating_point() else v for k, v in state.items()
    }


def save(name, state):
    """Half precision: the values were rounded to it."""
    state = {k: (v.half() if v.is_floating_point() else v).clone().contiguous() for k, v in state.items()}
    save_file(state, OUT / (name + ".safetensors"))


TEXT = dict(context_length=7, vocab_size=11, width=WIDTH, heads=2, layers=LAYERS)


def clip_vit():
    vision = dict(layers=LAYERS, width=WIDTH, head_width=4, image_size=SIDE, patch_size=PATCH)
    model = CLIP(4, vision, TEXT)
    state = randomise(model.state_dict(), 1)
    model.load_state_dict(state)
    save("clip_vit_openai", {**state, "input_resolution": torch.tensor(SIDE), "context_length": torch.tensor(7),
                             "vocab_size": torch.tensor(11)})
    save("clip_vit_open_clip", convert_to_custom_text_state_dict(state))
    save("clip_vit_timm", timm.models.vision_transformer._convert_openai_clip(state, None))

    size = dict(hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=LAYERS, num_attention_heads=2)
    hf = CLIPModel(CLIPConfig(
        projection_dim=4, vision_config=dict(image_size=SIDE, patch_size=PATCH, **size),
        text_config=dict(vocab_size=11, max_position_embeddings=7, eos_token_id=1, bos_token_id=0, **size)))
    hf.load_state_dict(hf_names(state, hf.state_dict()), strict=True)
    hf.eval()
    model.eval()
    pictures = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(2))
    hf.vision_model.config.hidden_act = "gelu"
    for layer in hf.vision_model.encoder.layers:
        layer.mlp.activation_fn = torch.nn.GELU()
    with torch.no_grad():  # the names are right where the function is
        ours = hf.visual_projection(hf.vision_model(pictures).pooler_output)
        torch.testing.assert_close(ours, model.encode_image(pictures), rtol=1e-3, atol=1e-3)
    state = dict(hf.state_dict())
    state["vision_model.embeddings.position_ids"] = torch.arange(5)[None]  # as old files have it
    save("clip_vit_hf", state)


def hf_names(state, wanted):
    """What transformers' converter does (its module is gone from release 5)."""
    out = {"logit_scale": state["logit_scale"], "visual_projection.weight": state["visual.proj"].T,
           "text_projection.weight": state["text_projection"].T,
           "vision_model.embeddings.class_embedding": state["visual.class_embedding"],
           "vision_model.embeddings.patch_embedding.weight": state["visual.conv1.weight"],
           "vision_model.embeddings.position_embedding.weight": state["visual.positional_embedding"],
           "text_model.embeddings.token_embedding.weight": state["token_embedding.weight"],
           "text_model.embeddings.position_embedding.weight": state["positional_embedding"]}
    for end in ("weight", "bias"):
        out["vision_model.pre_layrnorm." + end] = state["visual.ln_pre." + end]
        out["vision_model.post_layernorm." + end] = state["visual.ln_post." + end]
        out["text_model.final_layer_norm." + end] = state["ln_final." + end]
        for i in range(LAYERS):
            for to, at in (("vision_model", "visual."), ("text_model", "")):
                a, b = f"{to}.encoder.layers.{i}.", f"{at}transformer.resblocks.{i}."
                for x, part in zip("qkv", state[b + "attn.in_proj_" + end].chunk(3)):
                    out[f"{a}self_attn.{x}_proj.{end}"] = part
                for x, y in (("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"), ("self_attn.out_proj", "attn.out_proj"),
                             ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj")):
                    out[f"{a}{x}.{end}"] = state[f"{b}{y}.{end}"]
    return {k: out.get(k, v) for k, v in wanted.items()}


def clip_resnet():
    vision = dict(layers=[1, 1, 1, 1], width=2, head_width=64, image_size=32, patch_size=None)
    state = randomise(CLIP(4, vision, TEXT).state_dict(), 3)
    state = {k: v for k, v in state.items() if k.startswith("visual.") or k == "logit_scale"}
    save("clip_resnet_openai", state)
    head = timm.layers.AttentionPool2d(64, out_features=4, feat_size=1, head_dim=64)
    save("clip_resnet_timm", timm.models.byobnet._convert_openai_clip(state, types.SimpleNamespace(head=head)))


def dinov2():
    for registers, name in ((0, "dinov2"), (2, "dinov2_registers")):
        model = timm.models.vision_transformer.VisionTransformer(
            img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=LAYERS, num_heads=2, init_values=1, num_classes=0,
            reg_tokens=registers, no_embed_class=registers > 0)
        state = randomise(model.state_dict(), 4 + registers)
        state["mask_token"] = torch.zeros(1, WIDTH)
        if registers:
            state["register_tokens"] = state.pop("reg_token")
            state["pos_embed"] = torch.cat([torch.ones(1, 1, WIDTH), state["pos_embed"]], 1)
        save(name + "_facebook", state)
        converted = timm.models.vision_transformer._convert_dinov2(dict(state), model)
        model.load_state_dict(converted)
        save(name + "_timm", converted)
        if not registers:  # as trained: two chunks of a block each
            save(name + "_chunks", {"backbone." + re.sub(r"blocks\.(\d+)", r"blocks.\1.\1", k): v
                                    for k, v in state.items()})
        hf = {}
        for k, v in state.items():
            for a, b in (("mask_token", "embeddings.mask_token"), ("cls_token", "embeddings.cls_token"),
                         ("register_tokens", "embeddings.register_tokens"),
                         ("pos_embed", "embeddings.position_embeddings"),
                         ("patch_embed.proj", "embeddings.patch_embeddings.projection"), ("blocks.", "encoder.layer."),
                         ("attn.proj", "attention.output.dense"), ("ls1.gamma", "layer_scale1.lambda1"),
                         ("ls2.gamma", "layer_scale2.lambda1")):
                k = k.replace(a, b)
            if k.startswith("norm."):
                k = "layernorm." + k[5:]
            if "attn.qkv" in k:
                for x, part in zip(("query", "key", "value"), v.chunk(3)):
                    hf[k.replace("attn.qkv", "attention.attention." + x)] = part
            else:
                hf[k] = v
        save(name + "_hf", hf)
        five = {k.replace("attention.attention.", "attention.").replace("query", "q_proj").replace("key", "k_proj")
                 .replace("value", "v_proj").replace("attention.output.dense", "attention.o_proj"): v
                for k, v in hf.items()}
        check_hf(hf, five, registers)
        if not registers:
            save(name + "_hf5", five)


def check_hf(published, five, registers):
    """transformers takes both names, and all of them."""
    import tempfile
    import transformers
    kind = "Dinov2WithRegisters" if registers else "Dinov2"
    size = dict(hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=2, image_size=SIDE, patch_size=PATCH)
    config = getattr(transformers, kind + "Config")(**size, **(dict(num_register_tokens=registers) if registers else {}))
    model = getattr(transformers, kind + "Model")(config)
    assert set(model.state_dict()) == set(five), set(model.state_dict()) ^ set(five)
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        save_file({k: v.contiguous() for k, v in published.items()}, folder + "/model.safetensors",
                  metadata={"format": "pt"})
        loaded = type(model).from_pretrained(folder).state_dict()
    for k, v in five.items():
        assert torch.equal(loaded[k], v), k


def mae():
    model = timm.models.vision_transformer.VisionTransformer(
        img_size=SIDE, patch_size=PATCH, embed_dim=WIDTH, depth=LAYERS, num_heads=2, num_classes=0)
    state = randomise(model.state_dict(), 7)
    save("mae", state)
    torch.save({"model": {"module." + k: v.half() for k, v in state.items()}}, OUT / "mae.pth")


def resnet():
    model = timm.models.resnet.ResNet(
        timm.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=3, stem_width=2, channels=(2, 2, 4, 4))
    state = randomise(model.state_dict(), 8)
    save("resnet", state)
    from transformers import ResNetConfig, ResNetForImageClassification
    hf = ResNetForImageClassification(ResNetConfig(
        embedding_size=64, hidden_sizes=[2, 2, 4, 4], depths=[1, 1, 1, 1], layer_type="basic", num_labels=3))
    names = {}
    for k, v in state.items():
        k = re.sub(r"layer(\d)\.(\d)\.", lambda m: f"resnet.encoder.stages.{int(m[1]) - 1}.layers.{m[2]}.", k)
        k = re.sub(r"^(conv1|bn1)\.", r"resnet.embedder.embedder.\1.", k).replace("embedder.conv1", "embedder.convolution")
        k = k.replace("embedder.bn1", "embedder.normalization").replace("fc.", "classifier.1.")
        k = re.sub(r"layers\.(\d)\.conv(\d)", lambda m: f"layers.{m[1]}.layer.{int(m[2]) - 1}.convolution", k)
        k = re.sub(r"layers\.(\d)\.bn(\d)", lambda m: f"layers.{m[1]}.layer.{int(m[2]) - 1}.normalization", k)
        names[k.replace("downsample.0", "shortcut.convolution").replace("downsample.1", "shortcut.normalization")] = v
    hf.load_state_dict(names, strict=True)
    model.load_state_dict(state)
    model.eval()
    hf.eval()
    for module in list(model.modules()) + list(hf.modules()):
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.abs_()
    pictures = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():  # the names are right where the function is
        torch.testing.assert_close(hf(pictures).logits, model(pictures), rtol=1e-4, atol=1e-4)
    save("resnet_hf", names)


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    OUT.mkdir(parents=True, exist_ok=True)
    for family in (clip_vit, clip_resnet, dinov2, mae, resnet):
        family()
