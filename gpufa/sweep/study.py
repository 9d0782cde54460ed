"""A study in its folder: which trials there are, which is next, and what each has come to.

FOLDER/study.json     what the study was begun with
FOLDER/study.db       Optuna's storage, unless that is elsewhere: a study of Optuna's for each rule
FOLDER/trials/RULE/7  the run of a trial, by its number from 0
FOLDER/best/RULE      the best setting of a rule, trained on fresh seeds
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from ..basics.errors import FileProblem
from .begun import TRIALS, Begun, begun_with
from .plan import Arm, Plan
from .samplers import pruner_of, sampler_of
from .storage import alone, held, opened, reached, without_password

if TYPE_CHECKING:
    import optuna
    from optuna.trial import FrozenTrial

WORKER = ".worker"  # the lock of whoever trains in a folder


@dataclass
class Taken:
    """A trial in this worker's hands: no other takes it while `lock` is held. `chosen` has its settings by flat names,
    `before` the epochs whose validation error Optuna has already."""

    arm: Arm
    trial: "optuna.Trial"
    chosen: dict[str, Any]
    before: frozenset[int]
    folder: Path
    lock: FileLock


class Study:
    """The study of a plan in its folder, begun or gone on with.

    `data` are the fingerprint of the data. Raises InvalidValue where plan or data are not those it was begun with,
    FileProblem where folder or storage can't be used.
    """

    def __init__(self, plan: Plan, folder: Path, data: Mapping[str, Any], storage: str | None = None) -> None:
        self.plan, self.folder, self.where = plan, folder, storage or plan.storage
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileProblem(
                f"study folder {str(folder)!r} can't be made ({error.strerror}); give another --out"
            ) from error
        with alone(folder):
            begun = begun_with(folder)
            now = Begun(folder.resolve().name, plan.said, data)
            if begun:
                now.check_same(begun, folder)
            self.name = begun.name if begun else now.name  # a folder may be moved
            self.storage = opened(self.where, folder)
            self.studies = {arm.name: self._studied(arm, begun is not None) for arm in plan.arms}
            if begun is None:
                now.write(folder)

    def _studied(self, arm: Arm, begun: bool) -> "optuna.Study":
        """Optuna's study of a rule."""
        import optuna

        name, pruner = f"{self.name}/{arm.name}", pruner_of(self.plan, arm)
        where = without_password(self.where)
        with reached(self.where):
            try:
                if begun:
                    return optuna.load_study(study_name=name, storage=self.storage, pruner=pruner)
                return optuna.create_study(study_name=name, storage=self.storage, pruner=pruner)
            except KeyError:
                raise FileProblem(
                    f"the storage {where!r} has no trials of the study in {str(self.folder)!r}; give the --storage that"
                    " it was begun with"
                ) from None
            except optuna.exceptions.DuplicatedStudyError:
                found = optuna.load_study(study_name=name, storage=self.storage, pruner=pruner)
                if found.get_trials(deepcopy=False):
                    raise FileProblem(
                        f"the storage {where!r} has trials of a study {name!r} that was begun elsewhere; give a folder"
                        " of another name, --out"
                    ) from None
                return found  # a start that was killed has left it

    def trials(self, arm: Arm) -> "list[FrozenTrial]":
        """All trials of a rule so far, by number."""
        with reached(self.where):
            return self.studies[arm.name].get_trials(deepcopy=False)

    def over(self, arm: Arm) -> bool:
        """Whether all trials of a rule have ended."""
        found = self.trials(arm)
        return len(found) >= self.plan.trials and all(t.state.is_finished() for t in found)

    def folder_of(self, arm: Arm, number: int) -> Path:
        return self.folder / TRIALS / arm.name / str(number)

    def settings_of(self, arm: Arm, stored: Mapping[str, Any]) -> dict[str, Any]:
        """The settings, by flat names, of a trial's parameters."""
        return {d.name: d.value(stored[d.name]) for d in arm.space if d.name in stored}

    @contextmanager
    def next(self) -> Iterator[Taken | None]:
        """The trial that is next, for this worker alone; None where there is none left to take.

        One that a worker has left behind, killed or stopped, comes first: it has its number and settings, and its run
        goes on from its checkpoint. Rules take turns.
        """
        with alone(self.folder):
            taken = self._left_behind() or self._new()
        try:
            yield taken
        finally:
            if taken:
                taken.lock.release()

    def _left_behind(self) -> Taken | None:
        for arm in self.plan.arms:
            for found in self.trials(arm):
                if found.state.name == "RUNNING" and (lock := self._lock(arm, found.number)):
                    return self._taken(arm, lock, found)
        return None

    def _new(self) -> Taken | None:
        amounts = {arm.name: self.trials(arm) for arm in self.plan.arms}
        for arm in sorted(self.plan.arms, key=lambda arm: len(amounts[arm.name])):
            there = amounts[arm.name]
            waiting = [t.number for t in there if t.state.name == "WAITING"]  # of a grid, or put there by the user
            number = waiting[0] if waiting else len(there)
            if number < self.plan.trials and (lock := self._lock(arm, number)):
                return self._taken(arm, lock, number=number, enqueue=not waiting)
        return None

    def _taken(
        self, arm: Arm, lock: FileLock, found: "FrozenTrial | None" = None, number: int = 0, enqueue: bool = False
    ) -> Taken:
        """A new trial, or one that another worker has begun, in this worker's hands."""
        import optuna

        study = self.studies[arm.name]
        number = number if found is None else found.number
        with reached(self.where):
            study.sampler = sampler_of(self.plan, number)
            if found is not None:
                trial = optuna.Trial(study, found._trial_id)  # as Study.ask makes it
            else:
                if enqueue and self.plan.sampler == "grid":
                    study.enqueue_trial(arm.grid()[number])
                trial = study.ask()
            chosen = {dimension.name: dimension.ask(trial) for dimension in arm.space}
        before = frozenset(found.intermediate_values) if found else frozenset[int]()
        return Taken(arm, trial, chosen, before, self.folder_of(arm, trial.number), lock)

    def _lock(self, arm: Arm, number: int) -> FileLock | None:
        return held(self.folder_of(arm, number) / WORKER)

    def pruned(self, taken: Taken, epoch: int, value: float) -> bool:
        """Whether a trial is to be stopped, whose validation error after that epoch this is."""
        with reached(self.where):
            if epoch not in taken.before:
                taken.trial.report(value, epoch)
            return taken.trial.should_prune()

    def tell(self, taken: Taken, value: float | None, **attributes: Any) -> None:
        """What the trial has come to: its validation error, infinite where it has none, None where it was pruned."""
        from optuna.trial import TrialState

        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        with reached(self.where):
            for name, attribute in attributes.items():
                taken.trial.set_user_attr(name, attribute)
            self.studies[taken.arm.name].tell(taken.trial, value, state)
