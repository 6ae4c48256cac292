#!/usr/bin/env python3
"""The floor under the default detector: hand-made statistics of a picture and logistic regression, in a few lines of
numpy, SciPy and scikit-learn, so that a network's figures can be told from what needs none (models/README.md).

    floor.py [--rich] [--divisions FOLDER] TRAIN LIST.csv...

TRAIN: a folder {real,ai}/<source>/ as for `assay train`. Each list: path,label,source, as tools/default-model.sh writes
them. Prints of each balanced accuracy at one half, average precision and AUROC, means over the sources of a class; art
apart. No choice is made on the lists: the strength of the penalty is chosen by leaving out sources of TRAIN, a quarter
of them at a time, and the figures of the four quarters are averaged.

--rich: more co-occurrences, of chroma, between planes, over longer distances and coarser steps.
--divisions: write there what is left out, so that other detectors can be tried on the same sources: fold0.csv to
fold3.csv to train on, held0.csv to held3.csv with at most 80 pictures of each source left out, one window each."""
import argparse
import csv
import pathlib
import random

import numpy as np
from PIL import Image
from scipy import fft, ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

QUARTERS, HELD = 4, 80
FILTERS = [[[1, -1]], [[1], [-1]], [[1, -2, 1]], [[1], [-2], [1]], [[1, -3, 3, -1]], [[1], [-3], [3], [-1]],
           [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]],
           [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]]


def moments(r):
    a, square = np.abs(r), r * r
    v = r.var() + 1e-3
    return [np.log(v), np.log(a.mean() + 1e-2), (square * square).mean() / v**2, (a < 1).mean(), (a > 8).mean()]


def levels(r, step=1):
    return np.clip(np.rint(r / step), -2, 2).astype(int) + 2


def joint(a, b):
    return np.bincount((a * 5 + b).ravel(), minlength=25).reshape(5, 5) / a.size


def cooccurrence(q, shifts=((0, 1), (1, 0))):
    """Of levels and those so far to the right and below; symmetric parts alone."""
    out = []
    for down, right in shifts:
        h = joint(q[:len(q) - down, :q.shape[1] - right], q[down:, right:])
        h = h + h.T + h[::-1, ::-1] + h[::-1, ::-1].T
        out += list(np.log(h[np.triu_indices(5)] + 1e-4))
    return out


def between(a, b):
    """Of two planes at the same place."""
    h = joint(a, b)
    return list(np.log((h + h[::-1, ::-1]).ravel()[:13] + 1e-4))


def rich(planes):
    out = []
    for kernel in FILTERS[:7]:
        r = [ndimage.convolve(plane, np.array(kernel, float)) for plane in planes]
        q = [levels(plane) for plane in r]
        out += cooccurrence(levels(r[0], 2)) + cooccurrence(q[1]) + cooccurrence(q[2])
        out += between(q[0], q[1]) + between(q[0], q[2]) + between(q[1], q[2])
        out += cooccurrence(q[0], ((1, 1), (0, 2)))
    return out


