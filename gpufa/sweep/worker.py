"""A worker: it takes trials as long as there are any, and trains the best setting of a rule whose trials are over."""

from collections.abc import Callable, Sequence

from ..data.samples.data import Data
from ..training.course.callbacks import Callback
from . import results
from .results import in_words
from .retrained import retrain, summary_of
from .rows import best_of, rows
from .study import Study
from .trial import tried

Callbacks = Callable[[], Sequence[Callback]]  # of one run
Say = Callable[[str], None]


def work(study: Study, data: Data, callbacks: Callbacks, say: Say) -> bool:
    """Take part in a study until nothing is left to take; False where a run was interrupted, which the same command
    goes on with. Whoever ends last writes the results."""
    while True:
        for arm in study.plan.arms:
            if study.over(arm) and not retrain(study, arm, data, callbacks(), say):
                return False
        with study.next() as taken:
            if taken is None:
                break
            outcome = tried(study, taken, data, callbacks())
            if not outcome:
                return False
            say(f"{taken.folder.relative_to(study.folder)}: {outcome} ({in_words(taken.chosen)})")
    if done(study):
        results.write(study)
    return True


def done(study: Study) -> bool:
    """Whether every trial is over, and the best setting of each rule, where it has one, trained."""
    if not all(map(study.over, study.plan.arms)):
        return False
    found = rows(study)
    return all(summary_of(study, arm) or best_of(found, arm.name) is None for arm in study.plan.arms)
