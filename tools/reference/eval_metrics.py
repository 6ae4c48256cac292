"""Fixtures for tests/eval, made with scikit-learn, scipy, statsmodels and IMDLBenCo's own evaluators.

    pip install scikit-learn statsmodels && pip install --no-deps IMDLBenCo==0.1.22
    python tools/reference/eval_metrics.py && tools/format.sh

figures.h   sets of scores with ties, weights, saturated and equal scores: every figure, curves, reliability bins
mcnemar.h   McNemar's test
pixel.h     masks
"""
import importlib.util
import math
import pathlib
import sys
import types
import warnings

import numpy as np
import sklearn.metrics as skm
from scipy.optimize import brentq
from sklearn.calibration import calibration_curve
from statsmodels.stats.contingency_tables import mcnemar

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "tests/eval/fixtures"
BINS = 15
warnings.filterwarnings("ignore")


def number(v):
    v = float(v)
    return "NAN" if math.isnan(v) else "INFINITY" if v == math.inf else f"{v:.17g}"


def array(name, values):
    values = list(values)
    return f"static const double {name}[{len(values)}] = {{{', '.join(map(number, values))}}};\n"


def write(name, title, text):
    (FIXTURES / name).write_text(f"/* {title}, by tools/reference/eval_metrics.py. */\n#include <math.h>\n\n{text}")


# ---- Scores

def univfd_best(y, s):
    """The search of UnivFD's validate.py, real pictures first; accuracy as its calculate_acc, strictly above."""
    order = np.argsort(y, kind="stable")
    y, s = y[order], s[order]
    real, fake = s[y == 0], s[y == 1]
    if real.max() <= fake.min():
        threshold = (real.max() + fake.min()) / 2
    else:
        best, threshold = 0, 0
        for t in s:
            accuracy = ((s >= t).astype(int) == y).sum() / len(y)
            if accuracy >= best:
                best, threshold = accuracy, t
    return threshold, skm.accuracy_score(y, s > threshold), (real <= threshold).mean(), (fake > threshold).mean()


def lare_best(y, s):
    best, threshold = -1, -1
    for t in sorted(s.tolist()):
        accuracy = skm.accuracy_score(y, s > t)
        if accuracy > best:
            best, threshold = accuracy, t
    return threshold, best, (s[y == 0] <= threshold).mean(), (s[y == 1] > threshold).mean()


def equal_error(y, s, w):
    fpr, tpr, _ = skm.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    rate = np.interp(0, fpr + tpr - 1, fpr)
    # The usual way to write it, where the curve is a function of the false positive rate:
    x, at = np.unique(fpr, return_index=True)
    if len(x) == len(fpr):
        assert abs(brentq(lambda v: 1 - v - np.interp(v, fpr, tpr), 0, 1, xtol=1e-14) - rate) < 1e-9
    return rate


def true_positives(y, s, w, rate):
    fpr, tpr, _ = skm.roc_curve(y, s, sample_weight=w, drop_intermediate=False)
    return tpr[fpr <= rate * (1 + 1e-12)].max()


def calibration(y, p, w):
    """Weighted bins by numpy; the unweighted ones are checked against calibration_curve."""
    edges = np.linspace(0, 1, BINS + 1)
    bins = np.searchsorted(edges[1:-1], p)
    weight = np.bincount(bins, w, BINS)
    mean = np.bincount(bins, w * p, BINS) / weight
    share = np.bincount(bins, w * y, BINS) / weight
    if (w == w[0]).all():
        share_there, mean_there = calibration_curve(y, p, n_bins=BINS)
        assert np.allclose(share_there, share[weight > 0], atol=1e-14)
        assert np.allclose(mean_there, mean[weight > 0], atol=1e-14)
    return weight, mean, share, np.nansum(weight * np.abs(mean - share)) / weight.sum()


