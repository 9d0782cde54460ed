"""What a person sees of a run: a progress bar, or plain lines where there is no terminal, and tables at the end."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..functions.activations import ACTIVATIONS
from ..layers.words import LAYERS
from ..report import tables
from ..rules import Rule
from ..runs.run import Run
from ..training.callbacks import Callback
from ..training.progress import Status
from ..training.trainer import Trainer

REFRESH = 0.2  # seconds between two looks at the loss
LINES = 20  # plain lines for a whole run, at most


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Raise what rich would end the process over."""
        raise BrokenPipeError


def console(**kw: Any) -> Console:
    """A console that prints text as it is: square brackets are no markup in paths and package names."""
    return _Console(markup=False, emoji=False, **kw)


def say(text: str, quiet: bool = False) -> None:
    """A line on stdout, as long as it may be."""
    if not quiet:
        console().print(text, soft_wrap=True)


def silence(stream: TextIO | None) -> None:
    """Let what a stream that failed still holds be lost, with all to come: it would fail once more when Python ends."""
    with suppress(OSError, ValueError):
        if stream:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class Lasting:
    """A stream that falls silent where its terminal, pipe or disk has gone, so that a run outlasts it."""

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  a process may be given none

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        try:
            self.stream.write(text)
        except (OSError, ValueError):
            silence(self.stream)
        return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except (OSError, ValueError):
            silence(self.stream)


