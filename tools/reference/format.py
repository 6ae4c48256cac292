"""Fixtures of tests/format: files written by the safetensors package for us to read, and a check that it reads ours.

    python tools/reference/format.py            writes tests/format/fixtures/python.safetensors and expected.h, and the
                                                seeds fuzz/corpus/safetensors
    python tools/reference/format.py check F    reads F, as test_safetensors leaves it, with the package and compares

Needs torch, numpy and safetensors.
"""
import json
import os
import shutil
import struct
import sys
import textwrap

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
FIXTURES = os.path.join(ROOT, "tests/format/fixtures")
CORPUS = os.path.join(ROOT, "fuzz/corpus/safetensors")

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


def seeds():
    """Small files of every kind that the reader tells apart, sound and damaged."""
    def tensor(dtype, shape, begin, end):
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    a, b = tensor("F32", [1], 0, 4), tensor("F16", [2], 4, 8)
    files = {
        "empty": ({}, 0), "one": ({"a": a}, 4), "two": ({"a": a, "b": b}, 8), "gap": ({"b": b}, 8),
        "overlap": ({"a": a, "b": tensor("BF16", [2], 2, 6)}, 6), "trailing": ({"a": a}, 5), "cut": ({"a": a}, 3),
        "none": ({"a": tensor("F64", [0, 3], 0, 0)}, 0), "huge": ({"a": tensor("I64", [1 << 61], 0, 0)}, 0),
        "negative": ({"a": tensor("U8", [-1, -4], 0, 4)}, 4), "dtype": ({"a": tensor("F8_E4M3", [4], 0, 4)}, 4),
        "integers": ({"a": tensor("I32", [1], 0, 4), "b": tensor("BOOL", [4], 4, 8)}, 8),
        "metadata": ({"__metadata__": {"k": "v", "\u00fc": ""}, "a": a}, 4), "strings": ({"__metadata__": {"k": 1}}, 0),
        "rank": ({"a": tensor("F32", [1] * 9, 0, 4)}, 4), "fields": ({"a": {**a, "x": 1}}, 4),
    }
    os.makedirs(CORPUS, exist_ok=True)
    shutil.copyfile(os.path.join(FIXTURES, "python.safetensors"), os.path.join(CORPUS, "python"))
    for name, (header, data) in files.items():
        text = json.dumps(header, separators=(",", ":")).encode()
        with open(os.path.join(CORPUS, name), "wb") as out:
            out.write(struct.pack("<Q", len(text)) + text + bytes(range(0x3C, 0x3C + data)))
    text = b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}'
    for name, length in {"duplicate": len(text), "oversized": 1 << 26, "short": len(text) + 3}.items():
        with open(os.path.join(CORPUS, name), "wb") as out:
            out.write(struct.pack("<Q", length) + text + b"ab")
    with open(os.path.join(CORPUS, "nested"), "wb") as out:
        out.write(struct.pack("<Q", 40) + b'{"a":' + b"[" * 35)


def check(path):
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"kind": "test", "text": 'a "quoted" ü'}, file.metadata()
        assert sorted(file.keys()) == ["a.weight", "empty", "scalar"]
        assert torch.equal(file.get_tensor("a.weight"), torch.arange(12, dtype=torch.float32).reshape(3, 4) * 0.5 - 1)
        assert torch.equal(file.get_tensor("scalar"), torch.tensor(3.25))
        assert file.get_tensor("empty").shape == (5, 0)
    print("the safetensors package reads", path)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "check":
        check(sys.argv[2])
    else:
        write()
        seeds()
