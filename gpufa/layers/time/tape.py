"""What a recurrent layer keeps of its steps in a pass: made once for so many samples, arrays that stay where they
are."""

from typing import NamedTuple

from ...basics.arrays import Array
from ..protocol.layer import At

Views = tuple[Array, ...]


class Rows(NamedTuple):
    """How many times n rows there are: of W and U, the gates; of states, h among them; of what else is kept of a step;
    and of deltas, the first of which are those of W's rows and the last those of U's."""

    gates: int
    states: int
    parts: int
    sums: int


class Tape:
    """The arrays of `steps` steps, in parts of (R, n, m); those of a step lie one behind the other.

    states[t]   the states that step t begins from, h first; behind the last step those that it ends with
    every_h     h behind each step as a layer along time has it, (R, n, steps, m)
    parts[t]    what else step t keeps
    sums        (R, rows, steps * m), as a layer along time has them: W x + b on the way up, deltas on the way down;
                at_step[t] has them by n rows, as they stand among those of other steps
    u           U h of a step, (R, gates * n, m)
    deltas      of a step, (R, sums * n, m)
    signals     dL/d of the states on the way down, dh first
    nothing     zeros
    """

    def __init__(self, at: At, n: int, rows: Rows, steps: int) -> None:
        m, self.n, self.steps = at.batch.m, n, steps
        first = tuple(at.array(f"state {i} at first", n, m) for i in range(rows.states))
        behind = [at.array(f"state {i} behind {steps} steps", steps * n, m) for i in range(rows.states)]
        self.every_h = behind[0].reshape(len(behind[0]), steps, n, m).swapaxes(1, 2)
        self.states: list[Views] = [first, *zip(*(by_rows(one, n) for one in behind), strict=True)]
        parts = by_rows(at.array(f"parts of {steps} steps", steps * rows.parts * n, m), n)
        self.parts = [parts[t * rows.parts : (t + 1) * rows.parts] for t in range(steps)]
        self.sums = at.array(f"sums of {steps} steps", rows.sums * n, steps * m)
        by_step = self.sums.reshape(len(self.sums), rows.sums, n, steps, m)
        self.at_step = [tuple(by_step[:, i, :, t] for i in range(rows.sums)) for t in range(steps)]
        self.of_W, self.of_U = slice(0, rows.gates * n), slice((rows.sums - rows.gates) * n, rows.sums * n)
        self.u, self.deltas = at.array("U h", rows.gates * n, m), at.array("deltas of a step", rows.sums * n, m)
        self.u_rows, self.delta_rows = by_rows(self.u, n), by_rows(self.deltas, n)
        self.signals = tuple(at.array(f"signal at state {i}", n, m) for i in range(rows.states))
        self.nothing = at.array("nothing", n, m)

    def begin(self) -> None:
        """From states of zero."""
        for state in self.states[0]:
            state.fill(0)

    def h_before(self, out: Array) -> None:
        """out = h before each step, (R, n, steps, m)."""
        out[:, :, 0] = self.states[0][0]
        out[:, :, 1:] = self.every_h[:, :, :-1]


def by_rows(a: Array, n: int) -> Views:
    """(R, some times n, m) by n rows."""
    return tuple(a[:, i : i + n] for i in range(0, a.shape[1], n))
