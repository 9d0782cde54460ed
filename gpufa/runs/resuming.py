"""A run from its checkpoint on."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from ..backends import faults
from ..basics.arguments import one_of
from ..basics.errors import FileProblem, InvalidValue, warn
from ..basics.ownfiles import is_own
from ..basics.version import __version__
from ..checkpoints import networks
from ..checkpoints.provenance import IN_MEMORY, data_again
from ..functions.parts import Part, parts_of
from ..parallel.launch import Processes, ranks_of
from ..parallel.ranks import Together
from ..rules import Rule, rule_class
from ..training.course.callbacks import Callback
from ..training.settings.config import Config
from ..training.settings.toml import from_mapping, to_toml
from ..training.trainer import Trainer
from .going_on import gone_on, moved
from .held import of_all_seeds, put
from .interrupts import ON_INTERRUPT, OnInterrupt
from .places import locked
from .result import Run
from .run import bar, finished, run_on


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
    parallel: str | Processes | Together = "none",
    tokenizer: str | None = None,
) -> Run:
    """Go on where a run stopped, bit for bit; `epochs` sets a new total, `backend` and `device` another place;
    `on_interrupt`, `callbacks`, `progress` and `parallel` are as in train, `parts` has the run's own
    activations and so on, as in gpufa.load, `tokenizer` that of its text, path/to/file.py:NAME, where that is your own.

    A schedule that ends keeps its length; `schedule_epochs` sets another, and what it changes is told.
    Raises FileProblem for a missing or damaged checkpoint, InvalidValue where the data are not those of the run,
    or its rule or a part is your own and not handed in.
    """
    one_of(on_interrupt, ON_INTERRUPT, "on_interrupt")
    file = networks.checkpoint_of(path)
    with ranks_of(parallel) as ranks, _held(file, ranks):
        stored, metadata = networks.contents(file)
        config = _config_of(file, metadata, rule, parts)
        if ranks.first:
            _tell_of_edits(file.with_name("config.toml"), config)
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
        arrays = data_again(config, data, metadata, file, needs, sample_weights, tokens=tokenizer)
        trainer = Trainer(
            config, arrays, rule, callbacks, *networks.scalings_in(stored), networks.filling_in(stored), ranks
        )
        trainer.callbacks += bar(progress and ranks.first)
        put(trainer, stored)
        trainer.before = moved(file, metadata, trainer.net, trainer.progress.epoch)
        out = file.parent if ranks.keeps else None
        if trainer.finished:
            return finished(of_all_seeds(trainer, arrays), out, already=True)
        return run_on(trainer, arrays, out, metadata["data"], on_interrupt)


def _tell_of_edits(file: Path, config: Config) -> None:
    """Tell of settings that have been changed in a run's config.toml, which nothing reads again."""
    try:
        now = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    before = tomllib.loads(to_toml(config))
    if changed := [name for name, value in now.items() if name in before and value != before[name]]:
        warn(
            f"{str(file)!r} has another {' and '.join(changed)} than the checkpoint, which counts; resume has --epochs"
            " and --schedule-epochs, and other settings make another run: gpufa train CONFIG --out FOLDER"
        )


def _held(file: Path, ranks: Together) -> AbstractContextManager[None]:
    """The checkpoint's folder, locked by the first of the run's processes for all of them."""
    return locked(file.parent) if file.exists() and ranks.first else nullcontext()


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
