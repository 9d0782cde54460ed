"""A run's folder: what stands in it at any moment is enough to go on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from . import checkpoint, storage
from .callbacks import Callback
from .configfile import to_mapping, to_toml
from .errors import FileProblem
from .trainer import Trainer


class Folder(Callback):
    """Keeps RUN/ up to date: config.toml, checkpoint.h5 and history.csv."""

    def __init__(self, path: Path, fingerprint: Mapping[str, Any]) -> None:
        self.path, self.fingerprint = path, fingerprint

    def on_start(self, trainer: Trainer) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "config.toml").write_text(to_toml(trainer.config), encoding="utf-8")
        except OSError as error:
            raise FileProblem(
                f"run folder {str(self.path)!r} can't be written ({error.strerror}); give another --out"
            ) from error
        self.save(trainer)

    def on_epoch(self, trainer: Trainer) -> None:
        if trainer.progress.epoch % trainer.config.checkpoint_every == 0:
            self.save(trainer)

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
        trainer.history.write_csv(self.path / "history.csv")


def trainer_arrays(trainer: Trainer) -> dict[str, Any]:
    """The live arrays that training changes or was drawn for it, each with the replica axis first."""
    arrays = storage.network_arrays(trainer.net) | storage.below("state", trainer.net.state)
    for state, arena in trainer.update.states.items():
        arrays |= storage.below(f"optimizer/{state}", arena)
    return arrays
