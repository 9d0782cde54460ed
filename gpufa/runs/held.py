"""What a run's checkpoint holds: taken from a trainer, or from all processes' trainers, and put back into one."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checkpoints import networks
from ..checkpoints.replicas import beside, of_replicas
from ..data.samples.data import Data
from ..measure.history import History
from ..training.trainer import Trainer
from .onward import beside_the_net

HELD = 256 << 20  # bytes of a checkpoint that is put off, at most, of which there is a copy in memory


def trainer_arrays(trainer: Trainer) -> dict[str, Any]:
    """The live arrays that training changes or was drawn for it, each with the replica axis first."""
    arrays = networks.network_arrays(trainer.net)
    return (networks.below("training", arrays) if trainer.kept else arrays) | beside_the_net(trainer)


def checkpointed(trainer: Trainer) -> dict[str, Any]:
    """All live arrays of a checkpoint: what makes the network that the run is for, and what training goes on with."""
    if not (kept := trainer.kept):
        return trainer_arrays(trainer)
    kept.settle()
    arrays = networks.below("parameters", kept.arena) | networks.below("feedback", kept.feedback)
    return arrays | networks.below("state", kept.measured) | trainer_arrays(trainer)


def held_bytes(trainer: Trainer) -> int:
    """Of the copy of a checkpoint's arrays that all processes make where it is put off; 0 where there is none."""
    size = sum(int(array.nbytes) for array in checkpointed(trainer).values())
    size = int(trainer.ranks.parts.total(np.array([size]))[0])
    return size if size <= HELD else 0


def taken(trainer: Trainer, copied: Callable[[Any], NDArray] = np.asarray) -> dict[str, NDArray]:
    """The arrays of a checkpoint; those that training writes to as `copied`, np.array for copies. Of processes that
    have some blocks or seeds each, all call it, and the first gets those of all, the others nothing to speak of."""
    arrays = networks.host_arrays(trainer.net, checkpointed(trainer))
    arrays |= networks.below("progress", trainer.progress.arrays())
    if trainer.kept:
        arrays["kept/epoch"] = trainer.kept.epoch
    parts = trainer.ranks.layers.collect({name: copied(array) for name, array in arrays.items()})
    parts = trainer.ranks.seeds.collect({name: array for part in parts for name, array in part.items()})
    arrays = beside(parts) if parts else {}
    arrays |= networks.below("history", trainer.history.arrays())
    if trainer.rates.factor != 1:
        arrays["learning_rate"] = np.array([trainer.learning_rate])
    return arrays | networks.scaling_arrays(trainer.net)


def put(trainer: Trainer, stored: Mapping[str, NDArray]) -> None:
    """Bring a trainer to where the arrays of a checkpoint were taken; of a run's seeds it may have a part. Raises
    FileProblem where they are another run's."""
    own = of_replicas(stored, trainer.seeds.part)
    networks.fill(checkpointed(trainer), own, trainer.net)
    if trainer.kept:
        trainer.kept.epoch[:] = own["kept/epoch"]
    trainer.progress.load(networks.inside("progress", own))
    if "learning_rate" in own:
        trainer.learning_rate = float(own["learning_rate"][0])
    trainer.history = History.from_arrays(trainer.config.seeds, networks.inside("history", own))
    trainer.hear()


def of_all_seeds(trainer: Trainer, data: Data) -> Trainer:
    """Where processes have some of the seeds each, on the first of them a trainer of all, as they stand; else itself.
    All call it."""
    if trainer.ranks.seeds.size == 1:
        return trainer
    arrays, net = taken(trainer), trainer.net
    if not trainer.ranks.first:
        return trainer
    found = Trainer(trainer.config, data, trainer.rule, (), net.scaling, net.target_scaling, net.filling)
    put(found, arrays)
    found.stop_requested, found.before = trainer.stop_requested, trainer.before
    return found
