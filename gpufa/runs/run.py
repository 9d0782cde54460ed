"""A run from its first checkpoint to its summary, and from its checkpoint on."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from .. import plots
from ..backends import faults
from ..basics import files
from ..basics.arguments import of_type, one_of, path_of
from ..basics.errors import FileProblem, InvalidValue, warn
from ..basics.ownfiles import is_own
from ..basics.version import __version__
from ..checkpoints import networks
from ..checkpoints.provenance import IN_MEMORY, data_again, data_of, fingerprint
from ..checkpoints.validity import SCALED
from ..data.scaling import Scaling
from ..functions.parts import Part, parts_of
from ..measure.history import History
from ..rules import Rule, rule_class
from ..training.callbacks import Callback
from ..training.config import Config
from ..training.toml import from_mapping
from ..training.trainer import Trainer
from .folder import Folder, checkpointed
from .going_on import gone_on, moved, schedule_ends_early
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
    Raises InvalidValue and FileProblem as the parts do; FileProblem also where config.out holds a run and `force` is
    not set.
    """
    of_type(config, Config, "config", "a gpufa.Config, such as gpufa.Config(rule='fa', epochs=10)")
    of_type(force, bool, "force", "True or False")
    one_of(on_interrupt, ON_INTERRUPT, "on_interrupt")
    out = path_of(config.out, "out") if config.out else None
    if out and not force:
        networks.check_free(out)
    arrays, name = data_of(config, data, sample_weights)
    trainer = Trainer(replace(config, data=name), arrays, rule, callbacks, *(started := begun(config)))
    trainer.callbacks += _bar(progress)
    schedule_ends_early(trainer.config)
    for what, scaling in zip(SCALED, started, strict=True):
        if scaling and getattr(config, what) == "none":
            warn(f"{what} is that of the start, {config.start!r}")
    with locked(out) if out else nullcontext():
        if out and not force:  # another process may have been quicker
            networks.check_free(out)
        return _run(trainer, out, fingerprint(arrays, name), on_interrupt)


@faults()
def resume(
    path: str | Path,
    epochs: int | None = None,
    data: Any = None,
    callbacks: Iterable[Callback | Callable[[Trainer], Any]] = (),
    rule: Rule | type[Rule] | None = None,
    backend: Literal["auto", "numpy", "cupy"] | None = None,
    device: int | None = None,
    on_interrupt: OnInterrupt = "raise",
    schedule_epochs: int | None = None,
    sample_weights: Any = None,
    progress: bool = False,
    parts: Sequence[Part | str] = (),
) -> Run:
    """Go on where a run stopped, bit for bit; `epochs` sets a new total, `backend` and `device` another place;
    `on_interrupt`, `callbacks` and `progress` are as in train, `parts` has the run's own activations and so on, as in
    gpufa.load.

    A schedule that ends keeps its length; `schedule_epochs` sets another, and what it changes is told.
    Raises FileProblem for a missing or damaged checkpoint, InvalidValue where the data are not those of the run,
    or its rule or a part is your own and not handed in.
    """
    one_of(on_interrupt, ON_INTERRUPT, "on_interrupt")
    file = networks.checkpoint_of(path)
    with locked(file.parent) if file.exists() else nullcontext():
        stored, metadata = networks.contents(file)
        config = _config_of(file, metadata, rule, parts)
        config = replace(
            gone_on(config, file, epochs, schedule_epochs),
            backend=config.backend if backend is None else backend,
            device=config.device if device is None else device,
        )
        if config.data == IN_MEMORY and data is None:
            raise InvalidValue(
                f"{str(file)!r} was trained on arrays of a program; resume it there with gpufa.resume(path, data=...)"
            )
        needs = "resume needs the very data that it was trained on"
        arrays = data_again(config, data, metadata, file, needs, sample_weights)
        trainer = Trainer(config, arrays, rule, callbacks, *networks.scalings_in(stored), networks.filling_in(stored))
        trainer.callbacks += _bar(progress)
        moved(file, metadata, trainer.net.backend.describe())
        networks.fill(checkpointed(trainer), stored, trainer.net)
        if trainer.kept:
            trainer.kept.epoch[:] = stored["kept/epoch"]
        trainer.progress.load(networks.inside("progress", stored))
        if "learning_rate" in stored:
            trainer.learning_rate = float(stored["learning_rate"][0])
        trainer.history = History.from_arrays(config.seeds, networks.inside("history", stored))
        if trainer.finished:
            return _finished(trainer, file.parent, already=True)
        return _run(trainer, file.parent, metadata["data"], on_interrupt)


def _bar(wanted: bool) -> list[Callback]:
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


def _config_of(
    file: Path, metadata: Mapping[str, Any], rule: Rule | type[Rule] | None, parts: Sequence[Part | str]
) -> Config:
    """The settings of the run in a checkpoint, which `rule`, if it is handed in, must be the rule of."""
    if "config" not in metadata:
        raise FileProblem(f"{str(file)!r} holds a network without its training; load it with gpufa.load")
    networks.check_parts(file, metadata["config"], own := parts_of(parts))
    config = from_mapping(metadata["config"], Config(parts=own))
    if rule is None and is_own(config.rule):
        raise InvalidValue(
            f"{str(file)!r} was trained by {config.rule!r}, and no code runs because a checkpoint names it;"
            " name it yourself, --rule path/to/file.py:MyRule"
        )
    trained_by = metadata["network"]["rule"]["name"]
    if rule is not None and (given := rule_class(rule).name) != trained_by:
        raise InvalidValue(f"{str(file)!r} was trained by rule {trained_by!r}, not {given!r}; hand that one in")
    if metadata["gpufa"] != __version__:
        warn(
            f"{str(file)!r} was written by gpufa {metadata['gpufa']}, this is {__version__}: training goes on, but"
            " maybe not to the same bits"
        )
    return config


def _run(trainer: Trainer, out: Path | None, about_data: Mapping[str, Any], on_interrupt: OnInterrupt) -> Run:
    if out:
        trainer.callbacks.insert(0, Folder(out, about_data))
    if trainer.config.start and trainer.progress.step == 0:
        networks.start_from(trainer.config.start, trainer.net)
    with stopped_by_signals(trainer) as came:
        trainer.run()
    run = _finished(trainer, out)
    if on_interrupt == "raise":
        hand_on(came, out)
    return run


def _finished(trainer: Trainer, out: Path | None, already: bool = False) -> Run:
    """Sum the run up; in its folder too, unless that was done when it ended."""
    if trainer.kept:
        trainer.kept.put()
    summary, interrupted = summarise(trainer), trainer.stop_requested and not trainer.finished
    if out and not (already and _summed_up(out, trainer)):
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
