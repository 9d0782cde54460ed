"""What a run will take of memory, by part: counted before it begins, by what will ask for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ..backends import get_backend
from ..backends.counting.backend import Counting, counting
from ..basics.arguments import of_type
from ..basics.errors import in_bytes
from ..checkpoints.provenance import data_of
from ..measure.alignment import Batch
from ..rules import Rule, make_rule
from ..training.nets import place_of
from ..training.settings.config import Config
from ..training.trainer import Trainer
from .held import checkpointed, held_bytes


@dataclass
class Memory:
    """Bytes by part: `host` of the machine, and where the run is on a GPU `device` of that."""

    host: dict[str, int] = field(default_factory=dict)
    device: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of it, beyond what Python and its libraries take."""
        return sum(self.host.values()) + sum(self.device.values())

    def rows(self) -> dict[str, str]:
        """By part, and together, in words."""
        found = dict[str, str]()
        for name, parts in (("", self.host), ("on the GPU: ", self.device)):
            found |= {name + part: in_bytes(size) for part, size in parts.items() if size}
            if parts:
                found[f"{name}together"] = in_bytes(sum(parts.values()))
        return found

    def __str__(self) -> str:
        rows = self.rows()
        width = max(map(len, rows))
        return "\n".join(f"{part:{width}}  {size:>9}" for part, size in rows.items())


def memory(
    config: Config, data: Any = None, rule: Rule | type[Rule] | None = None, sample_weights: Any = None
) -> Memory:
    """What gpufa.train of the same will take at most, beyond Python and its libraries; nothing is trained, and no array
    is made but the data. Of a run in a folder, config.out, its checkpoints are a part.

    Raises InvalidValue where a rule, a layer or an activation of one's own reads numbers in a step, as there are none,
    and what train raises.
    """
    of_type(config, Config, "config", "a gpufa.Config, such as gpufa.Config(rule='fa', epochs=10)")
    arrays, name = data_of(config, data, sample_weights)
    resolved = config.with_files().resolved(make_rule(config.rule if rule is None else rule, config.rule_options))
    place = counting(get_backend(place_of(resolved, config.device), config.device, config.precision))
    place.read = arrays
    trainer = Trainer(replace(config, data=name), arrays, rule, place=place)
    parts = {**standing(trainer), **passing(trainer, place)}
    read = {"the data as they were read": sum(array.nbytes for array in arrays)}
    if config.out:
        read["a checkpoint that is put off"] = held_bytes(trainer)
        read["a checkpoint"] = place.copied([*checkpointed(trainer).values()])
    return Memory({**read, **parts}) if place.on_host else Memory(read, parts)


def standing(trainer: Trainer) -> dict[str, int]:
    """What is there from the first step to the last."""
    net, update = trainer.net, trainer.update
    gradient = update.grads or update.room
    found = {
        "parameters": net.arena.flat.nbytes,
        "gradient": gradient.flat.nbytes if gradient else 0,
        "the optimizer's states": sum(state.flat.nbytes for state in update.states.values()),
        "feedback": net.fixed.nbytes,
        "what the rule and layers remember": sum(array.nbytes for array in net.state.values()),
        "the weights of the best epochs": trainer.kept.nbytes if trainer.kept else 0,
    }
    assert isinstance(net.backend, Counting)
    return {**found, "data on the device": net.backend.count.now - sum(found.values())}


def passing(trainer: Trainer, place: Counting) -> dict[str, int]:
    """What goes through the net has, each of which is kept once it is there; `place` is the trainer's."""
    net, found = trainer.net, dict[str, int]()

    @contextmanager
    def counted(name: str) -> Iterator[None]:
        before = place.count.now - place.work_space
        yield
        found[name] = place.count.now - place.work_space - before

    with counted("a step"):
        trainer.begin_epoch()
        trainer.step()
    with counted("a step of the last samples"):
        trainer.progress.batch = trainer.batches.per_epoch - 1
        trainer.step()
    with counted("alignment"):
        x, y = trainer.probe
        angles = Batch(net, several=len(x) > net.chunk)
        several = _sizes(len(x), net.chunk)
        for start in range(0, several, net.chunk):
            part = slice(start, min(start + net.chunk, several))
            angles.take(net.judged(x[part], y[part]))
    with counted("evaluation"):
        for x, y in (trainer.held, trainer.test):
            for start, p in net.chunks(_sizes(len(x), net.chunk)):
                net.teach(p, y[start : start + p.m])
                p.evaluate(net.rule.forward, net.as_floats(x[start : start + p.m]))
    found["work space"] = place.work_space + place.count.most - place.count.now
    return found


def _sizes(samples: int, chunk: int) -> int:
    """As many of the samples as go through in a pass of each size that all of them need."""
    return chunk + samples % chunk if samples > chunk else samples
