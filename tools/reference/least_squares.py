"""Fixture for tests/train: ridge regression in closed form, on standardised columns, in float64."""
import pathlib

import numpy as np
from safetensors.numpy import save_file

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "tests" / "train" / "fixtures"


def ridge(x, labels, rho):
    """The weight [D] and bias that bring x [N, D] nearest to +1 where a label is 1, to -1 elsewhere."""
    t = np.where(labels == 1, 1.0, -1.0)
    mean, spread = x.mean(0), np.sqrt(x.var(0) + 1e-6)
    z = (x - mean) / spread
    v = np.linalg.solve(z.T @ z / len(x) + rho * np.eye(x.shape[1]), z.T @ (t - t.mean()) / len(x))
    weight = v / spread
    return weight, t.mean() - weight @ mean


def main():
    rng = np.random.default_rng(12)
    labels = (rng.random(40) < 0.4).astype(np.int32)
    x = rng.normal(size=(40, 7)) + labels[:, None] * np.array([1.0, -0.5, 0.3, 0, 0.8, 0, -0.2])
    x[:, 2] += 0.6 * x[:, 0]
    x = x * np.array([1, 0.1, 5, 2, 0.5, 0, 1.5]) + np.array([-6, 0.5, 20, -1, -9, -3.25, 0])  # the sixth is constant
    x = x.astype(np.float32)
    rho = np.array([0.04], np.float32)
    weight, bias = ridge(x.astype(np.float64), labels, 0.04)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    save_file({"x": x, "labels": labels, "rho": rho, "weight": weight[None].astype(np.float32),
               "bias": np.array([bias], np.float32)}, FIXTURES / "least_squares.safetensors")


if __name__ == "__main__":
    main()
