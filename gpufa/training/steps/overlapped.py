"""Steps of processes that hold a net's blocks between them, each begun before those before it have ended."""

from collections import deque
from collections.abc import Sequence

from .step import Step


class OverlappedStep:
    """A step whose `run` lets a batch rise through this process's blocks, and lets them learn from an older one, whose
    error has come meanwhile: of the last process from the same, of the one below it from the one before, and so on.

    So all compute all the time, and a block's activity is of weights that have not learnt yet from as many batches as
    there are processes above. `finish` lets them learn from all that has risen. `steps` are one more than those,
    alike, with buffers of their own.
    """

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps, self.seen = steps, steps[0].seen
        self.nows = [step.p.backend.zeros(step.clock.now.shape, step.clock.dtype) for step in steps]
        self.turn, self.risen = 0, deque[int]()

    def run(self) -> None:
        step, now = self.steps[self.turn], self.nows[self.turn]
        step.load()
        now[...] = step.clock.now
        step.p.rise(step.x)
        step.p.remember(step.update.running)
        self.risen.append(self.turn)
        self.turn = (self.turn + 1) % len(self.steps)
        if len(self.risen) == len(self.steps):
            self._learn()

    run_true = run

    def finish(self) -> None:
        while self.risen:
            self._learn()

    def _learn(self) -> None:
        first = self.risen.popleft()
        step, now = self.steps[first], self.nows[first]
        step.p.settle()
        step.p.error(step.sums)
        step.update.collect(step.rule, step.p, now)
        step.update.optimize(now)
        step.after()
