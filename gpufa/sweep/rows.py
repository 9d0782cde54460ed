"""What has become of each trial, for tables and pictures."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..runs.summary import finite
from .study import Study
from .trial import REFUSED, SCORE

TRAINED, PRUNED, NO_RESULT, UNDER_WAY = "trained", "pruned", "no result", "under way"
STATES = {"COMPLETE": TRAINED, "PRUNED": PRUNED}


class Row(NamedTuple):
    """A trial: what became of it, its validation error, of a pruned one the last, None where it has none; what it was
    judged by; why its settings could not be trained; the settings by flat names; and its run's folder."""

    rule: str
    trial: int
    state: str
    value: float | None
    score: str | None
    refused: str | None
    settings: dict[str, Any]
    run: str


def rows(study: Study) -> list[Row]:
    """A row for each trial, rule by rule."""
    found = []
    for arm in study.plan.arms:
        for trial in study.trials(arm):
            value = None if trial.value is None else finite(trial.value)
            state = STATES.get(trial.state.name, UNDER_WAY)
            found.append(
                Row(
                    arm.name,
                    trial.number,
                    NO_RESULT if state == TRAINED and value is None else state,
                    value,
                    trial.user_attrs.get(SCORE),
                    trial.user_attrs.get(REFUSED),
                    study.settings_of(arm, trial.params),
                    study.folder_of(arm, trial.number).relative_to(study.folder).as_posix(),
                )
            )
    return found


def score_of(found: Sequence[Row]) -> str:
    """What the trials were judged by; "" where none has ended."""
    return next((row.score for row in found if row.score), "")


def best_of(found: Sequence[Row], rule: str) -> Row | None:
    """The trial of that rule with the lowest validation error, of several the first; None where none has one."""
    sound = [row for row in found if row.rule == rule and row.state == TRAINED]
    return min(sound, key=lambda row: (row.value, row.trial), default=None)
