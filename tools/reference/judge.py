#!/usr/bin/env python3
"""Judges pictures by a model file of the detector `residual`, `sdid-mini`, or an ensemble of such, in PyTorch, as
`assay detect` does: what that command is compared with, in its answers and (bench/first.py) in time and memory.

    judge.py MODEL PICTURE...            a JSON object a line: file, logit, probability
    judge.py --assay PROGRAM MODEL PICTURE...   beside what the command says; exit status 1 where they differ

THREADS in the environment: how many torch uses. Imports only what the model needs, for it is timed."""
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors import safe_open

import residual

DEFAULTS = {"input": "both", "npr-patch": 2, "high-pass": True, "constrained": 0, "correlations": True,
            "moments": "variance", "dct": "none", "dct-stride": 8, "spectrum": "none", "spectrum-residual": True,
            "cooccurrence": "none", "cooccurrence-range": 2, "cooccurrence-step": 1.0, "width": 16, "blocks": 1,
            "stages": 4, "fusion": "joint", "head-hidden": 0, "thumb": 0, "thumb-width": 8}
OF_TRAINING = {"crop", "crops", "crop-choice", "dropout", "label-smoothing", "mix", "mix-probability", "mix-most", "mask-probability",
               "mask-ratio-min", "mask-ratio-max"}  # or in the preprocessing
ENTRIES = {"luma": 1, "ycc": 3, "rgb": 3}


def statistics(x, correlated):
    """As residual.py's, a batch at a time."""
    x = x.flatten(2)
    mean = x.mean(2, keepdim=True)
    x = x - mean
    if not correlated:
        return [mean[:, :, 0], torch.log(x.square().mean(2) + 1e-3)]
    c = x @ x.mT / x.shape[2]
    v = c.diagonal(dim1=1, dim2=2) + 1e-3
    s = v.rsqrt()
    return [mean[:, :, 0], torch.log(v), (c * s[:, :, None] * s[:, None, :]).flatten(1)]


residual.statistics = statistics


def fixed_statistics(c):
    """The branches of fixed statistics that a config asks for, and how many features they have."""
    if {c["moments"], c["dct"], c["spectrum"], c["cooccurrence"]} <= {"variance", "none"}:
        return None

    import residual_branches as branches

    def read(image, inputs):
        parts = []
        if c["moments"] != "variance":
            parts.append(branches.moments(inputs)[: 1 if c["moments"] == "absolute" else 3])
        image = image.double()
        if c["dct"] != "none":
            parts.append(branches.dct(branches.planes(image, c["dct"]), c["dct-stride"]))
        if c["spectrum"] != "none":
            parts.append(branches.spectrum(branches.planes(image, c["spectrum"]), c["spectrum-residual"]))
        if c["cooccurrence"] != "none":
            parts.append(branches.cooccurrence(branches.planes(image, c["cooccurrence"]), c["cooccurrence-range"],
                                               c["cooccurrence-step"]))
        return [[y.float() for y in part] if isinstance(part, list) else part.float() for part in parts]

    return read


def fit(net, state):
    net.load_state_dict(state, strict=False)
    missing = {k for k in net.state_dict() if not k.endswith("num_batches_tracked")} ^ set(state)
    if missing:
        sys.exit("tensors that do not fit: " + ", ".join(sorted(missing)))
    net.eval()