def case(name, y, s, w=None, p=None):
    y, s = np.asarray(y), np.asarray(s, dtype=float)
    w = np.ones(len(y)) if w is None else np.asarray(w, dtype=float)
    p = 1 / (1 + np.exp(-s)) if p is None else np.asarray(p, dtype=float)
    said = s > 0
    both = 0 < (w * y).sum() < w.sum()
    weight, mean, share, ece = calibration(y, p, w)
    real, fake = y == 0, y == 1
    nan = float("nan")
    loss = np.average(np.logaddexp(0, np.where(fake, -s, s)), weights=w)
    real_accuracy = np.average(~said[real], weights=w[real]) if w[real].sum() > 0 else nan
    fake_accuracy = np.average(said[fake], weights=w[fake]) if w[fake].sum() > 0 else nan
    figures = [skm.accuracy_score(y, said, sample_weight=w), real_accuracy, fake_accuracy,
               skm.balanced_accuracy_score(y, said, sample_weight=w) if both else nan,
               skm.precision_score(y, said, sample_weight=w) if both else nan,
               skm.f1_score(y, said, sample_weight=w) if both else nan,
               skm.average_precision_score(y, s, sample_weight=w) if both else nan,
               skm.roc_auc_score(y, s, sample_weight=w) if both else nan,
               equal_error(y, s, w) if both else nan,
               true_positives(y, s, w, 0.01) if both else nan, true_positives(y, s, w, 0.05) if both else nan]
    alike = (w == 1).all()
    best = [univfd_best(y, s), lare_best(y, s)] if both and alike else [(nan,) * 4] * 2
    if both and not alike:
        best = None
    figures += [best[0][1], best[1][1]] if best else [math.inf, math.inf]  # infinity: not compared
    figures += [ece, skm.brier_score_loss(y, p, sample_weight=w, pos_label=1), loss]
    if both and w.min() > 0:
        fpr, tpr, at = skm.roc_curve(y, s, sample_weight=w)
        precision, recall, falling = skm.precision_recall_curve(y, s, sample_weight=w)
        roc = np.stack([fpr, tpr, at], 1).ravel()
        pr = np.stack([recall[::-1], precision[::-1], np.r_[math.inf, falling[::-1]]], 1).ravel()
    else:
        roc = pr = []
    text = ""
    for part, values in [("label", y), ("logit", s), ("weight", w), ("probability", p), ("figures", figures),
                         ("best", np.ravel(best) if best else []), ("bins", np.stack([weight, mean, share], 1).ravel()),
                         ("roc", roc), ("pr", pr)]:
        text += array(f"{name}_{part}", values) if len(values) else f"#define {name}_{part} NULL\n"
    entry = (f'    {{"{name}", {len(y)}, {name}_label, {name}_logit, {name}_weight, {name}_probability, '
             f'{name}_figures, {name}_best, {name}_bins, {name}_roc, {len(roc) // 3}, {name}_pr, {len(pr) // 3}}},\n')
    return text, entry


def scores():
    rng = np.random.default_rng(11)

    def drawn(count, apart, decimals):
        y = (rng.random(count) < 0.5).astype(int)
        y[:2] = 0, 1
        return y, np.round(rng.normal(size=count) * 1.5 + apart * (y - 0.5), decimals)

    y, s = drawn(40, 1.5, 6)
    cases = [case("plain", y, s)]
    y, s = drawn(80, 1.0, 1)
    cases.append(case("ties", y, s))
    y, s = drawn(50, 2.0, 1)
    cases.append(case("weights", y, s, np.round(rng.random(50) + 0.1, 3)))
    w = np.round(rng.random(50), 2)
    w[rng.random(50) < 0.3] = 0
    cases.append(case("some_zero", y, s, w))
    y = np.array([0, 0, 0, 1, 1, 1, 1])
    cases.append(case("separable", y, [-3, -2, -0.5, 0.25, 1, 2, 3]))
    cases.append(case("touching", y, [-3, -2, 0.5, 0.5, 1, 2, 3]))
    cases.append(case("reversed", y, [3, 2, 1, -1, -2, -3, -4]))
    cases.append(case("all_same", y, [0.7] * 7))
    cases.append(case("all_zero", y, [0] * 7))
    cases.append(case("saturated", [0, 1, 0, 1, 1, 0], [-800, 800, 30, 40, -40, -800]))
    cases.append(case("on_edges", [0, 1, 0, 1, 1, 0, 1, 0], [-9, 9, -1, 1, 2, 3, 0, -2],
                      p=[0, 1, 1 / 15, 2 / 15, 0.2, 0.4, 0.6, 14 / 15]))
    cases.append(case("two", [0, 1], [1, 1]))
    cases.append(case("single_generated", [1], [0.3]))
    cases.append(case("single_real", [0], [0.3]))
    cases.append(case("only_generated", [1, 1, 1], [0.3, -1, 2]))
    y, s = drawn(300, 3.0, 2)
    cases.append(case("many", y, s))
    table = ("struct metrics_case {\n    const char *name;\n    int count;\n"
             "    const double *label, *logit, *weight, *probability, *figures, *best, *bins, *roc;\n"
             "    int roc_count;\n"
             "    const double *pr;\n    int pr_count;\n};\n\nstatic const struct metrics_case metrics_cases[] = {\n")
    write("figures.h", "Figures of scikit-learn and others", "#include <stddef.h>\n\n" +
          "".join(text for text, _ in cases) + "\n" + table + "".join(entry for _, entry in cases) + "};\n")


