"""Streams that work is spread over, each with a cuBLAS handle and a workspace of its own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from .cublas import Cublas, Handle
from .device import Job

BRANCHES = 4
WORKSPACE = 32 << 20  # bytes of cuBLAS workspace a branch, as NVIDIA advises for Hopper


class Lanes:
    """`main`, where all work goes but that of `parallel`, and the streams beside it.

    Made with the device current. `branch` is the one that work goes to now, `forked` whether jobs run side by side;
    both, and the handles, are for the thread that holds `lock`.
    """

    def __init__(self, cuda: Any, cublas: Cublas, workspaces: Sequence[int]) -> None:
        self.lock = RLock()
        self.streams = [cuda.Stream(non_blocking=True) for _ in workspaces]
        self.handles = [
            cublas.create(stream.ptr, space, WORKSPACE) for stream, space in zip(self.streams, workspaces, strict=True)
        ]
        self._begin, *self._ends = (cuda.Event(disable_timing=True) for _ in self.streams)
        self.main, self.branch, self.forked = self.streams[0], 0, False

    @property
    def handle(self) -> Handle:
        return self.handles[self.branch]

    def parallel(self, jobs: Sequence[Job]) -> None:
        """Do the jobs side by side, behind all work before them and ahead of all work behind them."""
        beside = self.streams[1 : len(jobs)]
        self._begin.record(self.main)
        for stream in beside:
            stream.wait_event(self._begin)
        try:
            for branch in range(1 + len(beside)):
                with self._on(branch):
                    for job in jobs[branch :: len(self.streams)]:
                        job()
        finally:  # whatever a job raised, later work waits for what the others issued
            for stream, end in zip(beside, self._ends, strict=False):
                end.record(stream)
                self.main.wait_event(end)

    @contextmanager
    def _on(self, branch: int) -> Iterator[None]:
        self.branch, self.forked = branch, True
        try:
            with self.streams[branch]:
                yield
        finally:
            self.branch, self.forked = 0, False