class Judge(residual.Residual):
    def __init__(self, config, state):
        unknown = set(config) - set(DEFAULTS) - OF_TRAINING
        if unknown:
            sys.exit("options that this script does not know: " + ", ".join(sorted(unknown)))
        c = DEFAULTS | config
        self.late = c["fusion"] == "late"
        super().__init__(c["input"] != "npr", c["npr-patch"] if c["input"] != "rgb" else 0, c["high-pass"],
                         c["correlations"], c["stages"] if c["blocks"] else 0, c["head-hidden"],
                         constrained=c["constrained"], thumb=c["thumb"], width=c["width"], blocks=c["blocks"],
                         thumb_width=c["thumb-width"])
        self.fixed = fixed_statistics(c)
        heads = {}
        for name in state:  # as wide as the file has them
            if name.startswith("head.") and name.endswith("bn.weight"):
                heads[name[len("head."):-len("bn.weight")]] = state[name].shape[0]
        if self.late:
            self.head = torch.nn.ModuleDict({"branches": torch.nn.ModuleList(
                [self.a_head(heads[f"branches.{i}."], c["head-hidden"]) for i in range(len(heads))])})
        else:
            self.head = self.a_head(heads[""], c["head-hidden"])
        fit(self, state)

    @staticmethod
    def a_head(features, hidden):
        head = {"bn": torch.nn.BatchNorm1d(features), "linear": torch.nn.Linear(hidden or features, 1)}
        if hidden:
            head["hidden"] = torch.nn.Linear(features, hidden)
        return torch.nn.ModuleDict(head)

    def forward(self, x):
        if not self.late:
            return super().forward(x)
        first, *others = (torch.cat(part, 1) for part in self.branches(x))
        first, *others = (residual.judge(h, r) for h, r in zip(self.head["branches"], [first, *others], strict=True))
        return (torch.stack([first, torch.stack(others).mean(0)]).mean(0) if others else first)[:, 0]


class Encoder(residual.Residual):
    """What an encoder of sdid-mini reads out, brought to one scale."""

    def __init__(self, rgb, patch, c):
        super().__init__(rgb, patch, rgb and c["high-pass"], c["correlations"], c["stages"], width=c["width"],
                         blocks=c["blocks"])
        self.bn = self.head["bn"]
        del self.head

    def forward(self, x):
        return self.bn(torch.cat(sum(self.branches(x), []), 1))


class HighFrequencies(Encoder):
    """What a 3 x 3 binomial blur, edges repeated, takes away of the pixels."""

    def branches(self, x):
        k = torch.tensor([1.0, 2.0, 1.0]) / 4
        smooth = F.conv2d(F.pad(x, (1, 1, 1, 1), "replicate"), torch.outer(k, k).expand(3, 1, 3, 3), groups=3)
        return super().branches(residual.truncated(x - smooth, 1))


class Mini(torch.nn.Module):
    def __init__(self, config, state):
        super().__init__()
        c = {"second": "npr", "predict": "both", "branches": "both", "npr-patch": 2, "high-pass": True,
             "correlations": True, "width": 16, "blocks": 1, "stages": 4, "dim": 128} | config
        if c["second"] == "augmented" or (c["predict"], c["branches"]) != ("both", "both"):
            sys.exit("of sdid-mini only what judges by RGB and NPR or high frequencies is known here")
        plain = c | {"high-pass": False}
        self.rgb = Encoder(True, 0, c)
        self.partner = Encoder(False, c["npr-patch"], c) if c["second"] == "npr" else HighFrequencies(True, 0, plain)
        self.rgb_projection = torch.nn.Linear(self.rgb.bn.num_features, c["dim"])
        self.partner_projection = torch.nn.Linear(self.partner.bn.num_features, c["dim"])
        self.head = torch.nn.Linear(2 * c["dim"], 2)
        fit(self, state)

    def forward(self, x):
        two = self.head(torch.cat([self.rgb_projection(self.rgb(x)), self.partner_projection(self.partner(x))], 1))
        return two[:, 1] - two[:, 0]


class Ensemble(torch.nn.Module):
    """The mean of the members' calibrated logits; one of smaller crops says the mean over the parts of a crop."""

    def __init__(self, config, state):
        super().__init__()
        said = json.loads(config["members"])
        self.calibrations = [(member.get("scale", 1), member.get("shift", 0)) for member in said]
        self.crops = [member.get("config", {}).get("crop", 128) for member in said]
        prefixes = [f"members.{i}." for i in range(len(said))]
        self.members = torch.nn.ModuleList(
            make(member["detector"], member.get("config", {}),
                 {k[len(p):]: v for k, v in state.items() if k.startswith(p)})
            for p, member in zip(prefixes, said))

    def forward(self, x):
        said = [net(parts(x, crop)).reshape(len(x), -1).mean(1) for net, crop in zip(self.members, self.crops)]
        return torch.stack([a * one + b for one, (a, b) in zip(said, self.calibrations)]).mean(0)


