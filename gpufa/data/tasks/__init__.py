"""Tasks in time that recurrent and spiking nets are judged by, made by the program: the same numbers of the same seed.

Inputs are (samples, channels * steps), channel by channel; `step` is how many ms a step is, of tasks whose times are in
ms. On a command line settings follow a task's name, `--data delayed_xor:delay=30,seed=1`."""

from .bits import Adding, DelayedXor
from .spiketrains import Evidence, Sines
from .task import Task, told

__all__ = ["TASKS", "Adding", "DelayedXor", "Evidence", "Sines", "Task", "told"]

TASKS: dict[str, Task] = {row.word: row for row in (DelayedXor(), Adding(), Sines(), Evidence())}