# ---- McNemar

def test_of(table):
    exact = mcnemar(table, exact=True)
    rough = mcnemar(table, exact=False, correction=True)
    return [*np.ravel(table), exact.pvalue, rough.statistic, rough.pvalue]


def tests():
    tables = [[[10, 5], [3, 7]], [[0, 1], [0, 0]], [[4, 6], [6, 2]], [[100, 40], [15, 60]], [[5, 0], [30, 5]],
              [[9000, 520], [611, 300]], [[1, 1200], [900, 1]], [[50000, 30500], [30211, 9]], [[3, 2], [1, 0]],
              [[0, 50], [51, 0]]]
    rows = ",\n    ".join("{" + ", ".join(map(number, test_of(t))) + "}" for t in tables)
    write("mcnemar.h", "McNemar's test of statsmodels: four counts, exact p, chi-squared with correction, its p",
          f"static const double mcnemar_cases[{len(tables)}][7] = {{\n    {rows}}};\n")


# ---- Masks

def evaluators():
    """IMDLBenCo's files by themselves: the package imports all of its models otherwise."""
    root = next(pathlib.Path(p) / "IMDLBenCo/evaluation" for p in sys.path if (pathlib.Path(p) / "IMDLBenCo").is_dir())
    package = types.ModuleType("imdl")
    package.__path__ = [str(root)]
    sys.modules["imdl"] = package
    out = {}
    for name in ["abstract_class", "F1", "IOU", "Accuracy", "AUC"]:
        spec = importlib.util.spec_from_file_location(f"imdl.{name}", root / f"{name}.py")
        out[name] = importlib.util.module_from_spec(spec)
        sys.modules[f"imdl.{name}"] = out[name]
        spec.loader.exec_module(out[name])
    return out


def masks():
    import torch
    imdl = evaluators()
    rng = np.random.default_rng(5)
    side, text, entries = 12, "", ""

    def add(name, predicted, mask, region=None):
        nonlocal text, entries
        predicted = np.asarray(predicted, dtype=np.float32)
        mask = np.asarray(mask, dtype=int)
        # Masks in double precision, so that IMDLBenCo's own formulas are computed in it.
        p, m = torch.tensor(predicted).view(1, 1, side, side), torch.tensor(mask.astype(float)).view(1, 1, side, side)
        r = None if region is None else torch.tensor(region.astype(float)).view(1, 1, side, side)
        f1 = imdl["F1"].PixelF1().batch_update(p, m, r).item()
        iou = imdl["IOU"].PixelIOU().batch_update(p.double(), m, r).item()
        accuracy = imdl["Accuracy"].PixelAccuracy().batch_update(p, m, r).item()
        keep = np.ones(side * side, bool) if region is None else region.astype(bool)
        y, s = mask[keep], predicted[keep]
        both = 0 < y.sum() < len(y)
        ap = skm.average_precision_score(y, s) if both else float("nan")
        auc = skm.roc_auc_score(y, s) if both else float("nan")
        if both and len(np.unique(s)) == len(s):  # without ties its own AUC is the same
            its = imdl["AUC"].PixelAUC().batch_update(p.double(), m, r)
            assert abs(its.item() - auc) < 1e-6, (its, auc)
        region_values = np.ones(side * side) if region is None else region
        for part, values in [("predicted", predicted), ("mask", mask), ("region", region_values),
                             ("expected", [f1, iou, accuracy, ap, auc])]:
            text += array(f"{name}_{part}", values)
        entries += f"    {{{name}_predicted, {name}_mask, {name}_region, {name}_expected}},\n"

    n = side * side
    blob = np.zeros((side, side), int)
    blob[2:7, 3:9] = 1
    blob = blob.ravel()
    soft = np.clip(blob * 0.4 + rng.random(n) * 0.6, 0, 1)
    add("distinct", soft, blob)
    add("tied", np.round(soft, 1), blob)
    add("with_region", soft, blob, (rng.random(n) < 0.6).astype(int))
    add("at_threshold", np.where(blob, 0.5, 0.25), blob)
    add("perfect", blob * 0.9, blob)
    add("empty_mask", soft, np.zeros(n))
    add("nothing_at_all", np.zeros(n), np.zeros(n))
    add("full_mask", soft, np.ones(n))
    add("nothing_found", np.full(n, 0.1), blob)
    write("pixel.h", "Masks of IMDLBenCo and scikit-learn",
          f"enum {{ PIXELS = {n} }};\n{text}\nstatic const struct {{\n"
          "    const double *predicted, *mask, *region, *expected;\n} pixel_cases[] = {\n" + entries + "};\n")


scores()
tests()
masks()
