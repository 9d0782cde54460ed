"""A disk that is full for a while, or read-only: does the run go on, and end as if nothing had been?"""

import math
import os
import random
import shutil
import subprocess
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from unittest import mock

import gpufa
from gpufa.checkpoints import hdf5, networks
from gpufa.runs import folder as saves
from gpufa.training.trainer import Trainer

from .count import Count, Say
from .kills import same

SIZE = 512 << 10  # bytes of the disk; a checkpoint of the run has some tens of thousands
EPOCHS = 8
CONFIG = gpufa.Config(hidden=(16, 16), samples=100, seeds=(0, 1), backend="numpy", epochs=EPOCHS)
KINDS = "full in mid-run", "full at the end", "full at the start", "read-only at the start"
REFUSED = {KINDS[2]: "No space left on device", KINDS[3]: "Read-only file system"}


def run(amount: int, seed: int, say: Say) -> list[Count]:
    """So many runs, each on a small disk of its own that fails in one of four ways.

    A fault is survived where the checkpoint that stood there stays whole while the disk is full, the run says that it
    could not save, and ends in the same bits as an undisturbed one; at the start it is refused in a sentence, at the
    end what it came to is saved elsewhere. Raises SystemExit where no disk can be mounted.
    """
    if reason := why_no_disk():
        raise SystemExit(f"benchmarks: {reason}")
    chance, tried, survived = random.Random(seed), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(saves, "SHARE", math.inf):  # none is put off
        whole = Path(folder, "whole")
        gpufa.train(replace(CONFIG, out=str(whole)))
        for i in range(amount):
            kind = KINDS[i % len(KINDS)]
            with disk(Path(folder, "disk")) as mounted:
                wrong = harm(mounted, whole, kind, chance)
            tried[kind] += 1
            survived[kind] += not wrong
            if wrong:
                say(f"  {kind}: {wrong}")
    return [Count(f"a disk {kind}", tried[kind], survived[kind]) for kind in KINDS]


def why_no_disk() -> str:
    """Why no small disk can be mounted here, or ""."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "only root may mount the small disk that is filled"
    with tempfile.TemporaryDirectory() as folder:
        try:
            with disk(Path(folder, "disk")):
                return ""
        except (OSError, subprocess.CalledProcessError) as error:
            return f"no small disk can be mounted here ({error})"


@contextmanager
def disk(path: Path) -> Iterator[Path]:
    path.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "gpufa", str(path)], check=True, capture_output=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def harm(mounted: Path, whole: Path, kind: str, chance: random.Random) -> str:
    """A run on a disk that fails; what is wrong after it, or ""."""
    out, left = mounted / "run", chance.randrange((whole / networks.CHECKPOINT).stat().st_size // 2)
    first = EPOCHS if kind.endswith("end") else chance.randrange(1, EPOCHS - 3)
    trouble = Trouble(mounted, kind, left, first, chance.randrange(1, 3))
    config = replace(CONFIG, out=str(out))
    if kind == "full at the start":
        fill(mounted, left % 8000)
    if kind == "read-only at the start":
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            gpufa.train(config, callbacks=[trouble])
            error = ""
        except gpufa.FileProblem as problem:
            error = str(problem)
    said = [str(w.message) for w in told]
    if trouble.wrong:
        return trouble.wrong
    if kind in REFUSED:
        return "" if REFUSED[kind] in error else f"not refused: {error}"
    if kind.endswith("end"):
        *_, refuge, _ = error.split("'")
        kept = "for gpufa resume" in error and same(Path(refuge), whole)
        shutil.rmtree(refuge)
        return "" if kept else f"not kept elsewhere: {error}"
    if len(said) != trouble.epochs or not all("training goes on to the next" in line for line in said):
        return f"told {said}, failed {trouble.epochs} times"
    return error or ("" if same(out, whole) else "another end than the undisturbed run's")


class Trouble(gpufa.Callback):
    """Fills the disk after epoch `first`, for so many epochs, and looks at the checkpoint then."""

    def __init__(self, disk: Path, kind: str, left: int, first: int, epochs: int) -> None:
        self.disk, self.kind, self.left, self.first, self.epochs = disk, kind, left, first, epochs
        self.wrong = ""

    def on_epoch(self, trainer: Trainer) -> None:
        epoch = trainer.progress.epoch
        if self.kind in REFUSED or not self.first <= epoch <= self.first + self.epochs:
            return
        try:
            arrays, _ = hdf5.read(self.disk / "run" / networks.CHECKPOINT)
        except OSError as error:
            self.wrong = str(error)
        else:
            if arrays["progress/epoch"] != self.first:
                self.wrong = f"the checkpoint is of epoch {arrays['progress/epoch']}, not of {self.first}"
        if epoch == self.first:
            fill(self.disk, self.left)
        elif epoch == self.first + self.epochs:
            (self.disk / "filler").unlink()


def fill(disk: Path, left: int) -> None:
    """Write until nothing goes in any more, then give back so many bytes."""
    with open(disk / "filler", "wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(512))
        file.truncate(max(0, file.tell() - left))
