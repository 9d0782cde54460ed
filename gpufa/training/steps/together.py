"""Runs that several processes share: what can be so, and whether they are still at one."""

import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...backends import Backend
from ...basics.arrays import Array
from ...basics.errors import InvalidValue, RankLost, warn
from ...layers.own import check_separable
from ...layers.protocol.terms import All
from ...net.learner import Learner
from ...parallel.ranks import Ranks, Share, Together
from ...rules import check_promise
from ..sets.batches import Batches
from ..settings.config import Config

OVERLAPPING = (
    "they overlap: a batch rises through blocks that have not learnt yet from as many batches before it as there are"
    " processes above, so that the numbers are not one process's"
)


def check_shared(config: Config, net: Learner, batches: Batches, ranks: Ranks) -> None:
    """Raises InvalidValue where a batch can't be shared among so many."""
    if ranks.size == 1:
        return
    check_promise(net.rule, "separable")
    check_separable(net.sizes.blocks)
    if config.adversarial and config.adversarial_mix == "beside":
        raise InvalidValue(
            "adversarial samples beside the others can't be shared among processes; add --adversarial-mix only, or"
            " leave --parallel data out"
        )
    if (least := min(batches.samples(0), batches.samples(batches.per_epoch - 1))) < ranks.size:
        raise InvalidValue(
            f"a batch of {least} can't be shared among {ranks.size} processes; give another --batch-size, or start"
            " fewer"
        )


def check_held(config: Config, ranks: Ranks) -> None:
    """Raises InvalidValue where processes that hold a net together can't train it by these settings."""
    if ranks.size == 1:
        if config.overlap:
            warn("there is nothing to overlap in one process: each batch ends before the next")
        return
    if config.adversarial:
        raise InvalidValue(
            "adversarial goes by the input's gradient, which would have to come down through all processes before each"
            " step; leave --adversarial or --parallel layers out"
        )
    for name in ("clip", "calibrate"):
        if config.overlap and getattr(config, name):
            raise InvalidValue(
                f"{name} goes by what one batch makes of all blocks, and where processes overlap each learns from"
                f" another batch; leave --{name} or --overlap out"
            )


def check_alike(given: Mapping[str, Any], ranks: Ranks) -> None:
    """Raises InvalidValue where processes have been given something else than the first of them, by what that is."""
    every = ranks.gather(given)
    for rank, other in enumerate(every):
        for what, value in other.items():
            if value != every[0][what]:
                raise InvalidValue(
                    f"rank {rank} has other {what} than rank 0, and they would train no net that one process trains;"
                    " give all of them the same"
                )


def level(net: Learner, ranks: Ranks) -> None:
    """Let what layers measure from step to step be the mean over the processes, each of which has seen its part."""
    if ranks.size > 1:
        for measured in net.measured.values():
            ranks.add(net.backend, measured)
            measured /= ranks.size
        ranks.settle(net.backend)


def of_own_seeds(config: Config, ranks: Ranks) -> Config:
    """The settings of this process's seeds. Raises InvalidValue where there are not enough for all."""
    if ranks.size > len(config.seeds):
        raise InvalidValue(
            f"{len(config.seeds)} seed{'s' * (len(config.seeds) > 1)} can't be divided among {ranks.size} processes;"
            " give more --seeds, or start fewer"
        )
    return replace(config, seeds=config.seeds[ranks.share(len(config.seeds)).part])


def beside(row: dict[str, Any], ranks: Ranks) -> dict[str, Any]:
    """A row of a history, with the figures of all processes' replicas; what is one number is the first's."""
    if ranks.size == 1:
        return row
    rows = ranks.gather(row)
    several = {name: np.concatenate([one[name] for one in rows]) for name, value in row.items() if np.ndim(value)}
    return rows[0] | several


def all_of(share: Share, ranks: Ranks, backend: Backend) -> All | None:
    """What statistics of a batch go over, of which this process has a share; None where they go over that alone."""

    def over(means: Array) -> None:
        means *= share.own / share.whole
        ranks.add(backend, means)

    return All(share.whole, over) if ranks.size > 1 else None


def in_words(config: Config, net: Learner, batches: Batches, ranks: Together) -> list[str]:
    """What is to be known of a run that several processes share, before it begins."""
    if ranks.seeds.size > 1:
        mine = ", ".join(map(str, net.seeds))
        return [f"{ranks.seeds.size} processes train some of {len(config.seeds)} seeds each, this one seed {mine}"]
    told = []
    if (held := ranks.layers.size) > 1:
        own_blocks = net.sizes.every
        this = f"this one {len(own_blocks)}, up to block {own_blocks[-1]}"
        told += [f"{held} processes hold a net of {net.sizes.L} blocks, {this}"]
        told += [OVERLAPPING] if config.overlap else []
    if ranks.data.size > 1:
        own, whole = ranks.data.share(batches.samples(0)).own, batches.samples(0)
        who = "copies of the net" if held > 1 else "processes"
        told += [f"{ranks.data.size} {who} share each batch of {whole} samples, this one has {own}"]
    if ranks.data.size > 1 and net.sizes.whole.state:
        by_all = f"all {whole} samples of a batch, {own} of which are this process's"
        by_own = f"each process's own samples, {own} of {whole}; --batch-norm ranks goes by all of them"
        told += [f"batch norm goes by {by_all if ranks.norms.size > 1 else by_own}"]
    return told


def check_at_one(net: Learner, active: np.ndarray, ranks: Ranks) -> None:
    """Raises RankLost where weights that are to be the same in all processes are not."""
    if ranks.size == 1:
        return
    seal = zlib.crc32(net.backend.to_host(net.arena.flat)[active].data)
    for rank, other in enumerate(ranks.gather(seal)):
        if other != seal:
            raise RankLost(
                f"the weights of ranks {min(rank, ranks.rank)} and {max(rank, ranks.rank)} have come apart; go on from"
                " the last checkpoint, and see to it that all run the same program on processors of one kind"
            )


def side_by_side(angles: dict[str, NDArray], ranks: Ranks) -> dict[str, NDArray]:
    """Metrics of the hidden blocks that each process holds, (R, blocks), as those of all of them."""
    if ranks.size == 1:
        return angles
    every = ranks.gather(angles)
    return {name: np.concatenate([one[name] for one in every], axis=1) for name in angles}
