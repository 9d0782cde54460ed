"""The commands that train: train, resume and compare."""

import dataclasses
from pathlib import Path
from typing import Literal

from tyro.conf import OmitArgPrefixes, Positional

from .. import plots
from ..basics.arguments import path_of
from ..basics.errors import InvalidValue
from ..checkpoints import networks, provenance
from ..report import tables
from ..rules import find_rule
from ..runs import run as runs
from ..training.config import Config
from ..training.trainer import Trainer
from . import display, progressbar
from .flags import CompareFlags, TrainFlags

OK, DIVERGED = 0, 3


def train(flags: OmitArgPrefixes[TrainFlags]) -> int:
    """Train a network: gpufa train [CONFIG.toml] [flags]; flags go before what the file says."""
    config = flags.config(flags.rule)
    out = config.out or str(runs.free_folder(f"{Path(config.data).stem}-{find_rule(config.rule).name}"))
    config = dataclasses.replace(config, out=out)
    watching = progressbar.watching(flags.quiet)
    return _finish(runs.train(config, callbacks=watching, force=flags.force, on_interrupt="return"), flags.quiet)


def resume(
    run: Positional[Path],
    epochs: int | None = None,
    rule: str | None = None,
    backend: Literal["auto", "numpy", "cupy"] | None = None,
    device: int | None = None,
    data: Path | None = None,
    quiet: bool = False,
) -> int:
    """Go on where a run stopped, bit for bit.

    Args:
        run: the run's folder
        epochs: a new total number of epochs
        rule: path/to/file.py:MyRule, where the run was trained by a rule of your own
        backend: another backend than the run's
        device: another GPU than the run's
        data: where the run's data file is now; it must be the very same
        quiet: print nothing but errors
    """
    own = find_rule(rule) if rule else None
    callbacks = progressbar.watching(quiet)
    resumed = runs.resume(run, epochs, data, callbacks, own, backend, device, on_interrupt="return")
    return _finish(resumed, quiet)


def compare(flags: OmitArgPrefixes[CompareFlags]) -> int:
    """Train the same net by several rules with the same seeds: one table, one figure."""
    if not flags.rules:
        raise InvalidValue("gpufa compare needs a rule; give --rules one or more")
    config = flags.config(flags.rules[0])
    out = Path(config.out) if config.out else runs.free_folder(f"{Path(config.data).stem}-compare")
    planned, done = _planned(flags, out), dict[str, runs.Run]()
    for name, one in planned.items():
        watching = progressbar.watching(flags.quiet)
        done[name] = runs.train(one, callbacks=watching, force=flags.force, on_interrupt="return")
        if done[name].interrupted:
            break
    display.sheet(
        tables.comparison({name: run.summary for name, run in done.items()}), display.console(quiet=flags.quiet)
    )
    plots.compare({name: run.history for name, run in done.items()}, out / "compare.png")
    if len(done) < len(planned) or any(run.interrupted for run in done.values()):
        display.say("stopped and saved before all rules were trained", flags.quiet)
    display.say(f"runs and compare.png are in {out}", flags.quiet)
    return DIVERGED if any(run.diverged for run in done.values()) else OK


def _planned(flags: CompareFlags, out: Path) -> dict[str, Config]:
    """The settings of each rule by its short name; what they can't do must not be found out after days of training."""
    planned: dict[str, Config] = {}
    for name in dict.fromkeys(flags.rules):
        short = find_rule(name).name
        if short in planned:
            raise InvalidValue(f"two of the rules have the name {short!r}; compare them under different names")
        planned[short] = dataclasses.replace(flags.config(name), out=str(out / short))
        if not flags.force:
            networks.check_free(path_of(out / short, "out"))
    arrays, _ = provenance.data_of(flags.config(flags.rules[0]), None)
    for one in planned.values():
        trainer = Trainer(one, arrays, None, (), *runs.begun(one))
        if one.start:
            networks.start_from(one.start, trainer.net)
        del trainer  # which makes room for the next
    return planned


def _finish(run: runs.Run, quiet: bool) -> int:
    assert run.out
    if run.already_finished:
        display.say(f"{run.out} has finished its {run.config.epochs} epochs already; give --epochs to train on", quiet)
        return OK
    if not quiet:
        display.results(run, display.console())
    if run.interrupted:
        display.say(f"stopped and saved; go on with: gpufa resume {run.out}", quiet)
    else:
        display.say(f"checkpoint.h5, history.csv, summary.json, config.toml and curves.png are in {run.out}", quiet)
    return DIVERGED if run.diverged else OK