class Display(Callback):
    """Samples/s, loss and test error while a run goes on; on stderr, so that stdout stays for results."""

    def __init__(self) -> None:
        self.console = console(file=Lasting(sys.stderr))
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[facts]}"),
        )
        self.bar = Progress(*columns, TimeRemainingColumn(), console=self.console, disable=not self.console.is_terminal)
        self.rate = self.loss = self.error = ""

    def on_start(self, trainer: Trainer) -> None:
        net = trainer.net
        what = (
            f"{net.rule.name} on {trainer.config.data}, {'-'.join(map(str, net.sizes.units))}, {len(net.seeds)} seed(s)"
        )
        self.console.print(f"{what}, {net.dtype}, backend {net.backend.name}")
        self.task = self.bar.add_task("training", total=trainer.total_steps, completed=trainer.progress.step, facts="")
        self.bar.start()
        self.looked, self.step = time.perf_counter(), trainer.progress.step

    def on_step(self, trainer: Trainer) -> None:
        if self.console.is_terminal and time.perf_counter() - self.looked > REFRESH:
            self._look(trainer)

    def _look(self, trainer: Trainer) -> None:
        trainer.look()
        progress, now = trainer.progress, time.perf_counter()
        samples = (progress.step - self.step) * trainer.batches.size * int(progress.active.sum())
        if samples:
            self.rate = f"{samples / (now - self.looked):,.0f} samples/s"
        if progress.seen and progress.active.any():
            self.loss = f"loss {np.nanmean(progress.loss):.4f}"
        facts = "  ".join(text for text in (self.rate, self.loss, self.error) if text)
        self.bar.update(self.task, completed=progress.step, facts=facts)
        self.looked, self.step = now, progress.step

    def on_epoch(self, trainer: Trainer) -> None:
        row = {name: column[-1] for name, column in trainer.history.epochs.columns.items()}
        figures = {"test_error": "test error {:.2f} %", "test_rmse": "test RMSE {:.4g}"}
        shown = [
            text.format(np.nanmean(row[name])) for name, text in figures.items() if name in row and _any(row[name])
        ]
        self.error = "  ".join(shown)
        every = max(1, trainer.epochs // LINES)
        if not self.console.is_terminal and (row["epoch"] % every == 0 or row["epoch"] == trainer.epochs):
            loss = np.nanmean(row["loss"]) if _any(row["loss"]) else np.nan
            text = ", ".join([f"epoch {row['epoch']}/{trainer.epochs}", f"loss {loss:.4f}", *shown])
            self.console.print(f"{text}, {row['seconds']:.2f} s")

    def on_diverged(self, trainer: Trainer, replicas: NDArray) -> None:
        seeds = ", ".join(str(trainer.net.seeds[r]) for r in replicas)
        self.console.print(
            f"seed {seeds} diverged at step {trainer.progress.step}:"
            " loss or weights are no longer finite; try a smaller --lr",
            soft_wrap=True,
        )

    def on_stop(self, trainer: Trainer) -> None:
        self._look(trainer)

    def on_end(self, trainer: Trainer) -> None:
        self.bar.stop()


def watching(quiet: bool) -> list[Callback]:
    """The callbacks of a command that trains."""
    return [] if quiet else [Display()]


def _any(values: Any) -> bool:
    return bool(np.isfinite(values).any())


def results(run: Run, to: Console) -> None:
    """The table of a finished run, then the alignment angles, and the dead units if there are any."""
    sheet(tables.results(run.summary, run.interrupted), to)
    if run.summary["alignment_deg"]:
        angles = " ".join(f"{tables.figure(v, '.1f')}°" for v in run.summary["alignment_deg"])
        to.print(f"angle with backprop's deltas, layer by layer, mean over seeds: {angles}")
    if dead := tables.dead(run.summary):
        to.print(dead)


def sheet(shown: tables.Sheet, to: Console) -> None:
    """A table of results."""
    table = Table(title=shown.title)
    for i, name in enumerate(shown.head):
        table.add_column(name, justify="left" if i == 0 or name in shown.texts else "right")
    for row in shown.rows:
        table.add_row(*row)
    if shown.foot:
        table.add_section()
        table.add_row(*shown.foot)
    to.print(table)


def facts(rows: Mapping[str, Any], to: Console, title: str | None = None) -> None:
    """A table of names and values."""
    table = Table(title=title, show_header=False)
    for name, value in rows.items():
        table.add_row(name, str(value))
    to.print(table)


def rules(table: Mapping[str, type[Rule]], to: Console) -> None:
    """What is to be known of every rule before one is chosen."""
    shown = Table(title="learning rules", show_lines=True)
    shown.add_column("rule", no_wrap=True)
    for column in ("paper", "crosses between layers", "memory beyond the net", "frees the locks"):
        shown.add_column(column)
    for name, rule in table.items():
        shown.add_row(name, rule.paper, rule.crosses, rule.memory or "none", rule.frees or "none")
    to.print(shown)


def layers(to: Console) -> None:
    """The words of layers, and how they are put together."""
    shown = Table(title="layers", show_lines=True)
    for column in ("word", "what it is"):
        shown.add_column(column, no_wrap=column == "word")
    for layer in LAYERS.values():
        shown.add_row(layer.example, (layer.__doc__ or "").strip())
    shown.add_row("residual(dense 64 tanh)", "What stands in the brackets, and its input added to its output.")
    shown.add_row("tanh", f"An activation, behind a layer's word or alone: {', '.join(ACTIVATIONS)}.")
    to.print(shown)
    to.print(
        "A string is a block: layers with commas between them. An error arrives at a block's output, as the rule sends"
        " it, and goes down within the block by local backprop. The output layer is made of the data."
    )


def scores(values: Mapping[str, NDArray], seeds: Sequence[int], to: Console, title: str) -> None:
    """One line per seed, then mean and deviation."""
    rows = tuple((str(seed), *(f"{v[r]:.4f}" for v in values.values())) for r, seed in enumerate(seeds))
    means = (tables.mean_and_deviation(list(v), tables.digits(name)) for name, v in values.items())
    sheet(tables.Sheet(title, ("seed", *map(tables.heading, values)), rows, ("mean ± deviation", *means)), to)


def contents(arrays: Mapping[str, NDArray], metadata: Mapping[str, Any], to: Console, title: str) -> None:
    """A checkpoint's facts and settings, then its arrays."""
    network, config = metadata["network"], metadata.get("config", {})
    facts({"gpufa": metadata["gpufa"], **network}, to, title)
    if config:
        counters = {name: arrays[f"progress/{name}"] for name in ("epoch", "batch", "step")}
        status = [Status(s).name.lower() for s in arrays["progress/status"]]
        facts({**counters, "status": status, **config}, to, "training")
    table = Table(title=f"{len(arrays)} arrays, {sum(a.nbytes for a in arrays.values()):,} bytes, checksum verified")
    for column in ("name", "shape", "type"):
        table.add_column(column)
    for name, array in arrays.items():
        table.add_row(name, "x".join(map(str, array.shape)) or "one number", str(array.dtype))
    to.print(table)
