#!/usr/bin/env python3
"""The floor under the default detector: hand-made statistics of a picture and logistic regression, in a few lines of
numpy, SciPy and scikit-learn, so that a network's figures can be told from what needs none (models/README.md).

    floor.py TRAIN LIST.csv...

TRAIN: a folder {real,ai}/<source>/ as for `assay train`. Each list: path,label,source, as tools/default-model.sh writes
them. Prints of each balanced accuracy at one half, average precision and AUROC, means over the sources of a class; art
apart. No choice is made on the lists: the strength of the penalty is chosen by leaving out sources of TRAIN."""
import csv
import pathlib
import sys

import numpy as np
from PIL import Image
from scipy import fft, ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

FILTERS = [[[1, -1]], [[1], [-1]], [[1, -2, 1]], [[1], [-2], [1]], [[1, -3, 3, -1]], [[1], [-3], [3], [-1]],
           [[-1, 2, -1], [2, -4, 2], [-1, 2, -1]],
           [[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]]]


def moments(r):
    a, square = np.abs(r), r * r
    v = r.var() + 1e-3
    return [np.log(v), np.log(a.mean() + 1e-2), (square * square).mean() / v**2, (a < 1).mean(), (a > 8).mean()]


def cooccurrence(r):
    """Of horizontal and vertical neighbours, levels -2 to 2; symmetric parts alone."""
    q = np.clip(np.rint(r), -2, 2).astype(int) + 2
    out = []
    for a, b in ((q[:, :-1], q[:, 1:]), (q[:-1], q[1:])):
        h = np.bincount((a * 5 + b).ravel(), minlength=25).reshape(5, 5) / a.size
        h = h + h.T + h[::-1, ::-1] + h[::-1, ::-1].T
        out += list(np.log(h[np.triu_indices(5)] + 1e-4))
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


def statistics(path):
    rgb = np.asarray(Image.open(path).convert("RGB")).astype(np.float64)
    luma = rgb @ [0.299, 0.587, 0.114]
    chroma = [rgb[:, :, 2] - luma, rgb[:, :, 0] - luma]
    out = []
    for kernel in FILTERS:
        r = [ndimage.convolve(plane, np.array(kernel, float)) for plane in (luma, *chroma)]
        for plane in r:
            out += moments(plane)
        out += cooccurrence(r[0])
        out += [np.corrcoef(r[0].ravel(), other.ravel() + 1e-6)[0, 1] if other.std() > 0 else 0.0 for other in r[1:]]
    for plane in (luma, *chroma):
        out += dct(plane) if plane is luma else dct(plane)[:20]
    out += spectra(luma) + phases(luma, 2) + phases(luma, 8)[:63:3]
    out += [np.log(c.std() + 1) for c in chroma] + [luma.mean() / 255, np.log(luma.std() + 1)]
    return np.nan_to_num(np.array(out, np.float32))


def pictures(where):
    """path, generated?, source"""
    where = pathlib.Path(where)
    if where.is_dir():
        return [(p, p.parts[-3] == "ai", p.parts[-2]) for p in sorted(where.glob("*/*/*.jpg"))]
    with open(where, newline="") as file:
        return [(r["path"], r["label"] in ("ai", "1", "ai-generated"), r["source"]) for r in csv.DictReader(file)]


def load(where):
    found = pictures(where)
    return (np.stack([statistics(p) for p, _, _ in found]), np.array([g for _, g, _ in found]),
            np.array([s for _, _, s in found]))


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


def main(train, *lists):
    x, y, source = load(train)
    scaler = StandardScaler().fit(x)
    x = np.clip(scaler.transform(x), -5, 5)
    w = weights(y, source) * len(y) / 2
    groups = np.unique(source, return_inverse=True)[1]
    best = None
    for c in (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1):
        p = np.zeros(len(y))
        for fit, held in GroupKFold(5).split(x, y, groups):
            p[held] = LogisticRegression(C=c, max_iter=500).fit(x[fit], y[fit], w[fit]).predict_proba(x[held])[:, 1]
        found = figures(y, source, p)
        print(f"{x.shape[1]} statistics, C {c}: sources left out: " + ", ".join(f"{v:.3f}" for v in found), flush=True)
        if best is None or found[1] > best[0]:
            best = found[1], c
    model = LogisticRegression(C=best[1], max_iter=1000).fit(x, y, w)
    for name in lists:
        a, b, s = load(name)
        p = model.predict_proba(np.clip(scaler.transform(a), -5, 5))[:, 1]
        print(f"{name}: balanced accuracy %.3f, average precision %.3f, AUROC %.3f" % figures(b, s, p), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
