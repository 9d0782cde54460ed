"""Training through windows of time: full BPTT, truncated BPTT, and truncated BPTT with synthetic gradients."""

import numpy as np
from numpy.typing import NDArray

from ..backends import faults, on_device
from ..backends.operands import Rates
from ..basics.arguments import positive, shown, whole
from ..basics.errors import InvalidValue
from ..functions.optimizers import Hyper, unbias
from ..functions.optimizers import optimizer as find_optimizer
from ..net.clock import Clock
from .copying import CopySequences, CopyTask
from .net import RecurrentNet
from .synthetic import SyntheticGradient
from .unrolled import Unrolled

AHEAD = 64  # steps whose learning rates and corrections are written down before they begin
NUMBERS = 4  # of an update: unbias1, unbias2, the net's learning rate and M's


class RecurrentTrainer:
    """Trains the net on `samples` new sequences of the task at each step, a window of so many time steps after another.

    Without `window` it is the whole sequence: full BPTT. With one the state is carried over, and the gradient at its
    end is zero, or M(h) where the net has an M, which learns at each window's beginning what came back to it. The true
    gradient is zero behind the sequence's end, and so is what is used there. Each window ends with an update; M's
    learning rate is `synthetic_rate` times the net's. The norms of both gradients are clipped to `clip` on their own.
    Raises InvalidValue for what can't be.
    """

    @faults()
    def __init__(
        self,
        net: RecurrentNet,
        task: CopyTask,
        *,
        window: int | None = None,
        samples: int = 32,
        optimizer: str = "adam",
        lr: float = 3e-4,
        synthetic_rate: float = 10.0,
        clip: float | None = 1.0,
    ) -> None:
        window = task.steps if window is None else whole(window, "the window")
        if net.layers and window >= task.steps:
            raise InvalidValue(
                f"a window of {shown(window)} steps holds the whole sequence of {task.steps}, so that M would never be"
                " used; give a shorter window, or a net with synthetic=None"
            )
        self.net, self.backend, self.task, self.optimizer = net, net.backend, task, find_optimizer(optimizer)
        rate = positive(lr, "the learning rate lr")
        self.rates = rate, rate * positive(synthetic_rate, "synthetic_rate")
        self.clip = None if clip is None else positive(clip, "clip")
        self.sequence = Unrolled(net, task.steps, whole(samples, "the number of samples"), task.wanted)
        self.sequences = CopySequences(task, self.sequence)
        self.synthetic = SyntheticGradient(net, samples) if net.layers else None
        self.windows = [(t, min(t + window, task.steps)) for t in range(0, task.steps, window)]
        self.grads, self.states = net.new_arena(), [net.new_arena() for _ in self.optimizer.states]
        self.hyper = Hyper(0.0, momentum=self.optimizer.momentum, beta2=self.optimizer.beta2, eps=self.optimizer.eps)
        self.factors = net.backend.zeros((len(net.seeds),), net.dtype)
        self.clock, self.steps = Clock(net.backend, AHEAD, NUMBERS * len(self.windows), net.dtype), 0
        self.run = net.backend.capture(self._run)

    @on_device
    @np.errstate(all="ignore")  # a loss that is not finite says it all
    def train(self, steps: int) -> dict[str, NDArray]:
        """Go on by so many steps; "loss", of a whole sequence, and "error", of symbols in percent, (R,) each: means
        over all of them, and since every sequence is new, of sequences that were not trained on."""
        steps = whole(steps, "the number of steps")
        self.sequence.sums.fill(0)
        for i in range(steps):
            if i % AHEAD == 0:
                self._write_ahead()
            self.run()
            self.steps += 1
        loss, missed = self.net.backend.to_host(self.sequence.sums) / (steps * self.sequence.m)
        return {"loss": loss, "error": 100 * missed / self.task.length}

    @on_device
    def gradients(self) -> dict[str, NDArray]:
        """What the windows hand over for the sequences drawn last, summed up at the weights as they are."""
        for first, last in self.windows:
            self.through(first, last)
        found = {name: self.net.backend.to_host(g).copy() for name, g in self.net.named(self.grads).items()}
        self.grads.flat.fill(0)
        return found

    def through(self, first: int, last: int) -> None:
        """Add to `grads` what one window hands over, and what M learns from it."""
        sequence, M = self.sequence, self.synthetic
        sequence.forward(first, last)
        if M and last < sequence.steps:
            sequence.dh[...] = M.predict(sequence.h[last])
        else:
            sequence.dh.fill(0)
        sequence.backward(first, last, self.grads)
        if M and first:
            M.learn(sequence.h[first], sequence.dh, self.grads)

    def _run(self) -> None:
        self.clock.tick()
        self.sequences.draw(self.clock.step)
        for i, (first, last) in enumerate(self.windows):
            self.through(first, last)
            self._update(i)

    def _update(self, window: int) -> None:
        """One pass over the net's parameters, and one over M's."""
        backend, now = self.net.backend, self.clock.now[NUMBERS * window : NUMBERS * (window + 1)]
        for which, span in enumerate(self.net.spans):
            p, g, *states = (arena.flat[:, span] for arena in (self.net.arena, self.grads, *self.states))
            clip = None if self.clip is None else backend.clip_factors(g, self.clip, out=self.factors)
            backend.optimizer_update(self.optimizer, p, g, states, self.hyper, "l2", Rates(now, which, clip))
        self.grads.flat.fill(0)

    def _write_ahead(self) -> None:
        """Tell the clock the numbers of the updates to come, a row for each step."""
        beta1, beta2, done = self.optimizer.momentum, self.optimizer.beta2, self.steps * len(self.windows)
        updates = range(done + 1, done + AHEAD * len(self.windows) + 1)
        self.clock.set(self.steps, 0, [(*unbias(beta1, beta2, update), *self.rates) for update in updates])
