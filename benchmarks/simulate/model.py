"""The LogGP model (Alexandrov, Ionescu, Schauser & Scheiman 1995) of a training step by P processes.

A message of k bytes takes L + 2 o + k G: latency, overhead at both ends, and the gap for each byte. L and o are only
told apart where much else goes on meanwhile; `start` is L + 2 o.

Allreduce is Rabenseifner's: a reduce-scatter and an allgather, 2 log2(P) starts and 2 (P - 1) / P of the bytes, half of
which are added up on their way. A broadcast is a tree of log2(P) messages.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """Seconds for a message's start, for each byte, and for adding a byte up."""

    start: float
    byte: float
    added: float

    def message(self, size: float) -> float:
        return self.start + size * self.byte

    def broadcast(self, size: float, ranks: int) -> float:
        return math.ceil(math.log2(ranks)) * self.message(size) if ranks > 1 else 0.0

    def allreduce(self, size: float, ranks: int) -> float:
        if ranks == 1:
            return 0.0
        passed = (ranks - 1) / ranks * size
        return 2 * math.ceil(math.log2(ranks)) * self.start + 2 * passed * self.byte + passed * self.added


@dataclass(frozen=True)
class Net:
    """Equal blocks of n units, and C outputs, in batches of m samples of so many bytes a number.

    `up` is how many seconds a block takes on a batch's way up, `down` on its way down in backprop, `learn` for its
    gradients and update, each with `fixed` of it that does not shrink with the batch. All of it takes `crowding`
    times as long where all cores of a machine compute at once.
    """

    blocks: int
    units: int
    outputs: int
    batch: int
    up: float
    down: float
    learn: float
    fixed: float = 0.0
    crowding: float = 1.0
    number: int = 4

    @property
    def parameters(self) -> float:
        return self.blocks * self.units * (self.units + 1.0)

    def took(self, part: float, share: float = 1.0) -> float:
        """A part of a block's time, with a share of the batch."""
        return self.fixed + (part - self.fixed) * share


def alone(net: Net, rule: str) -> float:
    """One process. Direct feedback has nothing that goes down."""
    return net.blocks * (net.up + net.learn + (net.down if rule == "bp" else 0.0))


def data(net: Net, network: Network, ranks: int, rule: str) -> float:
    """Each a share of the batch, and the sum of all gradients behind it."""
    share = 1 / ranks
    parts = (net.up, net.learn, *((net.down,) if rule == "bp" else ()))
    took = net.blocks * sum(net.took(part, share) for part in parts) * (net.crowding if ranks > 1 else 1.0)
    return took + network.allreduce(net.parameters * net.number, ranks)


def layers(net: Net, network: Network, ranks: int) -> float:
    """Direct feedback: a batch rises through all, the output goes to all, and all learn at once."""
    own = math.ceil(net.blocks / ranks)
    hop = network.message(net.units * net.batch * net.number)
    outputs = network.broadcast(net.outputs * net.batch * net.number, ranks)
    return net.blocks * net.up + (ranks - 1) * hop + outputs + own * net.learn * (net.crowding if ranks > 1 else 1.0)


def overlapped(net: Net, network: Network, ranks: int) -> float:
    """Direct feedback, each batch rising while older ones are learnt from: what the slowest takes, and its messages."""
    own = math.ceil(net.blocks / ranks)
    hop = network.message(net.units * net.batch * net.number)
    outputs = network.message(net.outputs * net.batch * net.number)
    took = own * (net.up + net.learn)
    return took * net.crowding + 2 * hop + outputs if ranks > 1 else took


def pipelined(net: Net, network: Network, ranks: int, parts: int) -> float:
    """Backprop over blocks, a batch in parts (GPipe, Huang et al. 2019): the last part leaves ranks - 1 turns later, up
    and down."""
    own = math.ceil(net.blocks / ranks)
    turn = own * sum(net.took(one, 1 / parts) for one in (net.up, net.down, net.learn))
    hop = network.message(net.units * net.batch / parts * net.number)
    return (parts + ranks - 1) * (turn + (2 * hop if ranks > 1 else 0.0))


def best_pipelined(net: Net, network: Network, ranks: int, choices: Sequence[int] = (1, 2, 4, 8, 16, 32, 64)) -> float:
    """With the number of parts that is best, each of a sample at least."""
    return min(pipelined(net, network, ranks, parts) for parts in choices if parts <= net.batch)


def hybrid(net: Net, network: Network, ranks: int, held_by: int) -> float:
    """Direct feedback: groups of `held_by` hold the net and overlap, each with a share of the batch; blocks' gradients
    are summed up over the groups."""
    groups = ranks // held_by
    own, share = math.ceil(net.blocks / held_by), 1 / groups
    size = net.units * net.batch * share * net.number
    took = own * sum(net.took(part, share) for part in (net.up, net.learn))
    messages = 2 * network.message(size) if held_by > 1 else 0.0
    return took + messages + network.allreduce(net.parameters / held_by * net.number, groups)


def efficiency(took: float, single: float, ranks: int) -> float:
    """The share of the processes' time that one process would have needed."""
    return single / (ranks * took)
