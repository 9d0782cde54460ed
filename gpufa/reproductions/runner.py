"""Running an experiment's cells: the seeds that are missing, and runs that were stopped from where they stopped."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from .. import checkpoint, runs, storage
from ..callbacks import Callback
from ..configfile import to_mapping
from ..errors import FileProblem, InvalidValue
from .experiment import Cell, merged
from .outcome import Outcome

Callbacks = Callable[[], list[Callback]]


def train(cell: Cell, folder: Path, seeds: Sequence[int], callbacks: Callbacks) -> bool:
    """Train what is missing of a cell, all missing seeds at once; False where it was stopped before the end.

    Raises FileProblem where the folder holds a run of other settings, InvalidValue where the cell starts from one that
    has not been run.
    """
    present: list[int] = []
    for run in runs_of(cell, folder):
        if not Outcome.of(cell, [run]).finished and runs.resume(run, callbacks=callbacks()).interrupted:
            return False
        present += _seeds(run)
    missing = [seed for seed in seeds if seed not in present]
    for group, start in _groups(cell, folder, missing):
        out = folder / cell.name / f"seeds-{'-'.join(map(str, group))}"
        config = cell.config(seeds=group, out=str(out), **({"start": str(start)} if start else {}))
        if runs.train(config, callbacks=callbacks()).interrupted:
            return False
    return True


def runs_of(cell: Cell, folder: Path) -> list[Path]:
    """The runs that a cell's folder holds. Raises FileProblem where one of them had other settings."""
    found = sorted(path.parent for path in (folder / cell.name).glob(f"seeds-*/{storage.CHECKPOINT}"))
    wanted = to_mapping(cell.config())
    for run in found:
        stored = checkpoint.read_metadata(storage.checkpoint_of(run))["config"]
        stored = merged(wanted, stored)  # with the settings that gpufa did not have when it was trained
        for name in cell.settings:
            ours, theirs = wanted[name], stored[name]
            if name == "rule":
                theirs = {option: theirs.get(option) for option in ours}
            if ours != theirs:
                raise FileProblem(
                    f"{str(run)!r} was trained with {name} = {theirs!r}, but {cell.name} has {ours!r};"
                    " give another --out, or remove that run"
                )
    return found


def _groups(cell: Cell, folder: Path, missing: list[int]) -> Iterator[tuple[list[int], Path | None]]:
    """The seeds that are trained at once: all, or those of each run that the cell starts from, with that run."""
    if not cell.after:
        yield from [(missing, None)] if missing else []
        return
    left = set(missing)
    for file in sorted((folder / cell.after).glob(f"seeds-*/{storage.CHECKPOINT}")):
        if left.issuperset(group := _seeds(file.parent)):
            left.difference_update(group)
            yield group, file.parent
    if left:
        raise InvalidValue(
            f"{cell.name} starts from the weights of {cell.after}, which has not been run with the seeds"
            f" {' '.join(map(str, sorted(left)))}; run that cell too, or all without --cells"
        )


def _seeds(run: Path) -> list[int]:
    return list(checkpoint.read_metadata(storage.checkpoint_of(run))["network"]["seeds"])
