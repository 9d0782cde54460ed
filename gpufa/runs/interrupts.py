"""Ctrl-C, and the signals of a system that wants a run to end."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..basics.errors import warn
from ..training.trainer import Trainer

OnInterrupt = Literal["raise", "return"]
ON_INTERRUPT = "raise", "return"


class Signal(NamedTuple):
    """One that came, and what the program has set to handle it."""

    number: int
    frame: Any
    handler: Any


@contextmanager
def stopped_by_signals(trainer: Trainer) -> Iterator[list[Signal]]:
    """Ctrl-C, SIGTERM, SIGHUP let the step finish, then training stops and is saved; a second Ctrl-C stops at once.

    Yields a list of those that came. What is ignored already, as nohup does with SIGHUP, stays ignored.
    """
    came = list[Signal]()
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    old = {number: handler for number in numbers if (handler := signal.getsignal(number)) != signal.SIG_IGN}

    def stop(number: int, frame: Any) -> None:
        trainer.stop_requested = True
        came.append(Signal(number, frame, old[number]))
        signal.signal(signal.SIGINT, signal.default_int_handler)

    for number in old:
        signal.signal(number, stop)
    try:
        yield came
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def hand_on(came: list[Signal], out: Path | None) -> None:
    """Give a program the signal that stopped its run, which is saved: to the handler that it has set, else as
    KeyboardInterrupt, which ends a loop over runs as well."""
    for number, frame, handler in came[:1]:
        saved = f"is saved; go on with gpufa.resume({str(out)!r})" if out else "is not saved, as it has no folder"
        warn(f"{signal.Signals(number).name} has stopped the run, which {saved}")
        if not callable(handler):
            raise KeyboardInterrupt
        handler(number, frame)
