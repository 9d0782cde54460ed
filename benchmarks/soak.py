"""kill -9 at random moments, the middle of a save among them, and on from the last checkpoint: is anything lost?"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gpufa import checkpoint, storage

FLAGS = ["--hidden", "16", "16", "--samples", "200", "--backend", "numpy", "--seeds", "0", "1", "--quiet"]
LIFE = 0.06  # seconds that a process lives on after its first save, at most
PATIENCE = 60  # seconds to wait for a save


def run(kills: int, epochs: int, seed: int, say: Callable[[str], Any]) -> dict[str, Any]:
    """Kill a run so many times; what was found: checkpoints that can't be read, epochs lost that were told as saved,
    files left over, and whether the end equals that of a run that was never killed."""
    chance, found = random.Random(seed), {"kills": 0, "unreadable": 0, "epochs_lost": 0, "left_over": 0, "finished": 0}
    with tempfile.TemporaryDirectory() as folder:
        whole, cut = Path(folder, "whole"), Path(folder, "cut")
        flags = [*FLAGS, "--epochs", str(epochs)]
        gpufa("train", *flags, "--out", str(whole)).wait()
        command = ["train", *flags, "--out", str(cut)]
        while found["kills"] < kills:
            process, before = gpufa(*command), saved(cut)
            started = time.monotonic()
            while saved(cut) == before and process.poll() is None and time.monotonic() - started < PATIENCE:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, LIFE))
            if process.poll() is not None:
                found["finished"] += 1
                break
            process.kill()
            process.wait()
            found["kills"] += 1
            command = ["resume", str(cut), "--quiet"]
            inspect(cut, found)
            if found["kills"] % 25 == 0:
                say(f"  {found}")
        gpufa(*command).wait()
        found["left_over"] = len(list(cut.glob(".*.tmp")))
        return found | {"equal": same(whole, cut)}


def gpufa(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "gpufa", *arguments])


def saved(run: Path) -> int:
    """What changes with each save."""
    file = run / storage.CHECKPOINT
    return file.stat().st_mtime_ns if file.exists() else 0


def inspect(run: Path, found: dict[str, Any]) -> None:
    """Count what is wrong with a run that was killed: history.csv tells of no epoch that the checkpoint lacks."""
    try:
        arrays, _ = checkpoint.read(run / storage.CHECKPOINT)
    except OSError:
        found["unreadable"] += 1
        return
    lines = (run / "history.csv").read_text().splitlines()[1:] if (run / "history.csv").exists() else []
    whole = [line for line in lines if line.count(",") == max(map(str.count, lines, [","] * len(lines)))]
    told = max((int(line.partition(",")[0]) for line in whole), default=0)
    found["epochs_lost"] += max(0, told - int(arrays["progress/epoch"]))


def same(a: Path, b: Path) -> bool:
    """Whether two runs have ended in the same bits, times apart."""
    ours, theirs = (checkpoint.read(run / storage.CHECKPOINT)[0] for run in (a, b))
    names = ours.keys() - {"history/epochs/seconds"}
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[n], theirs[n], equal_nan=True) for n in names)
