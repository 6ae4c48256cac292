"""Fixture of tests/verdict: calibrations fitted by SciPy, thresholds found by trying every candidate.

    python tools/reference/verdict.py           writes tests/verdict/fixtures/calibration.h

The balanced case is also fitted by scikit-learn (sklearn.calibration), which must agree. Needs numpy, scipy, sklearn.
"""
import os

import numpy as np
from scipy.optimize import minimize, root
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tests/verdict/fixtures")


def weights(label, source):
    out = np.zeros(len(label))
    for c in (0, 1):
        sources = np.unique(source[label == c])
        for s in sources:
            group = (label == c) & (source == s)
            out[group] = 0.5 / len(sources) / group.sum()
    return out


def platt(logit, label, weight):
    target = np.empty(len(logit))
    for c in (0, 1):
        w = weight[label == c]
        n = w.sum() ** 2 / (w ** 2).sum()
        target[label == c] = (n + 1) / (n + 2) if c else 1 / (n + 2)

    def loss(ab):
        f = ab[0] * logit + ab[1]
        p = expit(f)
        value = np.sum(weight * (np.logaddexp(0, -f) * target + np.logaddexp(0, f) * (1 - target)))
        d = weight * (p - target)
        return value, np.array([np.sum(d * logit), np.sum(d)])

    def hessian(ab):
        p = expit(ab[0] * logit + ab[1])
        c = weight * p * (1 - p)
        return np.array([[np.sum(c * logit ** 2), np.sum(c * logit)], [np.sum(c * logit), np.sum(c)]])

    best = minimize(loss, [1.0, 0.0], jac=True, hess=hessian, method="trust-exact")
    best = root(lambda ab: loss(ab)[1], best.x, jac=hessian, tol=1e-14)  # the last digits
    assert np.abs(loss(best.x)[1]).max() < 1e-13, best
    return best.x


def thresholds(p, label, weight, most):
    real, fake = p[label == 0], p[label == 1]
    wr, wf = weight[label == 0] / weight[label == 0].sum(), weight[label == 1] / weight[label == 1].sum()
    above = sorted([0.5] + [np.nextafter(x, 2) for x in real if x >= 0.5])
    below = sorted([0.5] + [np.nextafter(x, -1) for x in fake if x <= 0.5], reverse=True)
    high = next(t for t in above if wr[real >= t].sum() <= most + 1e-12)
    low = next(t for t in below if wf[fake <= t].sum() <= most + 1e-12)
    return (np.nextafter(0.5, 0) if low >= high else low), high


def cases():
    rng = np.random.default_rng(7)
    # two real sources, three generators, of uneven size; overlapping logits on an odd scale
    sizes = [(0, 10, 20), (0, 11, 6), (1, 20, 9), (1, 21, 4), (1, -3, 12)]
    label = np.concatenate([[c] * n for c, _, n in sizes])
    source = np.concatenate([[s] * n for _, s, n in sizes])
    logit = np.round(rng.normal(np.where(label == 1, 6.0, 1.0), 3.5), 3)
    yield "mixed", logit, label, source, 0.05
    yield "lenient", logit, label, source, 0.25
    label = np.array([0] * 15 + [1] * 25)
    yield "separable", np.round(np.where(label == 1, 8.0, -5.0) + rng.uniform(-2, 2, 40), 3), label, label * 0, 0.05
    label = np.array([0, 1] * 20)
    yield "balanced", np.round(rng.normal(np.where(label == 1, 1.0, -1.0), 1.5), 3), label, label * 0, 0.1
    yield "inverted", np.round(rng.normal(np.where(label == 1, -2.0, 2.0), 1.5), 3), label, label * 0, 0.1


def write():
    os.makedirs(FIXTURES, exist_ok=True)
    with open(os.path.join(FIXTURES, "calibration.h"), "w") as out:
        out.write("/* calibration.h - calibrations by SciPy. Written by tools/reference/verdict.py. */\n")
        names = []
        for name, logit, label, source, most in cases():
            weight = weights(label, source)
            scale, shift = platt(logit, label, weight)
            if name == "balanced":
                other = _SigmoidCalibration().fit(logit, label)
                assert np.allclose([scale, shift], [-other.a_, -other.b_], rtol=1e-4), (scale, shift, other.a_, other.b_)
            low, high = thresholds(expit(scale * logit + shift), label, weight, most)
            out.write(f"static const struct sample {name}[] = {{\n")
            for row in zip(logit, label, source, weight):
                out.write("    {%r, %d, %d, %.17g},\n" % (float(row[0]), row[1], row[2], row[3]))
            out.write("};\n")
            names.append("    {\"%s\", %s, sizeof %s / sizeof *%s, %r, %.15g, %.15g, %.15g, %.15g},\n" %
                         (name, name, name, name, most, scale, shift, low, high))
        out.write("static const struct fitted cases[] = {\n" + "".join(names) + "};\n")


if __name__ == "__main__":
    write()
