"""Fixtures of tests/format: files written by the safetensors package for us to read, and a check that it reads ours.

    python tools/reference/format.py            writes tests/format/fixtures/python.safetensors and expected.h
    python tools/reference/format.py check F    reads F, as test_safetensors leaves it, with the package and compares

Needs torch, numpy and safetensors.
"""
import os
import sys
import textwrap

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/format/fixtures")

# every class of half-precision number: zeros, subnormals, the ends of the normal range, infinities, NaN
HALF_BITS = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0xC000, 0x3555, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00,
             0x7E00]
BRAIN_BITS = [0x0000, 0x8000, 0x0001, 0x007F, 0x0080, 0x3F80, 0xBF80, 0x4049, 0x7F7F, 0x7F80, 0xFF80, 0x7FC0]
DOUBLES = [0.0, -0.0, 1 / 3, -1e300, 1e-300, 1e-40, 16777217.0, 3.4028235677973366e38]


def tensors():
    def bits(values, dtype):
        return torch.from_numpy(np.array(values, dtype=np.uint16).view(np.int16).copy()).view(dtype)

    return {
        "floats": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 7 - 0.25,
        "half": bits(HALF_BITS, torch.float16),
        "brain": bits(BRAIN_BITS, torch.bfloat16),
        "double": torch.tensor(DOUBLES, dtype=torch.float64),
        "scalar": torch.tensor(2.5),
        "none": torch.zeros(0, 4),
        "one.two.weight": torch.tensor([[[[-1.5]]]]),
        "i8": torch.tensor([-128, 127], dtype=torch.int8),
        "u8": torch.tensor([255, 1, 2], dtype=torch.uint8),
        "i16": torch.tensor([-32768], dtype=torch.int16),
        "i32": torch.tensor([-5], dtype=torch.int32),
        "i64": torch.tensor([1 << 40], dtype=torch.int64),
        "bool": torch.tensor([True, False]),
        "größe": torch.tensor([4.0]),
    }


def write():
    os.makedirs(FIXTURES, exist_ok=True)
    known = tensors()
    path = os.path.join(FIXTURES, "python.safetensors")
    save_file(known, path, metadata={"naïve": "ja\n"})
    os.chmod(path, 0o644)
    with open(os.path.join(FIXTURES, "expected.h"), "w") as out:
        out.write("/* expected.h - what the floating tensors of python.safetensors are as f32, bit by bit, by torch and numpy.\n"
                  " * Written by tools/reference/format.py. */\n")
        for name in ["floats", "half", "brain", "double", "scalar", "one.two.weight"]:
            # numpy for half precision: torch gives its NaN another fraction than IEEE conversion does
            value = known[name].numpy().astype(np.float32) if name == "half" else known[name].float().numpy()
            words = value.flatten().view(np.uint32)
            text = textwrap.fill(", ".join(f"0x{w:08x}" for w in words), 112, initial_indent="    ",
                                 subsequent_indent="    ")
            out.write(f"static const uint32_t expected_{name.replace('.', '_')}[] = {{\n{text}}};\n")


def check(path):
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"kind": "test", "text": 'a "quoted" ü'}, file.metadata()
        assert sorted(file.keys()) == ["a.weight", "empty", "scalar"]
        assert torch.equal(file.get_tensor("a.weight"), torch.arange(12, dtype=torch.float32).reshape(3, 4) * 0.5 - 1)
        assert torch.equal(file.get_tensor("scalar"), torch.tensor(3.25))
        assert file.get_tensor("empty").shape == (5, 0)
    print("the safetensors package reads", path)


if __name__ == "__main__":
    check(sys.argv[2]) if len(sys.argv) == 3 and sys.argv[1] == "check" else write()
