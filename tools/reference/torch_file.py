#!/usr/bin/env python3
"""Writes tests/format/fixtures/torch/: checkpoints as PyTorch saves them, in every container that Assay reads, hostile
ones, and what their tensors hold. Run: python3 tools/reference/torch_file.py (needs torch and safetensors)."""
import collections
import io
import pathlib
import struct
import zipfile

import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "format" / "fixtures" / "torch"


def tensors():
    g = torch.Generator().manual_seed(7)
    base = torch.randn(4, 6, generator=g)
    return collections.OrderedDict(
        [
            ("conv.weight", torch.randn(3, 2, 3, 3, generator=g)),
            ("half", torch.randn(5, generator=g).half()),
            ("brain", torch.randn(5, generator=g).bfloat16()),
            ("double", torch.randn(2, 2, generator=g).double()),
            ("count", torch.tensor(41)),
            ("transposed", base.t()),      # shares its storage with the next two
            ("window", base[1:3, 2:5]),
            ("whole", base),
            ("expanded", torch.arange(3.0).expand(1, 3)),
            ("empty", torch.zeros(0, 4)),
        ]
    )


class Inner(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.register_buffer("steps", torch.tensor(3))

    def forward(self, x):
        return x @ self.weight.t()


class Outer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.Sequential(Inner(), torch.nn.Linear(2, 2))
        self.scale = torch.nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        return self.blocks(x) * self.scale


def rewrite(source, target, change):
    """The zip archive with some entries changed: change(name, bytes) gives bytes, None (drop) or (bytes, compression)."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as out:
        for info in archive.infolist():
            data = change(info.filename, archive.read(info.filename))
            if data is None:
                continue
            data, method = data if isinstance(data, tuple) else (data, zipfile.ZIP_STORED)
            out.writestr(zipfile.ZipInfo(info.filename), data, method)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    state = tensors()
    save_file({k: v.contiguous().clone() for k, v in state.items()}, OUT / "expected.safetensors")
    torch.save(state, OUT / "zip.pth")
    torch.save(state, OUT / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save({"model": state, "epoch": 3, "lr": 1e-4, "tags": ["a", None, True]}, OUT / "nested.pth")
    torch.save({"model_state_dict": {"w": torch.ones(2)}, "optimizer": {"state": {}, "param_groups": [{"lr": 1.0}]}},
               OUT / "optimizer.pth")
    torch.manual_seed(3)
    module = Outer()
    torch.jit.save(torch.jit.script(module), OUT / "script.pt")
    save_file({k: v.detach().clone() for k, v in module.state_dict().items()}, OUT / "script.safetensors")

    # Hostile files.
    zip_file = OUT / "zip.pth"
    rewrite(zip_file, OUT / "bad-no-pickle.pth", lambda n, d: None if n.endswith("data.pkl") else d)
    rewrite(zip_file, OUT / "bad-no-storage.pth", lambda n, d: None if n.endswith("data/0") else d)
    rewrite(zip_file, OUT / "bad-short-storage.pth", lambda n, d: d[:-4] if n.endswith("data/0") else d)
    rewrite(zip_file, OUT / "bad-compressed.pth",
            lambda n, d: (bytes(1 << 20), zipfile.ZIP_DEFLATED) if n.endswith("data/0") else d)
    rewrite(zip_file, OUT / "bad-byteorder.pth", lambda n, d: b"big" if n.endswith("byteorder") else d)

    class Evil:
        def __reduce__(self):
            import os

            return os.system, ("echo never",)

    torch.save({"w": torch.ones(1), "x": Evil()}, OUT / "bad-global.pth")
    torch.save({"epoch": 1}, OUT / "bad-no-tensors.pth")

    def pickled(opcodes):
        return lambda n, d: opcodes if n.endswith("data.pkl") else d

    rewrite(zip_file, OUT / "bad-opcode.pth", pickled(b"\x80\x02i__main__\nX\n."))
    rewrite(zip_file, OUT / "bad-cut-pickle.pth", lambda n, d: d[: len(d) // 2] if n.endswith("data.pkl") else d)
    # A dictionary that contains itself, and a tensor that reaches outside its storage.
    rewrite(zip_file, OUT / "bad-loop.pth", pickled(b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s."))

    def tensor_pickle(offset, size, stride, count):
        out = io.BytesIO()
        out.write(b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\n"
                  b"FloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu")
        number = lambda x: b"\x8a\x08" + struct.pack("<q", x)
        out.write(number(count) + b"tQ" + number(offset))
        for values in (size, stride):
            out.write(b"(" + b"".join(number(v) for v in values) + b"t")
        out.write(b"\x89ccollections\nOrderedDict\n)RtRs.")
        return out.getvalue()

    rewrite(zip_file, OUT / "bad-outside.pth", pickled(tensor_pickle(50, [10], [1], 54)))
    rewrite(zip_file, OUT / "bad-billion.pth", pickled(tensor_pickle(0, [1 << 30, 1 << 30], [0, 0], 54)))
    rewrite(zip_file, OUT / "bad-overflow.pth", pickled(tensor_pickle(0, [1 << 62, 1 << 62], [1 << 62, 1], 54)))
    rewrite(zip_file, OUT / "bad-count.pth", pickled(tensor_pickle(0, [2], [1], 1 << 61)))


if __name__ == "__main__":
    main()
