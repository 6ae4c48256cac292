#!/usr/bin/env python3
"""Writes tests/backbone/fixtures/adapter_*: a tiny CLIP and a tiny DINOv2 of transformers, adapted by peft in all of their
blocks' linear layers with B not zero: the network, the adapter as peft saves it, pictures and embeddings.
Run: python3 tools/reference/adapter.py (needs torch, transformers, peft)."""
import pathlib
import shutil
import tempfile

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, Dinov2Config, Dinov2Model

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "backbone" / "fixtures"
SIZE = dict(hidden_size=8, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)


def write(name, model, targets, embed):
    model.eval()
    backbone = {k: v.detach().clone().contiguous() for k, v in model.state_dict().items()}
    adapted = get_peft_model(model, LoraConfig(r=2, lora_alpha=3, target_modules=targets))
    for key, value in adapted.named_parameters():
        if "lora_" in key:
            torch.nn.init.normal_(value, std=0.3)
    pictures = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        y = embed(adapted.base_model.model, pictures)
    save_file(backbone, OUT / f"adapter_{name}_backbone.safetensors")
    save_file({"x": pictures.permute(0, 2, 3, 1).contiguous(), "y": y.contiguous()}, OUT / f"adapter_{name}.safetensors")
    with tempfile.TemporaryDirectory() as folder:
        adapted.save_pretrained(folder)
        shutil.copy(pathlib.Path(folder) / "adapter_model.safetensors", OUT / f"adapter_{name}_peft.safetensors")


def main():
    torch.manual_seed(21)
    clip = CLIPModel(CLIPConfig(
        projection_dim=4, vision_config=dict(image_size=4, patch_size=2, hidden_act="quick_gelu", **SIZE),
        text_config=dict(vocab_size=11, max_position_embeddings=7, eos_token_id=1, bos_token_id=0, **SIZE)))
    write("clip", clip, r"vision_model\..*\.(q_proj|k_proj|v_proj|out_proj|fc1|fc2)",
          lambda m, x: m.visual_projection(m.vision_model(x).pooler_output))
    dino = Dinov2Model(Dinov2Config(
        hidden_size=8, num_hidden_layers=2, num_attention_heads=2, image_size=4, patch_size=2))
    names = {k.split(".")[-2] for k in dino.state_dict() if ".attention." in k}
    write("dinov2", dino, sorted(names - {"attention"}), lambda m, x: m(x).last_hidden_state[:, 0])


if __name__ == "__main__":
    main()
