#!/usr/bin/env python3
"""Assay against the frameworks that people run these networks with, on this machine, in one go.

    compare.py [--rounds N] [--threads N] [--peers A,B] [--tasks TASK:BATCH,...]

Every competitor is a process of its own, and they take turns of three runs, so that a busy moment of the machine meets
all of them. "assay" lets threads that wait for work spin for a moment, as the others do; "assay-sleeping" sends them to
sleep at once, as the command does for the sake of whatever else runs (OMP_WAIT_POLICY=PASSIVE). CSV: task, batch, peer,
type, best and median milliseconds, pictures a second at best, peak resident memory of the process (MiB), the ratio to
Assay in the same type at best (above 1: Assay is faster), and the same two of the least processor time of a run, of all
threads of a process together, which other work on the machine alters less; spinning threads are in it, so give it one
thread or peers that sleep.
Weights are random. Needs torch, torchvision, open_clip_torch, timm; onnxruntime and openvino where those are compared.
Peers that cannot be had are named on standard error and left out."""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import time

PAUSE = 0.1  # seconds: threads of the one before, which may still spin, come to rest
RUNS = 3     # in a turn: the first finds its weights no longer in the caches
HERE = pathlib.Path(__file__).resolve().parent
TASKS = ("resnet-50:1,resnet-50:8,clip-rn50:1,clip-rn50:8,clip-vit-l-14:1,clip-vit-l-14:8,dinov2-vit-l-14:1,"
         "dinov2-vit-l-14:8,train:lol:4,train:lol:32,train:residual:32,train:sdid-mini:32,train:sdid:4,detect:sdid:1,"
         "detect:sdid:8")
# name: (type, also for training)
PEERS = {"assay": ("f32", True), "assay-sleeping": ("f32", True), "assay-bf16": ("bf16", True),
         "assay-sleeping-bf16": ("bf16", True), "torch": ("f32", True),
         "torch-channels-last": ("f32", True), "torch-compile": ("f32", True), "onnxruntime": ("f32", False),
         "openvino": ("f32", False), "torch-bf16": ("bf16", True), "torch-compile-bf16": ("bf16", True),
         "openvino-bf16": ("bf16", False)}


class Worker:
    def __init__(self, peer, task, batch, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        if peer.startswith("assay"):
            environment.update({"OMP_WAIT_POLICY": "PASSIVE"} if "sleeping" in peer else {"GOMP_SPINCOUNT": "100000"})
            command = [str(HERE.parent / "build" / "bench" / "bench_networks"), task, str(batch), PEERS[peer][0]]
        else:
            command = [sys.executable, str(HERE / "peer.py"), peer, task, str(batch), str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment, stderr=subprocess.PIPE if peer != "assay" else None)
        self.times, self.processor = [], []

    def ready(self):
        for line in self.process.stdout:
            if line.strip() == "ready":
                return True
        error = self.process.stderr.read().strip().splitlines() if self.process.stderr else []
        return False if not error else print("  " + error[-1][:200], file=sys.stderr)

    def used(self):
        """Milliseconds of processor time of all threads so far."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:  # a thread that has just ended
                pass
        return total / 1e6

    def run(self):
        before = self.used()
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.times.append(float(self.process.stdout.readline()))
        self.processor.append(self.used() - before)

    def close(self):
        peak = 0.0
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmHWM"):
                peak = int(line.split()[1]) / 1024
        self.process.stdin.close()
        self.process.wait()
        return peak


def compare(task, batch, peers, rounds, threads):
    workers = {}
    for peer in peers:
        if task.startswith("train:") and not PEERS[peer][1]:
            continue
        worker = Worker(peer, task, batch, threads)
        if worker.ready():
            workers[peer] = worker
        else:
            print(f"{peer} cannot do {task} here", file=sys.stderr)
            worker.process.kill()
    for _ in range(rounds):
        for worker in workers.values():
            time.sleep(PAUSE)
            for _ in range(RUNS):
                worker.run()
    ours = {PEERS[p][0]: min(w.times) for p, w in workers.items() if p in ("assay", "assay-bf16")}
    least = {PEERS[p][0]: min(w.processor) for p, w in workers.items() if p in ("assay", "assay-bf16")}
    for peer, worker in workers.items():
        kind, best, used = PEERS[peer][0], min(worker.times), min(worker.processor)
        ratio = f"{best / ours[kind]:.3f}" if kind in ours else ""
        used_ratio = f"{used / least[kind]:.3f}" if kind in ours else ""
        print(f"{task},{batch},{peer},{kind},{best:.2f},{statistics.median(worker.times):.2f},"
              f"{1000 * batch / best:.2f},{worker.close():.0f},{ratio},{used:.2f},{used_ratio}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--tasks", default=TASKS)
    args = parser.parse_args()
    print("task,batch,peer,type,best ms,median ms,pictures/s,peak MiB,ratio to assay,processor ms,ratio of it")
    for text in args.tasks.split(","):
        task, batch = text.rsplit(":", 1)
        compare(task, int(batch), args.peers.split(","), args.rounds, args.threads)


if __name__ == "__main__":
    main()
