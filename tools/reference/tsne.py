"""Fixture of tests/report: t-SNE by plain numpy in double precision, checked against scikit-learn's exact method.

    python tools/reference/tsne.py           writes tests/report/fixtures/tsne.h

Needs numpy, scipy, scikit-learn. The joint probabilities have the perplexity to the last digit (scikit-learn stops its
search at 1e-5), so that they can be compared tightly; from them on everything must equal scikit-learn's own functions.
"""
import os

import numpy as np
from scipy.optimize import brentq
from scipy.spatial.distance import squareform
from sklearn.manifold import _t_sne

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/report/fixtures")
POINTS, DIMENSIONS, PERPLEXITY, STEPS = 30, 11, 7.5, 12


def joint(x, perplexity):
    d = ((x[:, None, :] - x[None, :, :]) ** 2).sum(2)
    n = len(x)
    p = np.zeros((n, n))
    for i in range(n):
        others = np.arange(n) != i
        row = d[i, others] - d[i, others].min()

        def entropy(log_beta):
            q = np.exp(-np.exp(log_beta) * row)
            q /= q.sum()
            return -(q * np.log(np.maximum(q, 1e-300))).sum() - np.log(perplexity)

        q = np.exp(-np.exp(brentq(entropy, -20, 20, xtol=1e-15, rtol=1e-15)) * row)
        p[i, others] = q / q.sum()
    p = (p + p.T) / (2 * n)
    p[~np.eye(n, dtype=bool)] = np.maximum(p[~np.eye(n, dtype=bool)], np.finfo(float).eps)
    return p


def gradient(p, y):
    difference = y[:, None, :] - y[None, :, :]
    w = 1 / (1 + (difference ** 2).sum(2))
    np.fill_diagonal(w, 0)
    q = w / w.sum()
    off = ~np.eye(len(y), dtype=bool)
    return 4 * (((p - q) * w)[:, :, None] * difference).sum(1), (p[off] * np.log(p[off] / q[off])).sum()


def descend(p, y, steps, momentum, rate):
    update, gain = np.zeros_like(y), np.ones_like(y)
    for _ in range(steps):
        g = gradient(p, y)[0]
        gain = np.maximum(np.where(update * g < 0, gain + 0.2, gain * 0.8), 0.01)
        update = momentum * update - rate * gain * g
        y = y + update
    return y


def check(x, p, y, after):
    theirs = squareform(_t_sne._joint_probabilities(((x[:, None] - x[None]) ** 2).sum(2).astype(np.float32),
                                                    PERPLEXITY, 0))
    assert np.allclose(p, theirs, rtol=1e-3, atol=1e-8), np.abs(p - theirs).max()
    flat = squareform(p, checks=False)
    kl, g = _t_sne._kl_divergence(y.ravel(), flat, 1, len(x), 2)
    mine, my_kl = gradient(p, y)
    assert np.allclose(g.reshape(-1, 2), mine, rtol=1e-11, atol=1e-15) and abs(kl - my_kl) < 1e-12
    options = dict(it=0, n_iter_check=1000, min_gain=0.01, learning_rate=50, n_iter_without_progress=300,
                   min_grad_norm=0, kwargs={}, args=[flat * 12, 1, len(x), 2])
    z = _t_sne._gradient_descent(_t_sne._kl_divergence, y.ravel(), max_iter=STEPS, momentum=0.5, **options)[0]
    options["args"][0] = flat
    z = _t_sne._gradient_descent(_t_sne._kl_divergence, z, max_iter=STEPS, momentum=0.8, **options)[0]
    assert np.allclose(z.reshape(-1, 2), after, rtol=1e-8, atol=1e-12), np.abs(z.reshape(-1, 2) - after).max()


def array(out, name, values, type="double"):
    values = np.asarray(values).ravel()
    out.write(f"static const {type} {name}[{len(values)}] = {{\n")
    digits = "%.9gf" if type == "float" else "%.17g"
    for i in range(0, len(values), 4):
        out.write("    " + ", ".join((digits % v) if type == "double" or "." in "%.9g" % v or "e" in "%.9g" % v
                                     else "%.1ff" % v for v in values[i:i + 4]) + ",\n")
    out.write("};\n")


def write():
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(3, DIMENSIONS)) * 2
    x = (centres[np.arange(POINTS) % 3] + rng.normal(size=(POINTS, DIMENSIONS))).astype(np.float32)
    p = joint(x.astype(np.float64), PERPLEXITY)
    y = rng.normal(size=(POINTS, 2))
    g, kl = gradient(p, y)
    start = y * 1e-2
    after = descend(p, descend(p * 12, start, STEPS, 0.5, 50), STEPS, 0.8, 50)
    check(x.astype(np.float64), p, y, descend(p, descend(p * 12, y, STEPS, 0.5, 50), STEPS, 0.8, 50))
    after_kl = gradient(p, after)[1]
    after = after - after.mean(0)
    # the axes of a principal component analysis, for the start
    centred = x.astype(np.float64) - x.astype(np.float64).mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    axes *= np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None]
    pca = centred @ axes.T
    pca *= 1e-4 / pca[:, 0].std()
    os.makedirs(FIXTURES, exist_ok=True)
    with open(os.path.join(FIXTURES, "tsne.h"), "w") as out:
        out.write("/* tsne.h - t-SNE by numpy, equal to scikit-learn's. Written by tools/reference/tsne.py. */\n")
        out.write(f"enum {{ POINTS = {POINTS}, DIMENSIONS = {DIMENSIONS}, STEPS = {STEPS} }};\n")
        out.write(f"static const double perplexity = {PERPLEXITY};\n")
        array(out, "data", x, "float")
        array(out, "joint", p)
        array(out, "place", y)
        array(out, "gradient", g)
        out.write("static const double divergence = %.17g;\n" % kl)
        array(out, "start", start)
        array(out, "after", after)
        out.write("static const double after_divergence = %.17g;\n" % after_kl)
        array(out, "components", pca)


if __name__ == "__main__":
    write()