def spectra(y):
    r = ndimage.convolve(y, np.array(FILTERS[6]))
    s = np.log(np.abs(fft.fft2(r * np.outer(np.hanning(len(r)), np.hanning(r.shape[1])))) ** 2 + 1e-3)
    fy, fx = np.meshgrid(fft.fftfreq(s.shape[0]), fft.fftfreq(s.shape[1]), indexing="ij")
    radius, angle = np.hypot(fy, fx), np.arctan2(fy, fx) % np.pi
    ring = np.minimum((radius / 0.7072 * 32).astype(int), 31).ravel()
    wedge = np.minimum((angle / np.pi * 16).astype(int), 15).ravel()
    out = np.bincount(ring, s.ravel(), 32) / np.maximum(np.bincount(ring, minlength=32), 1)
    fine = radius.ravel() > 0.25
    around = np.bincount(wedge[fine], s.ravel()[fine], 16) / np.maximum(np.bincount(wedge[fine], minlength=16), 1)
    peaks = [s[a, b] - out[0] for a, b in
             ((len(s) // 2, 0), (0, s.shape[1] // 2), (len(s) // 2, s.shape[1] // 2), (len(s) // 4, 0),
              (0, s.shape[1] // 4), (len(s) // 4, s.shape[1] // 4))]
    return list(out) + list(around) + peaks


def dct(y):
    h, w = (n // 8 * 8 for n in y.shape)
    c = fft.dctn(y[:h, :w].reshape(h // 8, 8, w // 8, 8), axes=(1, 3), norm="ortho")
    return list(np.log(np.abs(c).mean((0, 2)) + 1e-2).ravel()[1:])


def phases(y, n=2):
    """How the NPR residual and second differences differ by the place in cells of n pixels."""
    h, w = (k // n * n for k in y.shape)
    cells = y[:h, :w].reshape(h // n, n, w // n, n)
    npr = cells - cells[:, :1, :, :1]
    out = list(np.log(np.abs(npr).mean((0, 2)) + 1e-2).ravel()[1:]) + list(np.log(npr.var((0, 2)) + 1e-2).ravel()[1:])
    second = np.abs(ndimage.convolve(y, np.array(FILTERS[6])))[:h, :w].reshape(h // n, n, w // n, n).mean((0, 2))
    return out + list((second / (second.mean() + 1e-3)).ravel())


def statistics(path, with_rich):
    rgb = np.asarray(Image.open(path).convert("RGB")).astype(np.float64)
    luma = rgb @ [0.299, 0.587, 0.114]
    chroma = [rgb[:, :, 2] - luma, rgb[:, :, 0] - luma]
    out = []
    for kernel in FILTERS:
        r = [ndimage.convolve(plane, np.array(kernel, float)) for plane in (luma, *chroma)]
        for plane in r:
            out += moments(plane)
        out += cooccurrence(levels(r[0]))
        out += [np.corrcoef(r[0].ravel(), other.ravel() + 1e-6)[0, 1] if other.std() > 0 else 0.0 for other in r[1:]]
    for plane in (luma, *chroma):
        out += dct(plane) if plane is luma else dct(plane)[:20]
    out += spectra(luma) + phases(luma, 2) + phases(luma, 8)[:63:3]
    out += [np.log(c.std() + 1) for c in chroma] + [luma.mean() / 255, np.log(luma.std() + 1)]
    if with_rich:
        out += rich((luma, *chroma))
    return np.nan_to_num(np.array(out, np.float32))


def pictures(where):
    """path, generated?, source"""
    where = pathlib.Path(where)
    if where.is_dir():
        return [(p, p.parts[-3] == "ai", p.parts[-2]) for p in sorted(where.glob("*/*/*.jpg"))]
    with open(where, newline="") as file:
        return [(r["path"], r["label"] in ("ai", "1", "ai-generated"), r["source"]) for r in csv.DictReader(file)]


def load(found, with_rich):
    return (np.stack([statistics(p, with_rich) for p, _, _ in found]), np.array([g for _, g, _ in found]),
            np.array([s for _, _, s in found]))


def quarter_of(found):
    """Which quarter each source is left out in: those of a kind by size, dealt there and back."""
    count, out = {}, {}
    for _, generated, source in found:
        key = (generated, source.startswith("art-"), source)
        count[key] = count.get(key, 0) + 1
    for kind in ((True, False), (False, False), (False, True)):
        names = sorted((key for key in count if key[:2] == kind), key=lambda key: (-count[key], key[2]))
        for i, key in enumerate(names):
            turn, place = divmod(i, QUARTERS)
            out[key[2]] = place if turn % 2 == 0 else QUARTERS - 1 - place
    return out


def write_divisions(folder, found, quarters):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    for k in range(QUARTERS):
        rest, held = [], {}
        for path, generated, source in found:
            line = f"{path},{'ai' if generated else 'real'},{source}\n"
            if quarters[source] != k:
                rest.append(line)
            elif path.stem.endswith("-0"):
                held.setdefault(source, []).append(line)
        some = [line for source in sorted(held) for line in sorted(draw.sample(held[source], min(HELD, len(held[source]))))]
        (folder / f"fold{k}.csv").write_text("path,label,source\n" + "".join(rest))
        (folder / f"held{k}.csv").write_text("path,label,source\n" + "".join(some))


def weights(y, source):
    """Both classes the same, and within them every source."""
    w = np.zeros(len(y))
    for label in (False, True):
        names = np.unique(source[y == label])
        for name in names:
            here = (y == label) & (source == name)
            w[here] = 1 / here.sum() / len(names)
    return w


def figures(y, source, p):
    keep = ~np.char.startswith(source, "art-")
    y, source, p = y[keep], source[keep], p[keep]
    w = weights(y, source)
    return (w[y == (p > 0.5)].sum() / 2, average_precision_score(y, p, sample_weight=w),
            roc_auc_score(y, p, sample_weight=w))


def fit(x, y, source, c):
    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=c, max_iter=1000)
    model.fit(np.clip(scaler.transform(x), -5, 5), y, weights(y, source) * len(y) / 2)
    return lambda a: model.predict_proba(np.clip(scaler.transform(a), -5, 5))[:, 1]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rich", action="store_true")
    parser.add_argument("--divisions")
    parser.add_argument("train")
    parser.add_argument("lists", nargs="+")
    o = parser.parse_args()
    found = pictures(o.train)
    quarters = quarter_of(found)
    if o.divisions:
        write_divisions(o.divisions, found, quarters)
    x, y, source = load(found, o.rich)
    quarter = np.array([quarters[name] for name in source])
    best = None
    for c in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3):
        each = []
        for k in range(QUARTERS):
            out = quarter == k
            each.append(figures(y[out], source[out], fit(x[~out], y[~out], source[~out], c)(x[out])))
        mean = np.mean(each, 0)
        print(f"{x.shape[1]} statistics, C {c}: sources left out: " + ", ".join(f"{v:.3f}" for v in mean) +
              "; average precision " + ", ".join(f"{v[1]:.3f}" for v in each), flush=True)
        if best is None or mean[1] > best[0]:
            best = mean[1], c
    judge = fit(x, y, source, best[1])
    for name in o.lists:
        a, b, s = load(pictures(name), o.rich)
        print(f"{name}, C {best[1]}: balanced accuracy %.3f, average precision %.3f, AUROC %.3f" %
              figures(b, s, judge(a)), flush=True)


if __name__ == "__main__":
    main()
