#!/usr/bin/env python3
"""One of compare.py's competitors: peer.py PEER TASK BATCH THREADS. Prints "ready" once it has run once; then runs
whenever a line comes in on standard input, and prints the milliseconds it took."""
import os
import pathlib
import sys
import tempfile
import time

import torch

SIDE = 224


def network(name):
    if name in ("resnet-50", "resnet-101"):
        import torchvision
        return torchvision.models.get_model(name.replace("-", ""), weights=None)
    if name == "dinov2-vit-l-14":
        import timm
        return timm.create_model("vit_large_patch14_dinov2", img_size=SIDE)
    import open_clip
    published = {"clip-rn50": "RN50-quickgelu", "clip-vit-l-14": "ViT-L-14-quickgelu"}
    return open_clip.create_model(published[name]).visual


class Masked(torch.nn.Module):
    """LoL: a rectangle of each picture wiped out, CLIP's embedding, one logit."""

    def __init__(self):
        super().__init__()
        self.visual, self.head = network("clip-rn50"), torch.nn.Linear(1024, 1)

    def forward(self, x):
        return self.head(self.visual(x * self.mask(x)))

    def mask(self, x):
        b, _, h, w = x.shape
        area, aspect, top, left = torch.rand(4, b, device=x.device)
        area, aspect = (0.6 + 0.2 * area) * h * w, 0.33 + 2.67 * aspect
        rows = (area * aspect).sqrt().clamp(max=h).round()
        columns = (area / rows.clamp(min=1)).clamp(max=w).round()
        y0, x0 = (top * (h - rows + 1)).floor(), (left * (w - columns + 1)).floor()
        y, c = torch.arange(h)[None], torch.arange(w)[None]
        down = (y >= y0[:, None]) & (y < (y0 + rows)[:, None])
        across = (c >= x0[:, None]) & (c < (x0 + columns)[:, None])
        return 1 - (down[:, None, :, None] & across[:, None, None, :]).to(x.dtype)


def reference_detector(text):
    """A detector whose network is written for parity, in tools/reference, and its options; and the side of its pictures."""
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools" / "reference"))
    import residual
    import judge
    name, *options = text.split(",")
    if name != "residual":
        raise SystemExit(f"no network of {name} here")
    c = judge.DEFAULTS | {"crop": 128}
    for option in options:
        key, value = option.split("=", 1)
        c[key] = type(c[key])(value if not isinstance(c[key], bool) else value == "true")
    net = residual.Residual(c["input"] != "npr", c["npr-patch"] if c["input"] != "rgb" else 0, c["high-pass"],
                            c["correlations"], c["stages"], c["head-hidden"], width=c["width"], blocks=c["blocks"])
    return net, c["crop"]


def sdid(name):
    """The network and the side of its pictures."""
    import peer_sdid
    if name == "sdid":
        return peer_sdid.full()
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools" / "reference"))
    import residual
    return peer_sdid.mini(residual)


def training(name, batch):
    """A step and its pictures: forward, backward, update."""
    if name.startswith("sdid"):
        net, side = sdid(name.split(",")[0])
        trained = [p for p in net.parameters() if p.requires_grad]
        return net.train(), side, torch.optim.AdamW(trained, lr=1e-4, weight_decay=0), torch.arange(batch) % 2
    if name.split(",")[0] == "lol":
        net, side = Masked(), SIDE
        optimizer = torch.optim.Adam(net.parameters(), lr=5e-6)
    else:
        net, side = reference_detector(name)
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    labels = (torch.arange(batch) % 2).float()[:, None]
    return net.train(), side, optimizer, labels


def torch_run(peer, task, batch):
    bf16, last = peer.endswith("bf16"), "channels-last" in peer or "compile" in peer or peer.endswith("bf16")
    train = task.startswith("train:")
    if train:
        net, side, optimizer, labels = training(task.split(":", 1)[1], batch)
    elif task.startswith("detect:"):
        net, side = sdid(task.split(":", 1)[1].split(",")[0])
        net.eval()
    else:
        net, side = network(task).eval(), SIDE
    image = torch.randn(batch, 3, side, side)
    if last:
        net, image = net.to(memory_format=torch.channels_last), image.to(memory_format=torch.channels_last)
    if bf16 and not train:
        net, image = net.to(torch.bfloat16), image.to(torch.bfloat16)
    if "compile" in peer and hasattr(net, "loss") and train:
        raise SystemExit("its queues grow from step to step: nothing to compile once")
    if "compile" in peer:
        net = torch.compile(net)

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            if hasattr(net, "loss"):
                loss = net.loss(image, labels)
            else:
                loss = torch.nn.functional.binary_cross_entropy_with_logits(net(image).float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    def forward():
        with torch.inference_mode():
            net(image)

    return step if train else forward


def export(task, batch, folder):
    path = os.path.join(folder, "network.onnx")
    with torch.no_grad():
        torch.onnx.export(network(task).eval(), (torch.randn(batch, 3, SIDE, SIDE),), path, input_names=["image"],
                          dynamo=True, external_data=True, verbose=False)
    return path


def onnx_run(task, batch, threads, folder):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(export(task, batch, folder), options, providers=["CPUExecutionProvider"])
    image = torch.randn(batch, 3, SIDE, SIDE).numpy()
    return lambda: session.run(None, {"image": image})


def openvino_run(peer, task, batch, threads, folder):
    import openvino
    core = openvino.Core()
    kind = openvino.Type.bf16 if peer.endswith("bf16") else openvino.Type.f32
    compiled = core.compile_model(core.read_model(export(task, batch, folder)), "CPU",
                                  {"INFERENCE_PRECISION_HINT": kind, "INFERENCE_NUM_THREADS": threads,
                                   "PERFORMANCE_HINT": "LATENCY"})
    request, image = compiled.create_infer_request(), torch.randn(batch, 3, SIDE, SIDE).numpy()
    return lambda: request.infer({0: image})


def main():
    peer, task, batch, threads = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    torch.manual_seed(1)
    torch.set_num_threads(threads)
    answers, sys.stdout = sys.stdout, sys.stderr  # libraries talk
    with tempfile.TemporaryDirectory() as folder:
        if peer == "onnxruntime":
            run = onnx_run(task, batch, threads, folder)
        elif peer.startswith("openvino"):
            run = openvino_run(peer, task, batch, threads, folder)
        else:
            run = torch_run(peer, task, batch)
        for _ in range(2):
            run()
    print("ready", file=answers, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        print(f"{1000 * (time.perf_counter() - start):.4f}", file=answers, flush=True)


if __name__ == "__main__":
    main()
