"""A run's folder: what stands in it at any moment is enough to go on."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from . import checkpoint, storage
from .callbacks import Callback
from .configfile import to_mapping, to_toml
from .errors import FileProblem
from .trainer import Trainer


class Folder(Callback):
    """Keeps RUN/ up to date: config.toml, checkpoint.h5 and history.csv; one process at a time, by a lock on RUN/.lock.

    Where a save fails in the middle of a run, that is told, the last checkpoint stays whole, and the run goes on to the
    next.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, Any]) -> None:
        self.path, self.fingerprint = path, fingerprint
        self.lock = FileLock(path / ".lock", blocking=False)

    def on_start(self, trainer: Trainer) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.lock.acquire()
            for half_written in self.path.glob(f".{storage.CHECKPOINT}.*.tmp"):  # by a process that was killed
                half_written.unlink()
            (self.path / "config.toml").write_text(to_toml(trainer.config), encoding="utf-8")
        except Timeout:
            raise FileProblem(
                f"run folder {str(self.path)!r} is in use by another process; wait for its end, or give another --out"
            ) from None
        except OSError as error:
            raise FileProblem(
                f"run folder {str(self.path)!r} can't be written ({error.strerror}); give another --out"
            ) from error
        self.save(trainer)

    def on_end(self, trainer: Trainer) -> None:
        self.lock.release()

    def on_epoch(self, trainer: Trainer) -> None:
        epoch = trainer.progress.epoch
        if epoch % trainer.config.checkpoint_every == 0:
            try:
                self.save(trainer)
            except FileProblem as error:
                warnings.warn(f"after epoch {epoch}: {error}; training goes on, and saves again later", stacklevel=2)

    def on_diverged(self, trainer: Trainer, replicas: NDArray) -> None:
        """Give the replicas back what the last checkpoint holds of them."""
        arrays, _ = checkpoint.read(self.path / storage.CHECKPOINT)
        for name, live in trainer_arrays(trainer).items():
            for r in replicas:
                live[r] = trainer.net.backend.to_device(arrays[name][r])

    def on_stop(self, trainer: Trainer) -> None:
        self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        arrays = storage.host_arrays(trainer.net, trainer_arrays(trainer))
        arrays |= storage.below("progress", trainer.progress.arrays())
        arrays |= storage.below("history", trainer.history.arrays())
        arrays |= storage.scaling_arrays(trainer.net.scaling)
        metadata = {
            **storage.describe(trainer.net),
            "config": to_mapping(trainer.config),
            "data": dict(self.fingerprint),
        }
        checkpoint.write(self.path / storage.CHECKPOINT, arrays, metadata)
        try:
            trainer.history.write_csv(self.path / "history.csv")
        except OSError as error:
            raise FileProblem(
                f"{str(self.path / 'history.csv')!r} can't be written ({error.strerror}); checkpoint.h5 has it all"
            ) from error


def trainer_arrays(trainer: Trainer) -> dict[str, Any]:
    """The live arrays that training changes or was drawn for it, each with the replica axis first."""
    arrays = storage.network_arrays(trainer.net) | storage.below("state", trainer.net.state)
    for state, arena in trainer.update.states.items():
        arrays |= storage.below(f"optimizer/{state}", arena)
    return arrays
