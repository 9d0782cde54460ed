"""Going on in memory, without a checkpoint: from another net's weights, and from where a run has left its optimizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..checkpoints import networks
from ..checkpoints.starting import begin_with
from ..network import Network
from ..training.trainer import Trainer

COUNTERS = "step", "epoch"


def start_of(trainer: Trainer, net: Network, remedy: str) -> None:
    """Let it begin with the weights and feedback of a net like its own. Raises InvalidValue where that is another."""
    begin_with(*networks.held(net), trainer.net, "the fitted network", remedy)


def left_by(trainer: Trainer) -> dict[str, NDArray]:
    """Copies on the host of what training goes on with beside the net: the optimizer's states, the rule's memory, and
    how many steps and epochs there were."""
    arrays = {name: np.array(a) for name, a in networks.host_arrays(trainer.net, beside_the_net(trainer)).items()}
    return arrays | {name: np.array(getattr(trainer.progress, name)) for name in COUNTERS}


def go_on(trainer: Trainer, left: Mapping[str, NDArray]) -> None:
    """Go on with what another trainer of such a net has left; all seeds train again. Raises InvalidValue where its
    optimizer remembers something else."""
    live = beside_the_net(trainer)
    if live.keys() != left.keys() - set(COUNTERS):
        raise InvalidValue(
            f"the optimizer {trainer.update.optimizer.name!r} can't go on with what another one has left; keep the one"
            " that it was trained with, or train anew"
        )
    networks.fill(live, left, trainer.net)
    for name in COUNTERS:
        setattr(trainer.progress, name, int(left[name]))


def beside_the_net(trainer: Trainer) -> dict[str, Any]:
    """The live arrays that training goes on with and that are no part of the net, each with the replica axis first."""
    net = trainer.net
    arrays = networks.below("state", {name: array for name, array in net.state.items() if name not in net.measured})
    for state, arena in trainer.update.states.items():
        arrays |= networks.below(f"optimizer/{state}", arena)
    return arrays
