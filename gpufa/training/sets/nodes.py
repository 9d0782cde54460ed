"""Runs on the nodes of a graph, all of which are in each batch: what goes with that, and their batches."""

import dataclasses
from collections.abc import Sequence

from ...backends import Backend
from ...basics.arguments import shown
from ...basics.errors import InvalidValue
from ...data.samples.data import Data
from ...net.state.arena import Array
from ...net.state.clock import Clock
from ...parallel.ranks import Share, Together
from ..settings.config import Config
from .batches import Batches

# Settings that part, weigh or change samples one by one, or change each batch.
OF_SAMPLES = (
    *("validation", "samples", "class_weights", "label_noise", "input_noise", "augment", "adversarial"),
    *("stream_block", "probe_samples"),
)


def settled(config: Config, data: Data, ranks: Together) -> Config:
    """The settings of a run on these data, with all nodes of a graph in a batch. Raises InvalidValue where others are
    asked for, and for what divides nodes among processes."""
    if data.graph is None:
        return config
    for name in OF_SAMPLES:
        if (value := getattr(config, name)) != getattr(Config, name):
            raise InvalidValue(
                f"{name} = {shown(value)} is for samples that each stand alone, and the data are a graph's nodes, of"
                f" which the data say what they are for; leave --{name.replace('_', '-')} out"
            )
    if config.batch_size not in (None, data.graph.nodes):
        raise InvalidValue(
            f"batch_size = {config.batch_size} is not the number of the graph's nodes, {data.graph.nodes}, which hang"
            " on each other; leave --batch-size out, and each batch is all of them"
        )
    for what, processes in (("data", ranks.data), ("layers", ranks.layers)):
        if processes.size > 1:
            raise InvalidValue(
                f"the nodes of a graph hang on each other, and can't be trained on by {processes.size} processes with"
                f" --parallel {what}; take --parallel seeds, or one process"
            )
    return dataclasses.replace(config, batch_size=data.graph.nodes)


class Nodes(Batches):
    """One batch an epoch, of all nodes in their own order: x, (N, n_0), as the training sees them, and their labels y,
    (N,), -1 where one is not trained on; `mask`, (R, N), is 0 there, else 1, and `count` how many are."""

    def __init__(self, backend: Backend, x: Array, y: Array, seeds: Sequence[int], mask: Array, count: int) -> None:
        super().__init__(backend, x, y, seeds, len(x), 0.0)
        self.mask, self.count = mask, count

    def start_epoch(self, epoch: int, batch: int = 0) -> None:
        """The order is always the same."""

    def counted(self, batch: int) -> int:
        return self.count

    def room(self, shape: tuple[int, ...], dtype: str) -> Array:
        """The nodes themselves, (N, n_0), which the replicas share."""
        return self.x

    def load(self, clock: Clock, share: Share, x: Array, y: Array, w: Array = None) -> None:
        clock.tick()
        self.backend.targets(self.y, out=y)
