"""What an epoch's row says of the samples that are not trained on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...measure import scores
from ...net.learner import Learner
from ...net.state.arena import Array
from ...parallel.ranks import Ranks


def scored(
    net: Learner, parts: Mapping[str, tuple[Array, Array]], active: NDArray[np.bool_], ranks: Ranks
) -> tuple[dict[str, Any], NDArray]:
    """The scores of the replicas that are active on each of the parts that has samples, under its name; and what the
    validation part is judged by, (R,), NaN where there is none."""
    row: dict[str, Any] = {}
    judged = np.full(len(active), np.nan)
    for name, score in scores.of_parts(net, parts, ranks).items():
        row |= {f"{name}_{k}": v for k, v in scores.only(score, active).items()}
        if name == "validation":
            judged = scores.judge(score)
    return row, judged
