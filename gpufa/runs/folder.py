"""A run's folder: what stands in it at any moment is enough to go on."""

import math
import shlex
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics import files
from ..basics.errors import FileProblem, warn
from ..checkpoints import hdf5, networks
from ..checkpoints.replicas import of_replicas
from ..training.course.callbacks import Callback
from ..training.settings.toml import to_mapping, to_toml
from ..training.trainer import Trainer
from .going_on import bits_hang_on
from .held import held_bytes, taken, trainer_arrays

REFRESH = 1.0  # seconds between two writings of history.csv at least, whose whole text is made anew
SHARE = 0.05  # of the time that goes into either, saves and history.csv, at most


class Folder(Callback):
    """Keeps RUN/, which must be `locked`, up to date: config.toml, checkpoint.h5, and history.csv, a little behind.

    A save that would take more than its share of the time is put off, and `held` is what it would have written, for
    replicas that diverge and for errors; of more than HELD bytes there is none, and the last checkpoint stands in for
    it. Where a save fails in the middle of a run, that is told, the last checkpoint stays whole, and the run goes on to
    the next. Where an error ends the run, what is held is written, history.csv is of its last epoch, and it is told
    which the checkpoint is of.

    Where processes have some blocks or seeds each, each has such a one, and the first of them writes what all have.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, Any]) -> None:
        self.path, self.fingerprint = path, fingerprint
        self.saved: int | None = None  # epochs in the checkpoint
        self.held: dict[str, NDArray] | None = None
        self.next_save = self.next_history = -math.inf

    def on_start(self, trainer: Trainer) -> None:
        self.metadata = {
            **networks.describe(trainer.net, trainer.config.seeds),
            "config": to_mapping(trainer.config.recorded(trainer.rule)),
            "data": dict(self.fingerprint),
        }
        if place := bits_hang_on(trainer.net):
            self.metadata["place"] = place
        if trainer.before:
            self.metadata["before"] = trainer.before
        self.save(trainer)  # first, as a folder with other files alone is somebody else's
        if trainer.ranks.first:
            text = to_toml(trainer.config.recorded(trainer.rule))
            files.write(self.path / "config.toml", text, "config file", "give another --out")

    def on_epoch(self, trainer: Trainer) -> None:
        epoch = trainer.progress.epoch
        if epoch % trainer.config.checkpoint_every:
            return
        if trainer.ranks.parts.any(trainer.ranks.first and time.perf_counter() < self.next_save):
            self.held = taken(trainer, np.array) if held_bytes(trainer) else None
            return
        try:
            self.save(trainer)
        except (FileProblem, MemoryError) as error:
            warn(f"after epoch {epoch}: {error}; the last checkpoint is whole, and training goes on to the next")

    def on_diverged(self, trainer: Trainer, replicas: NDArray) -> None:
        """Give the replicas back what the last checkpoint holds of them, or would where it was put off."""
        arrays: Mapping[str, NDArray] = {}
        try:
            if trainer.ranks.first:
                arrays = self.held or hdf5.read(self.path / networks.CHECKPOINT)[0]
        except (FileProblem, MemoryError) as error:
            warn(f"replicas that diverged keep what they have: {error}")
        if not (arrays := trainer.ranks.parts.gather(arrays)[0]):
            return
        arrays = of_replicas(arrays, trainer.seeds.part)
        for name, live in trainer_arrays(trainer).items():
            for r in replicas:
                live[r] = trainer.net.backend.to_device(arrays[name][r])

    def on_stop(self, trainer: Trainer) -> None:
        arrays: dict[str, NDArray] = {}
        try:
            arrays = taken(trainer)
            if trainer.ranks.first:
                self._write_checkpoint(arrays)
        except (FileProblem, MemoryError) as error:
            if not (refuge := self._refuge(arrays)):
                raise
            self.saved = None
            raise FileProblem(f"{error}; the run as it ended is in {str(refuge)!r}, for gpufa resume") from error
        try:
            if trainer.ranks.first:
                self._write_history(trainer)
        except FileProblem as error:
            warn(str(error))

    def _refuge(self, arrays: Mapping[str, NDArray]) -> Path | None:
        """A temporary folder that holds the checkpoint; None where that can't be written either."""
        refuge = None
        if not arrays:
            return None
        try:
            refuge = Path(tempfile.mkdtemp(prefix="gpufa-"))
            hdf5.write(refuge / networks.CHECKPOINT, arrays, self.metadata)
        except (OSError, MemoryError):
            if refuge:
                shutil.rmtree(refuge, ignore_errors=True)
            return None
        return refuge

    def on_failure(self, trainer: Trainer) -> None:
        if self.saved is None:
            return
        if self.held:
            with suppress(FileProblem, MemoryError):
                self._write_checkpoint(self.held)
        with suppress(FileProblem):
            self._write_history(trainer)
        warn(
            f"the run ended after epoch {trainer.progress.epoch}; its checkpoint is of epoch {self.saved}:"
            f" go on from there with gpufa resume {shlex.quote(str(self.path))}"
        )

    def save(self, trainer: Trainer) -> None:
        arrays = taken(trainer)
        if trainer.ranks.first:
            self._write_checkpoint(arrays)
            if time.perf_counter() > self.next_history:
                self._write_history(trainer)

    def _write_checkpoint(self, arrays: Mapping[str, NDArray]) -> None:
        started, self.held = time.perf_counter(), None
        try:
            hdf5.write(self.path / networks.CHECKPOINT, arrays, self.metadata)
        finally:
            ended = time.perf_counter()
            self.next_save = ended + (ended - started) / SHARE
        self.saved = int(arrays["progress/epoch"])

    def _write_history(self, trainer: Trainer) -> None:
        started = time.perf_counter()
        files.write(self.path / "history.csv", trainer.history.to_csv(), "history", "checkpoint.h5 has it all")
        ended = time.perf_counter()
        self.next_history = ended + max(REFRESH, (ended - started) / SHARE)
