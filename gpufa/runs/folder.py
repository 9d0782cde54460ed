"""A run's folder: what stands in it at any moment is enough to go on."""

import errno
import math
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from ..basics import files
from ..basics.errors import FileProblem, GpufaWarning
from ..checkpoints import hdf5, networks
from ..training.callbacks import Callback
from ..training.toml import to_mapping, to_toml
from ..training.trainer import Trainer

REFRESH = 1.0  # seconds between two writings of history.csv at least, whose whole text is made anew
SHARE = 0.05  # of the time that goes into it, at most
LOCKLESS = errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """A run's folder, made where there is none, for this process alone, by a lock on PATH/.lock.

    Raises FileProblem where another process has it, or it can't be written. Where a file system knows no locks, that
    is told, and there is none.
    """
    lock = FileLock(path / ".lock", blocking=False)
    where = f"run folder {str(path)!r}"
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        files.clear(path)
    except Timeout:
        raise FileProblem(f"{where} is in use by another process; wait for its end, or give another --out") from None
    except OSError as error:
        if error.errno not in LOCKLESS:
            what = f"{where}'s .lock" if str(error.filename).endswith(".lock") else where
            raise FileProblem(f"{what} can't be written ({error.strerror}); give another --out") from error
        warnings.warn(
            f"{where} can't be locked ({error.strerror}); see to it that no other process trains there",
            GpufaWarning,
            stacklevel=3,
        )
    try:
        yield
    finally:
        lock.release()


class Folder(Callback):
    """Keeps RUN/, which must be `locked`, up to date: config.toml, checkpoint.h5, and history.csv, a little behind.


    Where a save fails in the middle of a run, that is told, the last checkpoint stays whole, and the run goes on to the
    next. Where an error ends the run, history.csv is of its last epoch, and it is told which the checkpoint is of.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, Any]) -> None:
        self.path, self.fingerprint = path, fingerprint
        self.saved: int | None = None  # epochs in the checkpoint
        self.next_history = -math.inf

    def on_start(self, trainer: Trainer) -> None:
        files.write(
            self.path / "config.toml",
            to_toml(trainer.config.recorded(trainer.rule)),
            "config file",
            "give another --out",
        )
        self.save(trainer)

    def on_epoch(self, trainer: Trainer) -> None:
        epoch = trainer.progress.epoch
        if epoch % trainer.config.checkpoint_every == 0:
            try:
                self.save(trainer)
            except (FileProblem, MemoryError) as error:
                warnings.warn(
                    f"after epoch {epoch}: {error}; the last checkpoint is whole, and training goes on to the next",
                    GpufaWarning,
                    stacklevel=2,
                )

    def on_diverged(self, trainer: Trainer, replicas: NDArray) -> None:
        """Give the replicas back what the last checkpoint holds of them."""
        try:
            arrays, _ = hdf5.read(self.path / networks.CHECKPOINT)
        except (FileProblem, MemoryError) as error:
            warnings.warn(f"replicas that diverged keep what they have: {error}", GpufaWarning, stacklevel=2)
            return
        for name, live in trainer_arrays(trainer).items():
            for r in replicas:
                live[r] = trainer.net.backend.to_device(arrays[name][r])

    def on_stop(self, trainer: Trainer) -> None:
        try:
            self._write_checkpoint(trainer)
        except (FileProblem, MemoryError) as error:
            if not (refuge := self._refuge(trainer)):
                raise
            self.saved = None
            raise FileProblem(f"{error}; the run as it ended is in {str(refuge)!r}, for gpufa resume") from error
        try:
            self._write_history(trainer)
        except FileProblem as error:
            warnings.warn(str(error), GpufaWarning, stacklevel=2)

    def _refuge(self, trainer: Trainer) -> Path | None:
        """A temporary folder that holds the checkpoint; None where that can't be written either."""
        refuge = None
        try:
            refuge = Path(tempfile.mkdtemp(prefix="gpufa-"))
            hdf5.write(refuge / networks.CHECKPOINT, *self._contents(trainer))
        except (OSError, MemoryError):
            if refuge:
                shutil.rmtree(refuge, ignore_errors=True)
            return None
        return refuge

    def on_failure(self, trainer: Trainer) -> None:
        if self.saved is None:
            return
        with suppress(FileProblem):
            self._write_history(trainer)
        warnings.warn(
            f"the run ended after epoch {trainer.progress.epoch}; its checkpoint is of epoch {self.saved}:"
            f" go on from there with gpufa resume {self.path}",
            GpufaWarning,
            stacklevel=2,
        )

    def save(self, trainer: Trainer) -> None:
        self._write_checkpoint(trainer)
        if time.perf_counter() > self.next_history:
            self._write_history(trainer)

    def _write_checkpoint(self, trainer: Trainer) -> None:
        hdf5.write(self.path / networks.CHECKPOINT, *self._contents(trainer))
        self.saved = trainer.progress.epoch

    def _write_history(self, trainer: Trainer) -> None:
        started = time.perf_counter()
        files.write(self.path / "history.csv", trainer.history.to_csv(), "history", "checkpoint.h5 has it all")
        ended = time.perf_counter()
        self.next_history = ended + max(REFRESH, (ended - started) / SHARE)

    def _contents(self, trainer: Trainer) -> tuple[dict[str, NDArray], dict[str, Any]]:
        """The arrays and the metadata of a checkpoint."""
        arrays = networks.host_arrays(trainer.net, trainer_arrays(trainer))
        arrays |= networks.below("progress", trainer.progress.arrays())
        arrays |= networks.below("history", trainer.history.arrays())
        arrays |= networks.scaling_arrays(trainer.net)
        metadata = {
            **networks.describe(trainer.net),
            "config": to_mapping(trainer.config.recorded(trainer.rule)),
            "data": dict(self.fingerprint),
        }
        return arrays, metadata


def trainer_arrays(trainer: Trainer) -> dict[str, Any]:
    """The live arrays that training changes or was drawn for it, each with the replica axis first."""
    arrays = networks.network_arrays(trainer.net) | networks.below("state", trainer.net.state)
    for state, arena in trainer.update.states.items():
        arrays |= networks.below(f"optimizer/{state}", arena)
    return arrays
