"""Fixture of tests/verdict: calibrations fitted by SciPy, thresholds found by trying every candidate.

    python tools/reference/verdict.py           writes tests/verdict/fixtures/calibration.h and guarded.h

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


# ---- art apart, thresholds that hold for sources not seen, a bound on "uncertain": all by trying every candidate ----

def mean_over_sources(hit, source):
    return np.mean([hit[source == s].mean() for s in np.unique(source)])


def guarded_share(hit, source, guard):
    shares = [hit[source == s].mean() for s in np.unique(source)]
    error = np.std(shares, ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else 0
    return np.mean(shares) + guard * error


def choose(p, source, most, above, guard):
    """The innermost threshold such that neither it nor any beyond it has more than `most`."""
    side = 1 if above else -1
    best = 2.0 if above else -1.0
    for t in sorted([0.5] + [x for x in p if side * x >= side * 0.5], reverse=above):
        if guarded_share(side * p >= side * t, source, guard) > most + 1e-12:
            return np.nextafter(t, 2 * side)
        best = t
    return best


def guarded(logit, label, source, art, o):
    real, fake = (label == 0) & ~art, label == 1
    plain = ~art
    scale, shift = platt(logit[plain], label[plain], weights(label[plain], source[plain]))
    p = expit(scale * logit + shift)
    high = max(choose(p[real], source[real], o["real"], True, o["guard"]),
               choose(p[art], source[art], o["art"], True, o["guard"]))
    low = choose(p[fake], source[fake], o["fake"], False, o["guard"])
    if low >= high:
        low = np.nextafter(0.5, 0)
    print(o, "real alone would ask for", choose(p[real], source[real], o["real"], True, o["guard"]))

    def uncertain(t):
        between = (p > t) & (p < high)
        return (mean_over_sources(between[real], source[real]) + mean_over_sources(between[fake], source[fake])) / 2

    if uncertain(low) > o["uncertain"] + 1e-12:
        last = max(low, np.nextafter(0.5, 0))
        inside = sorted(x for x in p[plain] if low < x <= last)
        low = next((t for t in inside if uncertain(t) <= o["uncertain"] + 1e-12), last)
    shares = []
    for group in (real, fake, art):
        shares += [mean_over_sources(hit[group], source[group]) for hit in
                   (p <= low, (p > low) & (p < high), p >= high)]
    edges, error, w = np.arange(1, 15) / 15, 0, weights(label[plain], source[plain])
    place = np.searchsorted(edges, p[plain], side="left")
    for b in range(15):
        error += abs(np.sum((w * (p[plain] - label[plain]))[place == b]))
    return [scale, shift, low, high] + shares + [uncertain(low), error]


def write_guarded():
    rng = np.random.default_rng(11)
    sources = [(0, 1, 40, 0.0, 0), (0, 2, 25, -1.0, 0), (0, 3, 30, 1.2, 0), (0, 4, 20, -2.0, 0),  # class, id, pictures,
               (0, 1, 30, 0.5, 1), (0, 9, 20, 1.5, 1),                                           # mean, art
               (1, 1, 30, 2.0, 0), (1, 2, 35, 4.0, 0), (1, 7, 20, 1.0, 0)]
    label = np.concatenate([[c] * n for c, _, n, _, _ in sources])
    source = np.concatenate([[s] * n for _, s, n, _, _ in sources])
    art = np.concatenate([[bool(a)] * n for _, _, n, _, a in sources])
    logit = np.round(np.concatenate([rng.normal(m, 1.5, n) for _, _, n, m, _ in sources]), 3)
    order = rng.permutation(len(label))
    logit, label, source, art = logit[order], label[order], source[order], art[order]
    options = [{"real": r, "fake": f, "art": a, "uncertain": u, "guard": g} for r, f, a, u, g in [
        (0.05, 0.05, 0.1, 1, 0), (0.05, 0.05, 0.1, 1, 1), (0.1, 0.05, 0.3, 1, 1), (0.1, 0.1, 0.9, 1, 1),
        (0.05, 0.05, 0.1, 0.6, 1), (0.05, 0.05, 0.3, 0.45, 0.5), (0.02, 0.02, 0.05, 0.05, 2),
        (0.05, 0.05, 0.5, 0.4, 0)]]
    with open(os.path.join(FIXTURES, "guarded.h"), "w") as out:
        out.write("/* guarded.h - thresholds with art apart. Written by tools/reference/verdict.py. */\n")
        out.write("static const struct calibration_sample guarded_samples[] = {\n")
        for l, c, s, a in zip(logit, label, source, art):
            out.write("    {%r, %s, 0, %d, %s},\n" % (float(l), "true" if c else "false", s, "true" if a else "false"))
        out.write("};\nstatic const struct guarded_case guarded_cases[] = {\n")
        for o in options:
            values = guarded(logit, label, source, art, o)
            out.write("    {{%r, %r, %r, %r, %r}, {%s}},\n" % (o["real"], o["fake"], o["art"], o["uncertain"], o["guard"],
                      ", ".join("%.15g" % v for v in values)))
        out.write("};\n")


if __name__ == "__main__":
    write()
    write_guarded()
