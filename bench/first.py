#!/usr/bin/env python3
"""From the start of a process to its first answer: `assay detect` against a torch script that does the same.

    first.py [--rounds N] [--threads N] [--model FILE] [--picture FILE] [--folder DIR]

With --model, a file that tools/reference/judge.py knows (such as models/default.safetensors) judges a JPEG of 12 megapixels, laid
out of the examples, beside tools/reference/judge.py. Without, the model is univfd (CLIP ViT-L/14 and a linear
layer) with random weights, in a safetensors file that both map, and the picture an example. CSV: program, best and median
seconds, peak resident memory (MiB), the same as a share of the weights; then torch's over ours. Runs take turns. Needs
torch, safetensors, Pillow, numpy, and for univfd open_clip_torch."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent / "build"

SCRIPT = """
import sys, torch, open_clip
from PIL import Image
from safetensors.torch import load_file
torch.set_num_threads(int(sys.argv[3]))
config = open_clip.get_model_config("ViT-L-14-quickgelu")
with torch.device("meta"):
    visual = open_clip.model._build_vision_tower(config["embed_dim"], config["vision_cfg"], quick_gelu=True)
net = torch.nn.ModuleDict({"visual": visual, "head": torch.nn.Linear(768, 1, device="meta")})
state = {"head." + k[3:] if k.startswith("fc.") else k: v for k, v in load_file(sys.argv[1]).items()}
net.load_state_dict(state, strict=False, assign=True)
image = open_clip.image_transform(224, is_train=False)(Image.open(sys.argv[2]).convert("RGB"))
with torch.inference_mode():
    print(float(net["head"](net["visual"](image[None]))))
"""


def run(command, environment):
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read()
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{command[0]} failed: {error.decode()[-500:]}")
    return seconds, usage.ru_maxrss / 1024


def lay_out(path, width=4000, height=3000):
    """The examples beside and below each other, as they are, until the picture is full."""
    from PIL import Image
    tiles = [Image.open(f).convert("RGB") for f in sorted((HERE.parent / "examples").glob("*.jpg"))]
    picture, top, n = Image.new("RGB", (width, height)), 0, 0
    while top < height:
        left, row = 0, min(t.height for t in tiles)
        while left < width:
            picture.paste(tiles[n % len(tiles)], (left, top))
            left += tiles[n % len(tiles)].width
            n += 1
        top += row
    picture.save(path, quality=92)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default=None)
    parser.add_argument("--picture", default=None)
    parser.add_argument("--folder", default=None, help="where files are made (univfd: 1.2 GB)")
    args = parser.parse_args()
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), THREADS=str(args.threads))
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        model, picture = args.model, args.picture
        if model:
            script = [HERE.parent / "tools" / "reference" / "judge.py"]
            if not picture:
                picture = os.path.join(folder, "12-megapixels.jpg")
                lay_out(picture)
            words = [model, picture]
        else:
            script = ["-c", SCRIPT]
            model = os.path.join(folder, "univfd.safetensors")
            subprocess.run([BUILD / "bench" / "bench_networks", "model", "univfd", model], check=True)
            picture = picture or str(sorted((HERE.parent / "examples").glob("*.jpg"))[0])
            words = [model, picture, str(args.threads)]
        weights = os.path.getsize(model) / 2**20
        programs = {"assay": [BUILD / "assay", "detect", "--model", model, picture],
                    "torch": [sys.executable, *script, *words]}
        results = {name: [] for name in programs}
        for _ in range(args.rounds):
            for name, command in programs.items():
                results[name].append(run([str(c) for c in command], environment))
    print("program,best s,median s,peak MiB,peak / weights")
    seconds = {name: [r[0] for r in runs] for name, runs in results.items()}
    peaks = {name: max(r[1] for r in runs) for name, runs in results.items()}
    for name in results:
        print(f"{name},{min(seconds[name]):.3f},{statistics.median(seconds[name]):.3f},{peaks[name]:.0f},"
              f"{peaks[name] / weights:.2f}")
    print(f"torch / assay,{min(seconds['torch']) / min(seconds['assay']):.2f},"
          f"{statistics.median(seconds['torch']) / statistics.median(seconds['assay']):.2f},"
          f"{peaks['torch'] / peaks['assay']:.2f},")


if __name__ == "__main__":
    main()
