#!/usr/bin/env python3
"""How much of a run's calibration error is chance: pictures of a few sources, each source weighing the same, fill the
bins unevenly, and a model whose probabilities are exactly right shows an error, too.

    calibration_floor.py RUN...

RUN: a folder of a finished `assay eval`. Prints for each model and set, of untouched pictures without art-*: the
calibration error as Assay computes it; what its own probabilities would show if every picture's class were drawn by
them (mean and 90 % of 2,000 draws); and the observed one where sources are drawn anew (90 %). Needs numpy."""
import collections
import json
import pathlib
import sys

import numpy as np

BINS, DRAWS = 15, 2000


def error(p, generated, weight):
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weight * (generated - p), BINS)
    return np.abs(gaps).sum() / weight.sum()


def sources_of(generated, source):
    """Indices of each source's pictures, by class."""
    return [[np.flatnonzero((generated == c) & (source == name)) for name in np.unique(source[generated == c])]
            for c in (0, 1)]


def weighed(classes):
    """The pictures of sources, and their weights: both classes and within them every source the same."""
    index = np.concatenate([where for sources in classes for where in sources])
    weight = np.concatenate([np.full(len(where), 0.5 / len(where) / len(sources))
                             for sources in classes for where in sources])
    return index, weight


def judge(name, rows, random):
    p = np.array([row["probability"] for row in rows])
    generated = np.array([row["label"] != "real" for row in rows]).astype(int)
    classes = sources_of(generated, np.array([row["source"] for row in rows]))
    index, weight = weighed(classes)
    observed = error(p[index], generated[index], weight)
    chance = [error(p[index], random.random(len(index)) < p[index], weight) for _ in range(DRAWS)]
    again = []
    for _ in range(DRAWS):
        drawn = [[sources[i] for i in random.integers(len(sources), size=len(sources))] for sources in classes]
        i, w = weighed(drawn)
        again.append(error(p[i], generated[i], w))
    print("%s: %.3f; by chance %.3f (%.3f to %.3f); other sources %.3f to %.3f" % (
        name, observed, np.mean(chance), *np.quantile(chance, [0.05, 0.95]), *np.quantile(again, [0.05, 0.95])))


def main(runs):
    for run in runs:
        found = collections.defaultdict(list)
        for line in open(pathlib.Path(run) / "predictions.jsonl"):
            row = json.loads(line)
            if "probability" in row and not row["perturbation"] and not row["source"].startswith("art-"):
                found[row["model"], row["set"]].append(row)
        for (model, name), rows in found.items():
            judge(f"{model} on {name}", rows, np.random.default_rng(1))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
