"""Fixtures for tests/train and tests/eval, made with torch and scikit-learn.

    python tools/reference/train.py && tools/format.sh

schedules.h  learning rates of torch's CosineAnnealingLR, OneCycleLR and StepLR, and of early stopping
metrics.h    average precision and AUROC of scikit-learn, with weights and ties
steps.safetensors      ten steps of SGD on a tiny residual network
optimizers.safetensors Adam, AdamW and clipping replayed over the gradients of those steps, and the moving average
"""
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file
from sklearn.metrics import accuracy_score, average_precision_score, log_loss, roc_auc_score
from torch import nn

TESTS = pathlib.Path(__file__).resolve().parents[2] / "tests"
torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def c_array(name, values):
    body = ",\n    ".join(", ".join(f"{v:.17g}" for v in values[i:i + 4]) for i in range(0, len(values), 4))
    return f"static const double {name}[{len(values)}] = {{\n    {body}}};\n"


def write_header(path, title, arrays):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = f"/* {title}, by tools/reference/train.py. */\n" + "".join(c_array(n, v) for n, v in arrays)
    path.write_text(text)


def rates(make, steps):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.02)
    scheduler = make(optimizer)
    out = []
    for step in range(steps):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < steps:
            scheduler.step()
    return out


def by_epoch(make, epochs, steps):
    """One rate a step, where the scheduler moves by epochs."""
    return [r for r in rates(make, epochs) for _ in range(steps)]


def dropped(values, patience, rate):
    """CNNDetection's early stopping: the rate of each epoch, until it would fall below 1e-6."""
    out, best, waited, delta = [], None, 0, 0.001
    for value in values:
        out.append(rate)
        if best is None or not value < best + delta:
            best, waited = value, 0
            continue
        waited += 1
        if waited >= patience:
            rate /= 10
            if rate < 1e-6:
                break
            best, waited, delta = None, 0, 0.002
    return out


def accuracies():
    """Rising, then level with noise of the deltas' size."""
    rng = np.random.default_rng(3)
    return [float(v) for v in 0.9 - 0.3 * np.exp(-np.arange(80) / 8) + rng.normal(size=80) * 0.002]


def schedules():
    s = torch.optim.lr_scheduler
    values = accuracies()
    write_header(TESTS / "train/fixtures/schedules.h", "Learning rates of torch, highest 0.02", [
        ("torch_step", by_epoch(lambda o: s.StepLR(o, step_size=2, gamma=0.9), 9, 3)),
        ("validation_accuracy", values),
        ("dropped_rate", dropped(values, 5, 1e-4)),
        ("torch_cosine", rates(lambda o: s.CosineAnnealingLR(o, T_max=20, eta_min=0.002), 20)),
        ("torch_one_cycle", rates(lambda o: s.OneCycleLR(o, max_lr=0.02, total_steps=31, pct_start=0.3, div_factor=25.0,
                                                         final_div_factor=1e4), 31)),
        ("torch_one_cycle_short", rates(lambda o: s.OneCycleLR(o, max_lr=0.02, total_steps=7, pct_start=0.45,
                                                               div_factor=10.0, final_div_factor=100.0), 7)),
    ])


def metrics():
    rng = np.random.default_rng(7)
    count = 60
    # Sources 0, 1 and 5 are real (5 is left out), 2, 3 and 4 generated; sizes differ, scores tie.
    source = rng.choice(6, size=count, p=[0.3, 0.1, 0.25, 0.1, 0.1, 0.15])
    generated = np.isin(source, [2, 3, 4]).astype(int)
    logit = np.round(rng.normal(size=count) + 0.8 * (generated - 0.5), 1)
    counted = source != 5
    weight = np.zeros(count)
    for s in range(5):
        weight[source == s] = 0.5 / ((2 if s < 2 else 3) * (source == s).sum())
    probability = 1 / (1 + np.exp(-logit))
    said = (logit > 0).astype(int)
    g, p, w = generated[counted], logit[counted], weight[counted]
    by_source = [accuracy_score(generated[source == s], said[source == s]) for s in range(6)]
    write_header(TESTS / "eval/fixtures/metrics.h", "Metrics of scikit-learn", [
        ("sample_logit", logit), ("sample_source", source), ("sample_weight", weight), ("source_accuracy", by_source),
        ("sklearn_ap", [average_precision_score(g, p), average_precision_score(g, p, sample_weight=w)]),
        ("sklearn_auroc", [roc_auc_score(g, p), roc_auc_score(g, p, sample_weight=w)]),
        ("sklearn_loss", [log_loss(g, probability[counted], sample_weight=w)]),
        ("sklearn_accuracy", [accuracy_score(g, said[counted]), accuracy_score(g, said[counted], sample_weight=w)]),
    ])


