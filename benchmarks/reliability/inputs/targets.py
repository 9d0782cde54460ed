"""TARGETS, and what counts as an answer to an input: success, or a GpufaError in one sentence."""

import os
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import h5py
import numpy as np

import gpufa

from . import checkpoints, commands, files, hdf5, program, settings
from .material import Material

LONGEST = 1500  # letters of a sentence


class Target(NamedTuple):
    """`call(material)` makes an input and hands it to gpufa; `share` is its part of all inputs of its trial."""

    what: str
    call: Callable[[Material], None]
    share: float
    trial: str = "inputs"


TARGETS = {
    "config": Target("settings of a Config", settings.config, 6),
    "table": Target("tables of settings", settings.table, 6),
    "toml": Target("TOML files of settings", settings.toml, 4),
    "set": Target("options by --set, with a run", settings.sets, 1),
    "command": Target("command lines", commands.command, 0.5),
    "idx": Target("IDX files", files.idx, 3),
    "gzipped-idx": Target("gzipped IDX files", files.gzipped_idx, 3),
    "npz": Target(".npz files", files.npz, 4),
    "csv": Target(".csv files", files.csv, 4),
    "hdf5": Target("HDF5 files", hdf5.hdf5, 4),
    "data": Target("arrays and names of data", program.data, 6),
    "rule": Target("rules and their options", program.rule, 4),
    "network": Target("networks and what they are asked", program.network, 4),
    "train": Target("runs by gpufa.train", program.train, 1),
    "load": Target("paths to gpufa.load and gpufa.resume", program.load, 2),
    "recurrent": Target("recurrent nets and their tasks", program.recurrent, 2),
    "flips": Target("checkpoints with 1 to 64 bits flipped", checkpoints.flips, 3, "damage"),
    "cut": Target("checkpoints cut off, or with more behind", checkpoints.cut, 3, "damage"),
    "blocks": Target("checkpoints with blocks swapped or zeroed", checkpoints.blocks, 3, "damage"),
    "torn": Target("checkpoints half new, half old", checkpoints.torn, 2, "damage"),
    "versions": Target("checkpoints of other format versions", checkpoints.versions, 1, "damage"),
    "sealed": Target("damaged HDF5 under a valid header", checkpoints.bytes_below_a_valid_header, 4, "damage"),
    "hostile": Target("hostile HDF5 under a valid header", checkpoints.hostile, 2, "damage"),
    "contents": Target("other settings or arrays than gpufa writes", checkpoints.contents, 2, "damage"),
}


@contextmanager
def sandbox() -> Iterator[None]:
    """A folder with what the inputs speak of, to be in meanwhile: data files, a run, rule files, a folder of MNIST."""
    x, y, data = hdf5.X, np.arange(12) % 3, os.environ.get("GPUFA_DATA")
    with TemporaryDirectory() as folder, chdir(folder):
        os.environ["GPUFA_DATA"] = folder
        for name in ("mnist", "fashion_mnist", "folder.py"):
            Path(name).mkdir()
        np.savez("tiny.npz", x=x, y=y)
        np.savetxt("tiny.csv", np.c_[x, y], "%g", ",")
        with h5py.File("tiny.h5", "w") as file:
            file.update({"x": x, "y": y})
        Path("broken.py").write_text("class Mine(:\n", encoding="utf-8")
        Path("lacks.py").write_text("Mine = 3\n", encoding="utf-8")
        Path("mine.toml").write_text("hidden = [3]\n", encoding="utf-8")
        gpufa.train(gpufa.Config(**settings.SMALL, out="run"))
        try:
            yield
        finally:
            os.environ.pop("GPUFA_DATA") if data is None else os.environ.update(GPUFA_DATA=data)


def complaint(name: str, raw: bytes) -> str:
    """Why the answer to these bytes is none of those promised; "" where all is well. To be called in a sandbox."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            TARGETS[name].call(Material(raw))
        except gpufa.GpufaError as error:
            if bad := unclear(str(error)):
                return f"{bad}: {type(error).__name__} {str(error)[:200]!r}"
        except Exception as error:
            return f"{type(error).__name__}: {str(error)[:200]!r} {place(error)}"
    own = str(Path(__file__).parent)
    foreign = [w for w in told if w.category is not gpufa.GpufaWarning and not str(w.filename).startswith(own)]
    return f"a warning: {foreign[0].message} ({foreign[0].filename}:{foreign[0].lineno})" if foreign else ""


def unclear(text: str) -> str:
    """What a sentence for users lacks."""
    if not text.strip() or len(text) > LONGEST:
        return f"a text of {len(text)} letters"
    return "a text of several lines" if len(text.splitlines()) != 1 else ""


def place(error: BaseException) -> str:
    """The lines of gpufa that it came through, innermost first."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "gpufa/" in f.filename.replace(os.sep, "/")]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))
