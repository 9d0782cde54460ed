"""What a run may go on with: other epochs, under a schedule that ends another length of it, and another place."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..basics.errors import InvalidValue, warn
from ..functions.schedules import schedule
from ..net.learner import Learner
from ..training.settings.config import Config

SAME_BITS = "optimizer pass", "TF32", "GPU memory", "CUDA driver"  # facts of a backend that change none
OF_LAYERS = "convolution"  # of nets whose blocks are all one dense layer neither
COUNTS = re.compile(r",? \d+ (?:cores?|threads)")


def bits_hang_on(net: Learner) -> dict[str, str]:
    """The facts of its backend that a net's bits may hang on: processor, libraries, GPU."""
    without = (*SAME_BITS, *(() if net.sizes.layered else (OF_LAYERS,)))
    return {name: COUNTS.sub("", fact) for name, fact in net.backend.describe().items() if name not in without}


def moved(file: Path, metadata: Mapping[str, Any], net: Learner, epochs: int) -> list[dict[str, Any]]:
    """Tell where a run goes on in another place than it was in. Returns to which epochs it was trained in other places,
    and in which, by the facts that its bits may hang on."""
    before, here = metadata.get("place"), bits_hang_on(net)
    earlier = list(metadata.get("before", []))
    if not isinstance(before, Mapping):
        return earlier
    changes = [
        f"{name} {before.get(name, 'none')}, here {here.get(name, 'none')}"
        for name in {**before, **here}
        if not _alike(str(before.get(name, "")), here.get(name, ""))
    ]
    if not changes:
        return earlier
    warn(
        f"{str(file)!r} was trained elsewhere ({'; '.join(changes)}): training goes on, but maybe not to the same bits"
    )
    return [*earlier, {"epochs": epochs, "place": dict(before)}]


def on(place: Mapping[str, str]) -> str:
    """The backend and the device of a place, by its facts."""
    return f"cupy on {place['device']}" if "device" in place else f"numpy on {place.get('processor', 'a CPU')}"


def _alike(before: str, here: str) -> bool:
    """Whether they name the same, or one of them more libraries of the same kind, as another program has loaded."""
    one, other = ({*fact.split("; ")} for fact in (before, here))
    return one <= other or other <= one


def gone_on(config: Config, file: Path, epochs: int | None, schedule_epochs: int | None) -> Config:
    """The settings of the run in `file` with a new total of epochs and a new length of the schedule, where given.

    Else the schedule keeps its length. Raises InvalidValue where that leaves epochs without a learning rate.
    """
    before, length = config.epochs or 0, config.schedule_epochs or config.epochs or 0
    if config.patience and config.keep is None:  # begun before there was such a setting
        config = replace(config, keep="last")
    new = replace(
        config,
        epochs=before if epochs is None else epochs,
        schedule_epochs=config.schedule_epochs if schedule_epochs is None else schedule_epochs,
    )
    total = new.epochs or 0
    row = schedule(config.schedule, config.parts)
    if not (row.has_length and length):
        return new
    if schedule_epochs is None:
        if total > max(length, before):
            why = "ends after {} epochs, and more would change nothing" if row.ends else "goes over {} epochs"
            instead = "" if row.ends else f", or --schedule-epochs {length} to go on by it"
            raise InvalidValue(
                f"the {config.schedule} schedule of {str(file)!r} {why.format(length)}; add --schedule-epochs {total}"
                f" to stretch it, and the run is not as if never stopped{instead}"
            )
        return new if total == before else replace(new, schedule_epochs=length)
    if schedule_epochs != length:
        warn(
            f"the {config.schedule} schedule goes over {schedule_epochs} epochs from here on, and went over {length}:"
            " the run is not as if never stopped"
        )
    schedule_ends_early(new)
    return new


def schedule_ends_early(config: Config) -> None:
    """Tell of epochs that have no learning rate."""
    length, total = config.schedule_epochs, config.epochs or 0
    if schedule(config.schedule, config.parts).ends and length and length < total:
        warn(
            f"the {config.schedule} schedule ends after {length} of {total} epochs, and the others change nothing;"
            " lower --epochs, or raise --schedule-epochs"
        )