class Block(nn.Module):
    """torchvision's BasicBlock."""

    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inputs != planes:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (self.downsample(x) if self.downsample else x))


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = nn.Sequential(Block(4, 4, 1))
        self.layer2 = nn.Sequential(Block(4, 8, 2))
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3)))


def steps():
    """Ten steps of SGD; everything after every step, and the gradients of each."""
    torch.manual_seed(3)
    net = Tiny()
    out = {f"0.{k}": v.clone() for k, v in net.state_dict().items() if v.dtype == torch.float32}
    images = torch.randint(0, 256, (10, 4, 10, 10, 3)).float() / 64 - 2  # exact in few bits
    labels = torch.tensor([[0, 1, 1, 0], [1, 0, 1, 0]] * 5)
    out["images"], out["labels"] = images, labels.float()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01, nesterov=True)
    gradients, losses = [], []
    for step in range(10):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images[step].permute(0, 3, 1, 2)), labels[step], label_smoothing=0.1)
        loss.backward()
        gradients.append({k: p.grad.clone() for k, p in net.named_parameters()})
        losses.append(loss.item())
        optimizer.step()
        for k, v in net.state_dict().items():
            if v.dtype == torch.float32:
                out[f"{step + 1}.{k}"] = v.clone()
    out["losses"] = torch.tensor(losses)
    for k, v in gradients[0].items():
        out[f"gradient.{k}"] = v
    save_file(out, TESTS / "train/fixtures/steps.safetensors")
    return gradients


def replay(start, gradients, make, clip=None):
    params = [nn.Parameter(p.clone()) for p in start]
    optimizer, out = make(params), []
    for step in gradients:
        for p, g in zip(params, step):
            p.grad = g.clone()
        if clip:
            nn.utils.clip_grad_norm_(params, clip)
        optimizer.step()
        out.append([p.detach().clone() for p in params])
    return out


def optimizers(all_gradients):
    names = ["conv1.weight", "bn1.weight", "layer2.0.conv1.weight", "fc.weight", "fc.bias"]
    gradients = [[g[n] for n in names] for g in all_gradients]
    torch.manual_seed(5)
    start = [torch.randn_like(g) * 0.1 for g in gradients[0]]
    out = {}
    for i, n in enumerate(names):
        out[f"start.{n}"] = start[i]
        for step, g in enumerate(gradients):
            out[f"gradient.{step}.{n}"] = g[i]
    o = torch.optim
    runs = {
        "sgd": replay(start, gradients, lambda p: o.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)),
        "plain": replay(start, gradients, lambda p: o.SGD(p, lr=0.1)),
        "adam": replay(start, gradients, lambda p: o.Adam(p, lr=0.01, betas=(0.9, 0.99), eps=1e-6, weight_decay=0.02)),
        "adamw": replay(start, gradients, lambda p: o.AdamW([  # vectors do not decay
            {"params": [q for q in p if q.ndim > 1], "weight_decay": 0.05},
            {"params": [q for q in p if q.ndim < 2], "weight_decay": 0.0}], lr=0.01)),
        "clip": replay(start, gradients, lambda p: o.SGD(p, lr=0.1), clip=0.5),
    }
    # Moving average of the plain run's weights: decay min(0.3, (1 + t) / (10 + t)), t from 1.
    kept, runs["average"] = [s.clone() for s in start], []
    for t, params in enumerate(runs["plain"], 1):
        decay = min(0.3, (1 + t) / (10 + t))
        kept = [decay * k + (1 - decay) * p for k, p in zip(kept, params)]
        runs["average"].append(kept)
    for run, values in runs.items():
        for step, params in enumerate(values):
            for n, p in zip(names, params):
                out[f"{run}.{step}.{n}"] = p
    out["norms"] = torch.tensor([float(torch.norm(torch.stack([torch.norm(g) for g in s]))) for s in gradients])
    save_file(out, TESTS / "train/fixtures/optimizers.safetensors")


schedules()
metrics()
optimizers(steps())
