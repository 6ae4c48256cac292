#!/usr/bin/env python3
"""Writes tests/nn/fixtures/lora*.safetensors: a small perceptron adapted by peft, with B not zero: weights, outputs,
gradients of the pairs, and the adapter as peft saves it. Run: python3 tools/reference/lora.py (needs torch, peft)."""
import pathlib
import shutil
import tempfile

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "nn" / "fixtures"


class Perceptron(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(6, 10)
        self.fc2 = torch.nn.Linear(10, 7, bias=False)
        self.head = torch.nn.Linear(7, 2)

    def forward(self, x):
        return self.head(torch.nn.functional.gelu(self.fc2(torch.nn.functional.gelu(self.fc1(x)))))


def main():
    torch.manual_seed(11)
    base = Perceptron()
    weights = {f"param.{k}": v.detach().clone() for k, v in base.state_dict().items()}
    model = get_peft_model(base, LoraConfig(r=3, lora_alpha=5, target_modules=["fc1", "fc2"], lora_dropout=0.0))
    for name, value in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.3)
    x = torch.randn(4, 6)
    y = model(x)
    (y * torch.arange(8.0).reshape(4, 2)).sum().backward()
    out = {"x": x, "y": y.detach(), **weights}
    for name, value in model.named_parameters():
        if "lora_" in name:
            short = name.removeprefix("base_model.model.").replace(".default", "")
            out[f"grad.{short}"] = value.grad
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        shutil.copy(pathlib.Path(folder) / "adapter_model.safetensors", OUT / "lora_peft.safetensors")
    merged = model.merge_and_unload()
    out["merged.fc1.weight"] = merged.fc1.weight.detach().clone()
    out["merged.fc2.weight"] = merged.fc2.weight.detach().clone()
    save_file({k: v.contiguous() for k, v in out.items()}, OUT / "lora.safetensors")


if __name__ == "__main__":
    main()
