"""Each system call of a save fails in turn, or is the last thing that the process does: is a whole checkpoint there?"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np

from gpufa.checkpoints import hdf5

from .count import Count, Say
from .kills import ROOT
from .saver import BEGIN, END, SAVED, TOLD, contents

FAULTS = {
    "a call that fails with ENOSPC": "error=ENOSPC",
    "a call that fails with EIO": "error=EIO",
    "a call that fails with EROFS": "error=EROFS",
    "kill -9 at a call": "signal=SIGKILL",
}
MEMORY = {"brk", "mmap", "munmap", "mremap", "madvise"}  # calls that never fail so, as the kernel makes them
Call = tuple[str, int]  # a system call's name, and which call of that name it is


def run(amount: int, seed: int, say: Say) -> list[Count]:
    """Of all pairs of a fault and a call so many, in random order; all where `amount` is 0.

    A fault is survived where the save either succeeds, or is told in a sentence and leaves the file as it was before.
    Raises SystemExit where strace can't be run.
    """
    with tempfile.TemporaryDirectory() as folder:
        pairs = list(product(FAULTS, calls(Path(folder))))
        random.Random(seed).shuffle(pairs)
        tried, survived = Counter[str](), Counter[str]()
        for fault, call in pairs[: amount or None]:
            wrong = harm(Path(folder), fault, call)
            tried[fault] += 1
            survived[fault] += not wrong
            if wrong:
                say(f"  {fault}, {call[0]} number {call[1]}: {wrong}")
    return [Count(fault, tried[fault], survived[fault]) for fault in FAULTS]


def why_no_strace() -> str:
    """Why calls can't be made to fail here, or ""."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    works = subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, text=True)
    return "" if works.returncode == 0 else f"strace can't trace here ({works.stderr.strip()})"


def calls(folder: Path) -> list[Call]:
    """The system calls of a save, in their order."""
    if reason := why_no_strace():
        raise SystemExit(f"benchmarks: {reason}")
    log = folder / "log"
    traced(folder, "-o", str(log))
    seen, found, inside = Counter[str](), [], False
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        if (name := re.match(r"(\w+)\(", line)) is None:
            continue
        seen[name[1]] += 1
        if BEGIN in line or END in line:
            inside = BEGIN in line
        elif inside and name[1] not in MEMORY:
            found.append((name[1], seen[name[1]]))
    return found


def harm(folder: Path, fault: str, call: Call) -> str:
    """Save with one fault; what is wrong after it, or ""."""
    name, which = call
    done = traced(folder, "-o", os.devnull, f"--inject={name}:{FAULTS[fault]}:when={which}")
    killed = "SIGKILL" in FAULTS[fault]
    try:
        arrays, metadata = hdf5.read(folder / "run" / "checkpoint.h5")
    except OSError as error:
        return str(error)
    turn = metadata["turn"]
    if not all(np.array_equal(arrays[name], array) for name, array in contents(turn).items()):
        return f"other arrays than were saved in turn {turn}"
    if killed:
        return ""
    if done.returncode not in (SAVED, TOLD) or (done.returncode == SAVED and turn != 2):
        return f"exit {done.returncode}, turn {turn}: {done.stderr.strip()[-300:]}"
    if done.returncode == TOLD and turn == 2 and "is written, but may not outlast a power cut" not in done.stdout:
        return f"told as failed, but in place: {done.stdout}"
    left = [path.name for path in (folder / "run").glob(".*")]
    return f"left over: {left}" if left else ""


def traced(folder: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """Save in an empty folder, under strace; the calls are the same ones each time."""
    shutil.rmtree(folder / "run", ignore_errors=True)
    (folder / "run").mkdir()
    saver = [sys.executable, "-m", "benchmarks.reliability.saver", str(folder / "run" / "checkpoint.h5")]
    steady = os.environ | {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(["strace", *options, *saver], cwd=ROOT, env=steady, capture_output=True, text=True)
