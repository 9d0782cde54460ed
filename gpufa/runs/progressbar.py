"""A run while it goes on: a progress bar in a terminal or a notebook, or plain lines where there is neither."""

import sys
import time
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ..basics.console import Lasting, console
from ..training.course.callbacks import Callback
from ..training.trainer import Trainer

REFRESH = 0.2  # seconds between two looks at the loss
LINES = 20  # plain lines for a whole run, at most


class NotebookBar:
    """What is used of rich's Progress, in a notebook's cell, where it is redrawn in place."""

    def add_task(self, description: str, total: int, completed: int, facts: str) -> TaskID:
        from IPython.display import display

        self.total, self.begun, self.first = total, time.perf_counter(), completed
        self.shown = display(self._html(completed, facts), display_id=True)
        return TaskID(0)

    def update(self, task: TaskID, completed: int, facts: str) -> None:
        if self.shown:
            self.shown.update(self._html(completed, facts))

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def _html(self, completed: int, facts: str) -> Any:
        from IPython.display import HTML

        done, left = completed - self.first, ""
        if 0 < completed < self.total and done:
            left = f"{(time.perf_counter() - self.begun) / done * (self.total - completed):.0f} s left"
        share = f"{100 * completed / self.total:.0f} %" if self.total else ""
        text = "  ".join(part for part in (share, facts, left) if part)
        return HTML(f'<progress value="{completed}" max="{self.total}"></progress> {escape(text)}')


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
        self.live = self.console.is_terminal or self.console.is_jupyter
        self.bar: Progress | NotebookBar = (
            NotebookBar()
            if self.console.is_jupyter
            else Progress(*columns, TimeRemainingColumn(), console=self.console, disable=not self.live)
        )
        self.rate = self.loss = self.error = ""

    def on_start(self, trainer: Trainer) -> None:
        net = trainer.net
        what = f"{net.rule.name} on {trainer.config.data}, {net.sizes.sketch}, {len(trainer.config.seeds)} seed(s)"
        self.console.print(trainer.taken, soft_wrap=True)
        self.console.print(f"{what}, {net.dtype}, backend {net.backend.name}")
        for line in trainer.told:
            self.console.print(line, soft_wrap=True)
        self.task = self.bar.add_task("training", total=trainer.total_steps, completed=trainer.progress.step, facts="")
        self.bar.start()
        self.looked, self.step = time.perf_counter(), trainer.progress.step

    def on_step(self, trainer: Trainer) -> None:
        if self.live and time.perf_counter() - self.looked > REFRESH:
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
        row = trainer.history.epochs.last
        part = "validation" if trainer.config.blind else "test"
        figures = {f"{part}_error": f"{part} error {{:.2f}} %", f"{part}_rmse": f"{part} RMSE {{:.4g}}"}
        figures[f"{part}_perplexity"] = f"{part} perplexity {{:.4g}}"
        shown = [
            text.format(np.nanmean(row[name])) for name, text in figures.items() if name in row and _any(row[name])
        ]
        self.error = "  ".join(shown)
        every = max(1, trainer.epochs // LINES)
        if not self.live and (row["epoch"] % every == 0 or row["epoch"] == trainer.epochs):
            loss = np.nanmean(row["loss"]) if _any(row["loss"]) else np.nan
            text = ", ".join([f"epoch {row['epoch']}/{trainer.epochs}", f"loss {loss:.4f}", *shown])
            self.console.print(f"{text}, {row['seconds']:.2f} s")

    def on_diverged(self, trainer: Trainer, replicas: NDArray) -> None:
        if not len(replicas):
            return
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
