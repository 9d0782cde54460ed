"""The commands that train: train, resume and compare."""

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from ..basics.console import console, say
from ..basics.errors import InvalidValue
from ..data.text.texts import TEXT
from ..parallel.launch import BY_ONE, Processes, ranks_of, refuse_many
from ..report import compare as comparing
from ..rules import find_rule
from ..runs import places, progressbar, resuming
from ..runs import run as runs
from ..runs.memory import memory
from ..runs.result import Run
from ..runs.summary import FINISHED
from ..training.settings.config import Config
from . import display

OK, DIVERGED = 0, 3


def foretold(config: Config, processes: Processes) -> int:
    """What a run will take of memory, in place of the run."""
    refuse_many("none")
    if processes.parallel != "none":
        raise InvalidValue("--memory is of a run by one process, and not of what several share; leave --parallel out")
    found = memory(dataclasses.replace(config, out=config.out or "runs"))
    display.facts(found.rows(), console(), "memory, beyond Python and its libraries")
    return OK


def train(config: Config, force: bool, quiet: bool, processes: Processes) -> int:
    name = f"{_stem(config.data)}-{find_rule(config.rule).name}"
    refuse_many(processes.parallel)
    with ranks_of(processes) as ranks:
        quiet = quiet or not ranks.first
        with nullcontext(config.out) if config.out or not ranks.first else places.claimed(name) as out:
            config = dataclasses.replace(config, out=ranks.everybody.gather(out and str(out))[0])
            watching = progressbar.watching(quiet)
            run = runs.train(config, callbacks=watching, force=force, on_interrupt="return", parallel=ranks)
            return _finish(run, quiet)


def resume(
    run: Path,
    /,
    *,
    epochs: int | None = None,
    schedule_epochs: int | None = None,
    rule: str | None = None,
    parts: tuple[str, ...] = (),
    backend: Literal["auto", "numpy", "cupy"] | None = None,
    device: int | None = None,
    data: Path | None = None,
    tokenizer: str | None = None,
    quiet: bool = False,
    processes: Annotated[Processes, Parameter(name="*")] = BY_ONE,
) -> int:
    """Go on where a run stopped, bit for bit.

    Args:
        run: the run's folder
        epochs: a new total number of epochs
        schedule_epochs: a new length of the cosine schedule, which keeps the one it has where not given
        rule: path/to/file.py:MyRule, where the run was trained by a rule of your own
        parts: path/to/file.py:NAME of each activation, loss and so on of your own that it was trained with
        backend: another backend than the run's
        device: another GPU than the run's
        data: where the run's data file is now; it must be the very same
        tokenizer: path/to/file.py:NAME, where its text was made tokens by your own
        quiet: print nothing but errors
    """
    own = find_rule(rule) if rule else None
    refuse_many(processes.parallel)
    with ranks_of(processes) as ranks:
        quiet = quiet or not ranks.first
        callbacks = progressbar.watching(quiet)
        resumed = resuming.resume(
            *(run, epochs, data, callbacks, own, backend, device, "return", schedule_epochs),
            parts=parts,
            parallel=ranks,
            tokenizer=tokenizer,
        )
        return _finish(resumed, quiet)


def compare(
    config: Config, rules: Sequence[str], options: Mapping[str, Any], baseline: bool, force: bool, quiet: bool
) -> int:
    name = f"{_stem(config.data)}-compare"
    with nullcontext(Path(config.out)) if config.out else places.claimed(name) as out:
        config = dataclasses.replace(config, out=str(out))
        watching = progressbar.watching(quiet)
        found = comparing.trained(config, rules, None, baseline, watching, force, "return", options)
        display.sheet(found.sheet, console(quiet=quiet))
        for note in found.notes:
            say(note, quiet)
        found.save(out)
    if any(run.interrupted for run in found.runs.values()):
        say("stopped and saved before all rules were trained; what there is was not tested", quiet)
    say(f"runs, and compare.csv, .json, .md, .tex and .png are in {out}", quiet)
    return DIVERGED if any(run.diverged for run in found.runs.values()) else OK


def _stem(data: str) -> str:
    """What runs on these data begin to be called by."""
    return Path(data.removeprefix(TEXT)).stem


def _finish(run: Run, quiet: bool) -> int:
    if run.already_finished:
        say(_nothing_left(run), quiet)
        return OK
    if not quiet:
        display.results(run, console())
    if run.interrupted:
        say(f"stopped and saved; go on with: gpufa resume {shlex.quote(str(run.out))}", quiet)
    else:
        say(f"checkpoint.h5, history.csv, summary.json, config.toml and curves.png are in {run.out}", quiet)
    return DIVERGED if run.diverged else OK


def _nothing_left(run: Run) -> str:
    """Why a run can't go on, and what can be done."""
    trained, planned, folder = run.summary["epochs"], run.config.epochs or 0, shlex.quote(str(run.out))
    reasons = list(dict.fromkeys(run.summary["status"]))
    if FINISHED not in reasons:
        return (
            f"every seed of {run.out} has stopped ({', '.join(reasons)}), the last after epoch {trained}, and more"
            f" epochs change nothing; a new run may start from its weights: gpufa train {folder}/config.toml --start"
            f" {folder} --out ANOTHER"
        )
    if trained > planned:
        return f"{run.out} has trained {trained} epochs already, and --epochs {planned} asks for fewer; give more"
    return f"{run.out} has finished its {trained} epochs already; give --epochs to train on"
