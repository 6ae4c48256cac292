#!/usr/bin/env python3
"""`assay detect` on folders of pictures: how many a second, how many processors are busy, and whether memory stays flat.

    folder.py [--model FILE] [--counts 250,1000] [--threads 1,2] [--rounds N] [--folder DIR]

The pictures are windows of the examples, 480 to 1600 pixels wide, enlarged where need be, saved as JPEG at qualities 75 to
95. CSV: pictures, threads, seconds (best of the rounds), pictures a second, processors busy (processor time by time), peak
resident memory (MiB). Needs Pillow."""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent


def make(folder, count):
    examples = [Image.open(f).convert("RGB") for f in sorted((HERE.parent / "examples").glob("*.jpg"))]
    draw = random.Random(1)
    for i in range(count):
        picture = draw.choice(examples)
        width, height = (draw.randint(s // 2, s) for s in picture.size)
        left, top = draw.randint(0, picture.width - width), draw.randint(0, picture.height - height)
        wide = draw.choice((480, 640, 800, 1024, 1280, 1600))
        picture = picture.resize((wide, max(wide * height // width, 1)), Image.BICUBIC,
                                 (left, top, left + width, top + height))
        picture.save(os.path.join(folder, f"{i:05}.jpg"), quality=draw.randint(75, 95))


def run(command):
    start = time.perf_counter()
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE)
    lines = process.stdout.read().count(b"\n")
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit("assay detect failed")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=HERE.parent / "models" / "default.safetensors")
    parser.add_argument("--counts", default="250,1000")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--folder", default=None, help="where the pictures are made (and removed)")
    args = parser.parse_args()
    counts = [int(c) for c in args.counts.split(",")]
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        make(folder, max(counts))
        names = sorted(os.path.join(folder, f) for f in os.listdir(folder))
        print("pictures,threads,seconds,pictures/s,processors busy,peak MiB")
        for count in counts:
            for threads in (int(t) for t in args.threads.split(",")):
                what = [folder] if count == len(names) else names[:count]
                command = [HERE.parent / "build" / "assay", "detect", "--json", "--no-progress", "--model", args.model,
                           "--threads", threads, *what]
                runs = [run(command) for _ in range(args.rounds)]
                assert all(r[3] == count for r in runs)
                seconds, work = min(runs)[:2]
                print(f"{count},{threads},{seconds:.2f},{count / seconds:.1f},{work / seconds:.2f},"
                      f"{max(r[2] for r in runs):.0f}", flush=True)


if __name__ == "__main__":
    main()
