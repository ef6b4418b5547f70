"""What a command costs, and where a benchmark's figures go."""

import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import threading
import time

from services import ROOT, run


def measured(words, **more):
    """Wall and CPU seconds, and the peak memory in MiB, of a command and all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    child = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL, **more)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if child.returncode:
        sys.exit(f"{words[0]} ended with {child.returncode}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return wall, cpu, usage.ru_maxrss / 1024


class Watch(threading.Thread):
    """The peak memory of every ffmpeg below `root`, in MiB, looked at many times a second."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.peak, self.over = root, 0.0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            for pid in below(self.root):
                try:
                    if b"ffmpeg" not in pathlib.Path("/proc", pid, "cmdline").read_bytes().split(b"\0")[0]:
                        continue
                    found = re.search(r"VmHWM:\s+(\d+)", pathlib.Path("/proc", pid, "status").read_text())
                    self.peak = max(self.peak, int(found[1]) / 1024 if found else 0)
                except OSError:
                    pass

    def stop(self):
        self.over.set()
        self.join()
        return self.peak


def below(root):
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = pathlib.Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1].split()[1]
        except OSError:
            continue
        children.setdefault(int(parent), []).append(pid)
    waiting, found = [root], []
    while waiting:
        for pid in children.get(waiting.pop(), []):
            found.append(pid)
            waiting.append(int(pid))
    return found


class Bench:
    """One run: a folder for its files, and its measures, told as they are found and kept in `bench/results`."""

    def __init__(self, folder, rounds, limits):
        self.folder, self.rounds, self.limits = folder, rounds, limits
        self.results = []

    def tell(self, measure, value, unit, **details):
        limit = self.limits.get(measure)
        verdict = "" if limit is None else f"   (to be {limit})"
        print(f"{measure:26} {value:9.3f} {unit:8}{verdict}", flush=True)
        details.update(rounds=self.rounds, cores=os.cpu_count())
        self.results.append({"measure": measure, "value": round(value, 3), "unit": unit, "details": details})

    def place(self, name):
        place = self.folder / name
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return place

    def keep(self, name):
        results = ROOT / "bench" / "results"
        results.mkdir(exist_ok=True)
        with open(results / f"{name}.jsonl", "a") as out:
            for result in self.results:
                out.write(json.dumps(result) + "\n")


def seconds(film):
    """How long a film or a sound plays."""
    found = run("ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", film,
                capture_output=True, text=True)
    return float(found.stdout)
