"""Processes that tests start and send signals to."""

import signal
import subprocess
import sys
from contextlib import contextmanager


@contextmanager
def heeding():
    """Processes that are started meanwhile heed signals, even where the tests ignore them: in a shell's background, or
    under nohup.

    A process inherits what is ignored, but no handler: for the moment of its start, what is ignored gets one.
    """
    ignored = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)


def start(*command, **options):
    """gpufa in a process that heeds signals."""
    with heeding():
        return subprocess.Popen([sys.executable, "-m", "gpufa", *command], stderr=subprocess.PIPE, text=True, **options)