def parts(x, crop):
    """The squares of `crop` pixels of which pictures [n, c, side, side] are made, row by row, picture by picture."""
    n, channels, side, _ = x.shape
    across = side // crop
    x = x.reshape(n, channels, across, crop, across, crop).permute(0, 2, 4, 1, 3, 5)
    return x.reshape(n * across * across, channels, crop, crop)


def make(detector, config, state):
    kinds = {"residual": Judge, "sdid-mini": Mini, "ensemble": Ensemble}
    if detector not in kinds:
        sys.exit(f"the detector {detector} is not known here")
    return kinds[detector](config, state)


def half_to_even(extra):
    return int(round(extra / 2))  # Python's own rule


def windows(width, height, crop, limit):
    """Corners of the windows: the grid within `limit` whose larger gap is smallest, then whose other gap is."""
    slack = width - crop, height - crop
    best = None
    most = [s // max(crop // 2, 1) + 1 for s in slack]
    gap = lambda s, n: s / (n - 1) if n > 1 else 2.0 * s
    for columns in range(1, min(most[0], limit) + 1):
        for rows in range(1, min(most[1], limit // columns) + 1):
            extra = not all(s == 0 or n % 2 for s, n in zip(slack, (columns, rows)))
            if columns * rows + extra > limit:
                continue
            gaps = gap(slack[0], columns), gap(slack[1], rows)
            key = max(gaps), sum(gaps)
            if best is None or key < best[0]:
                best = key, columns, rows, extra
    _, columns, rows, extra = best
    place = lambda s, n, i: half_to_even(s) if n % 2 and i == n // 2 else s * i // (n - 1)
    found = [(half_to_even(slack[0]), half_to_even(slack[1]))]
    for row in range(rows):
        for column in range(columns):
            if not extra and row == rows // 2 and column == columns // 2:
                continue
            found.append((place(slack[0], columns, column), place(slack[1], rows, row)))
    return found


def crops_of(path, p):
    """The windows [n, 3, crop, crop] of a picture that is at least as large as they are."""
    if p["resize"] != "native" or p.get("choice", "grid") != "grid":
        sys.exit("only a grid at native scale is known here")
    picture = np.asarray(Image.open(path).convert("RGB"))
    size = p["crop"]
    if min(picture.shape[:2]) < size:
        sys.exit(f"{path}: smaller than a window")
    at = windows(picture.shape[1], picture.shape[0], size, p["max_crops"])
    x = np.stack([picture[y : y + size, x : x + size] for x, y in at])
    return ((torch.from_numpy(x).float() / 255 - torch.tensor(p["mean"])) / torch.tensor(p["std"])).permute(0, 3, 1, 2)


def load(path):
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        state = {name: file.get_tensor(name) for name in file.keys()}
    return make(metadata["assay.detector"], json.loads(metadata["assay.config"]), state), metadata


def probability(logit, calibration):
    if calibration.get("present"):
        logit = calibration["scale"] * logit + calibration["shift"]
    return 1 / (1 + math.exp(-logit))


def main(words):
    program = words[1] if words and words[0] == "--assay" else None
    model, *pictures = words[2:] if program else words
    if "THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["THREADS"]))
    net, metadata = load(model)
    p, calibration = json.loads(metadata["assay.preprocess"]), json.loads(metadata.get("assay.calibration", "{}"))
    said, worst = [], 0.0
    with torch.inference_mode():
        for path in pictures:
            logit = float(net(crops_of(path, p)).double().mean())
            said.append({"file": path, "logit": logit, "probability": probability(logit, calibration)})
    if program:
        import subprocess

        lines = subprocess.run([program, "detect", "--json", "--model", model, *pictures], stdout=subprocess.PIPE)
        for one, line in zip(said, lines.stdout.splitlines(), strict=True):
            one["assay"] = json.loads(line)["probability"]
            worst = max(worst, abs(one["probability"] - one["assay"]))
    for one in said:
        print(json.dumps(one))
    if program:
        print(f"largest difference of a probability: {worst:.2e}")
    return worst > 1e-5


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
