"""A run from its first checkpoint to its summary."""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import plots
from ..backends import faults
from ..basics import files
from ..basics.arguments import of_type, one_of, path_of
from ..basics.errors import FileProblem, InvalidValue, warn
from ..checkpoints import networks
from ..checkpoints.provenance import data_of, fingerprint
from ..checkpoints.starting import start_from
from ..checkpoints.validity import SCALED
from ..data.samples.data import Data
from ..data.samples.scaling import Scaling
from ..parallel.launch import Processes, ranks_of
from ..parallel.ranks import Together
from ..rules import Rule
from ..training.course.callbacks import Callback
from ..training.settings.config import Config
from ..training.settings.toml import to_toml
from ..training.steps.together import check_alike
from ..training.trainer import Trainer
from .folder import Folder
from .going_on import schedule_ends_early
from .held import of_all_seeds
from .interrupts import ON_INTERRUPT, OnInterrupt, hand_on, stopped_by_signals
from .places import locked
from .result import Run
from .summary import summarise


@faults()
def train(
    config: Config,
    data: Any = None,
    callbacks: Iterable[Callback | Callable[[Trainer], Any]] = (),
    rule: Rule | type[Rule] | None = None,
    force: bool = False,
    on_interrupt: OnInterrupt = "raise",
    sample_weights: Any = None,
    progress: bool = False,
    parallel: str | Processes | Together = "none",
) -> Run:
    """Train as `gpufa train` does; with config.out the run is kept in that folder.

    data          what load_data takes: (x, y), (x_train, y_train, x_test, y_test), a dict of arrays, a table of pandas,
                  Polars or PyArrow, a name or a path; config.data where not given
    callbacks     gpufa.Callback's, or functions of the trainer that are called after each epoch
    rule          a rule of your own, in place of config.rule
    on_interrupt  what becomes of Ctrl-C, SIGTERM and SIGHUP, once the run has stopped and is saved: "raise"
                  KeyboardInterrupt, or "return" the run as far as it came, `interrupted`
    sample_weights   beside arrays or a table: how much each sample counts, (samples,), of the training part where
                     there are two
    progress      whether a progress bar is shown, in a terminal or a notebook, or lines where there is neither
    parallel      "data", "layers" or "seeds": what is divided among the processes that mpiexec has started; or gpufa's
                  Processes, which say more. By seeds the first gets the run of all, the others that of their own
    Raises InvalidValue and FileProblem as the parts do; FileProblem also where config.out holds a run and `force` is
    not set; RankLost where another of the processes is dead or hangs.
    """
    of_type(config, Config, "config", "a gpufa.Config, such as gpufa.Config(rule='fa', epochs=10)")
    of_type(force, bool, "force", "True or False")
    one_of(on_interrupt, ON_INTERRUPT, "on_interrupt")
    with ranks_of(parallel) as ranks:
        config = config if ranks.keeps else replace(config, out=None)
        out = path_of(config.out, "out") if config.out else None
        if out and not force and ranks.first:
            networks.check_free(out)
        arrays, name = data_of(config, data, sample_weights)
        trainer = Trainer(replace(config, data=name), arrays, rule, callbacks, *(started := begun(config)), ranks=ranks)
        trainer.callbacks += bar(progress and ranks.first)
        for what, scaling in zip(SCALED, started, strict=True):
            if scaling and getattr(config, what) == "none":
                warn(f"{what} is that of the start, {config.start!r}")
        return run_through(trainer, arrays, force, on_interrupt)


def run_through(trainer: Trainer, data: Data, force: bool = False, on_interrupt: OnInterrupt = "raise") -> Run:
    """Train from the first step to the summary, in the folder of its config.out where there is one."""
    out = path_of(trainer.config.out, "out") if trainer.config.out else None
    schedule_ends_early(trainer.config)
    first = trainer.ranks.first
    with locked(out) if out and first else nullcontext():
        if out and not force and first:  # another process may have been quicker
            networks.check_free(out)
        several = trainer.ranks.everybody.size > 1
        about_data = fingerprint(data, trainer.config.data) if several or (out and first) else {}
        if several:
            settings = to_toml(replace(trainer.config.recorded(trainer.rule), out=None))
            check_alike({"settings": settings, "data": about_data}, trainer.ranks.everybody)
        return run_on(trainer, data, out, about_data, on_interrupt)


def bar(wanted: bool) -> list[Callback]:
    """The progress bar, if it is wanted; what draws it takes long to import."""
    if not wanted:
        return []
    from .progressbar import Display

    return [Display()]


def begun(config: Config) -> tuple[Scaling | None, Scaling | None]:
    """What the weights of config.start are made for: the scaling of their inputs and that of their targets.

    Raises FileProblem as gpufa.load, InvalidValue where they are made for raw ones and config has a scaling.
    """
    if not config.start:
        return None, None
    found = networks.scalings_in(networks.contents(config.start)[0])
    for name, scaling in zip(SCALED, found, strict=True):
        if scaling is None and getattr(config, name) != "none":
            raise InvalidValue(
                f"{config.start!r} was trained without {name}, and {getattr(config, name)!r} makes other numbers of the"
                f" data than its weights are for; leave --{name.replace('_', '-')} out"
            )
    return found


def run_on(
    trainer: Trainer, data: Data, out: Path | None, about_data: Mapping[str, Any], on_interrupt: OnInterrupt
) -> Run:
    if out:
        trainer.callbacks.insert(0, Folder(out, about_data))
    if trainer.config.start and trainer.progress.step == 0:
        start_from(trainer.config.start, trainer.net, trainer.config.seeds, trainer.seeds.part)
    with stopped_by_signals(trainer) as came:
        trainer.run()
    run = finished(of_all_seeds(trainer, data), out)
    if on_interrupt == "raise":
        hand_on(came, out)
    return run


def finished(trainer: Trainer, out: Path | None, already: bool = False) -> Run:
    """Sum the run up; in its folder too, unless that was done when it ended."""
    if trainer.kept:
        trainer.kept.put()
    summary, interrupted = summarise(trainer), trainer.stop_requested and not trainer.finished
    if out and trainer.ranks.first and not (already and _summed_up(out, trainer)):
        text = json.dumps(summary, indent=2) + "\n"
        files.write(out / "summary.json", text, "summary", "gpufa resume writes it again")
        try:
            plots.curves(plots.Subject(out.resolve().name, trainer.history, trainer.net.rule.name), out / "curves.png")
        except FileProblem as error:
            warn(str(error))
    return Run(trainer.net, trainer.history, trainer.config, summary, out, interrupted, already)


def _summed_up(out: Path, trainer: Trainer) -> bool:
    """Whether summary.json is of the run as it stands."""
    try:
        return bool(json.loads((out / "summary.json").read_text(encoding="utf-8"))["epochs"] == trainer.progress.epoch)
    except (OSError, ValueError, KeyError, TypeError):
        return False
