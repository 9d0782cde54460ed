"""Nøkland's 2x800 on MNIST, five seeds at once: seconds an epoch and test errors, for as long as there is time."""

import os
from pathlib import Path
from typing import Any

from gpufa import Data, load_data
from gpufa.reproductions import experiment
from gpufa.training.course.callbacks import Callback
from gpufa.training.trainer import Trainer

from .task import Skipped, Task

CELLS = "2x800-tanh/dfa", "2x800-tanh/bp", "2x800-tanh/fa"  # the others' turns come when one has all its epochs
SMALL = {"hidden": [16, 16], "epochs": 2}
FEW = 320  # samples of either part that are enough for a rehearsal
COLUMNS = "running_error", "test_error"


class Watch(Callback):
    """Keeps each epoch's figures, and stops in time."""

    def __init__(self, task: Task, cell: str) -> None:
        self.task, self.cell = task, cell

    def on_step(self, trainer: Trainer) -> None:
        trainer.stop_requested = self.task.left() < 0

    def on_epoch(self, trainer: Trainer) -> None:
        epochs = trainer.history.epochs
        figures: dict[str, Any] = {name: epochs[name].round(4).tolist() for name in COLUMNS}
        figures["seconds"] = epochs["seconds"].round(4).tolist()
        self.task.keep(**{self.cell: figures | {"planned": trainer.epochs, "seeds": list(trainer.config.seeds)}})


def nokland(task: Task) -> None:
    if not Path(os.environ.get("GPUFA_DATA", ""), "mnist").is_dir():
        raise Skipped("MNIST is not at hand: GPUFA_DATA names no folder with mnist in it")
    table, data = experiment.find("nokland2016-table1"), load_data("mnist")
    data = Data(*(array[:FEW] for array in data)) if task.quick else data
    for cell in table.chosen(CELLS[:1] if task.quick else CELLS):
        changes = {"seeds": list(range(table.seeds)), "backend": "cupy", **(SMALL if task.quick else {})}
        trainer = Trainer(cell.config(**changes), data, callbacks=[Watch(task, cell.name)])
        trainer.run()
        if trainer.stop_requested and not trainer.finished:
            return
