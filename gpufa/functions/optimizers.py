"""OPTIMIZERS: each update in one pass over a stretch of the arena; a new optimizer is one row.

All arrays are 1-D pieces of one length: p the parameters, g the gradient, which is consumed, then the row's states, t
scratch. Each equals PyTorch's own, and is written with as few passes over memory as NumPy allows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .parts import Part

Array = Any
DECAYS = "l2", "decoupled", "shift"
STATES_IN_CUDA = 2
START = np.linspace(1, -2, 8)  # weights that an optimizer is tried on
CHUNK = 65536  # elements at a time on the CPU: p, g, one state and scratch stay within the cache


class Hyper(NamedTuple):
    """What an update reads. `momentum` is also Adam's beta1, `beta2` also RMSprop's alpha; unbias1 and unbias2 are
    Adam's 1 / (1 - beta^step) for the two, with steps counted from 1."""

    lr: float
    weight_decay: float = 0.0
    momentum: float = 0.0
    beta2: float = 0.0
    eps: float = 1e-8
    unbias1: float = 1.0
    unbias2: float = 1.0


def unbias(momentum: float, beta2: float, step: int) -> tuple[float, float]:
    """unbias1 and unbias2 at that step, counted from 1."""
    return 1 / (1 - momentum**step), 1 / (1 - beta2**step)


@dataclass(frozen=True)
class Optimizer(Part):
    """update(p, g, states, t, hyper) writes p and the states. `decay` is what weight decay means unless told otherwise;
    momentum, beta2, eps and lr are the defaults. A row that does p -= lr * g and no more is `plain`: products may go
    straight into the weights, past its update.

    cuda is the update of one element, of type T: p, g, the states and the fields of Hyper are in scope under their
    names, and rest1 = 1 - momentum, rest2 = 1 - beta2, each rounded once. It has at most two states; without
    it the row runs on NumPy alone.
    """

    kind: ClassVar[str] = "optimizer"

    states: tuple[str, ...]
    update: Callable[[Array, Array, Sequence[Array], Array, Hyper], Any]
    cuda: str = ""
    lr: float = 0.01
    momentum: float = 0.0
    beta2: float = 0.0
    eps: float = 1e-8
    decay: str = "l2"
    plain: bool = False

    @property
    def on_gpu(self) -> bool:
        return bool(self.cuda)

    def fault(self) -> str:
        """Tried on a few numbers, whole and in two stretches, for two steps, in float64."""
        if not isinstance(self.states, tuple) or self.decay not in DECAYS:
            return (
                f'has states {self.states!r} and decay {self.decay!r}; give names such as ("velocity",), and one of'
                f" {', '.join(DECAYS)}"
            )
        if self.cuda and len(self.states) > STATES_IN_CUDA:
            return f"has {len(self.states)} states, and CUDA text is for at most {STATES_IN_CUDA}; leave its cuda out"
        whole, pieces = self._tried((slice(0, 8),)), self._tried((slice(0, 3), slice(3, 8)))
        if not np.isfinite(whole).all():
            return "makes weights that are not finite of gradients that are; mend update(p, g, states, t, hyper)"
        if (whole == START).all():
            return "leaves the weights as they were; let update(p, g, states, t, hyper) write p"
        if not np.allclose(whole, pieces, rtol=1e-12):
            return "makes other weights of a stretch than of its pieces; update has to go element by element"
        if self.plain and not np.allclose(whole, START - 3 * self.lr * np.linspace(-1, 2, 8), rtol=1e-12):
            return "is plain, and does something else than p -= lr * g; leave its plain out"
        return ""

    def _tried(self, spans: Sequence[slice]) -> Array:
        p, states = START.copy(), [np.zeros(8) for _ in self.states]
        for step in (1, 2):
            hyper = Hyper(self.lr, 0.0, self.momentum, self.beta2, self.eps, *unbias(self.momentum, self.beta2, step))
            for span in spans:
                g, t = np.linspace(-1, 2, 8)[span] * step, np.empty(8)[span]
                self.update(p[span], g, [state[span] for state in states], t, hyper)
        return p


def _sgd(p: Array, g: Array, states: Sequence[Array], t: Array, c: Hyper) -> None:
    """p -= lr * g."""
    np.multiply(g, c.lr, out=g)
    np.subtract(p, g, out=p)


def _momentum(p: Array, g: Array, states: Sequence[Array], t: Array, c: Hyper) -> None:
    """v = mu * v + g; p -= lr * v."""
    (v,) = states
    np.multiply(v, c.momentum, out=v)
    np.add(v, g, out=v)
    np.multiply(v, c.lr, out=g)
    np.subtract(p, g, out=p)


def _nesterov(p: Array, g: Array, states: Sequence[Array], t: Array, c: Hyper) -> None:
    """v = mu * v + g; p -= lr * (g + mu * v)."""
    (v,) = states
    np.multiply(v, c.momentum, out=v)
    np.add(v, g, out=v)
    np.multiply(v, c.momentum, out=t)
    np.add(g, t, out=g)
    np.multiply(g, c.lr, out=g)
    np.subtract(p, g, out=p)


def _rmsprop(p: Array, g: Array, states: Sequence[Array], t: Array, c: Hyper) -> None:
    """s = alpha * s + (1 - alpha) * g^2; p -= lr * g / (sqrt(s) + eps), as Torch: eps outside the root."""
    (s,) = states
    np.multiply(s, c.beta2, out=s)
    np.multiply(g, g, out=t)
    np.multiply(t, 1 - c.beta2, out=t)
    np.add(s, t, out=s)
    np.sqrt(s, out=t)
    np.add(t, c.eps, out=t)
    np.divide(g, t, out=g)
    np.multiply(g, c.lr, out=g)
    np.subtract(p, g, out=p)


def _adam(p: Array, g: Array, states: Sequence[Array], t: Array, c: Hyper) -> None:
    """m = b1 m + (1 - b1) g; s = b2 s + (1 - b2) g^2; p -= lr * m / (1 - b1^step) / (sqrt(s / (1 - b2^step)) + eps)."""
    m, s = states
    np.multiply(m, c.momentum, out=m)
    np.multiply(g, 1 - c.momentum, out=t)
    np.add(m, t, out=m)
    np.multiply(s, c.beta2, out=s)
    np.multiply(g, g, out=t)
    np.multiply(t, 1 - c.beta2, out=t)
    np.add(s, t, out=s)
    np.multiply(s, c.unbias2, out=t)
    np.sqrt(t, out=t)
    np.add(t, c.eps, out=t)
    np.divide(m, t, out=g)
    np.multiply(g, c.lr * c.unbias1, out=g)
    np.subtract(p, g, out=p)


_ADAM = """mean = momentum * mean + rest1 * g;
           square = beta2 * square + rest2 * g * g;
           p -= lr * unbias1 * mean / (sqrt(square * unbias2) + eps);"""

# fmt: off
ROWS = (
    Optimizer("sgd", (), _sgd,
              "p -= lr * g;", lr=0.1, plain=True),
    Optimizer("momentum", ("velocity",), _momentum,
              "velocity = momentum * velocity + g; p -= lr * velocity;", lr=0.02, momentum=0.9),
    Optimizer("nesterov", ("velocity",), _nesterov,
              "velocity = momentum * velocity + g; p -= lr * (g + momentum * velocity);", lr=0.02, momentum=0.9),
    Optimizer("rmsprop", ("square",), _rmsprop,
              "square = beta2 * square + rest2 * g * g; p -= lr * g / (sqrt(square) + eps);",
              lr=1e-3, beta2=0.99),
    Optimizer("adam", ("mean", "square"), _adam, _ADAM, lr=3e-3, momentum=0.9, beta2=0.999),
    Optimizer("adamw", ("mean", "square"), _adam, _ADAM, lr=3e-3, momentum=0.9, beta2=0.999, decay="decoupled"),
)
# fmt: on
OPTIMIZERS: Mapping[str, Optimizer] = {row.name: row for row in ROWS}
Optimizer.table = OPTIMIZERS


def optimizer(given: Any, parts: Sequence[Part] = ()) -> Optimizer:
    """The row, as Part.find."""
    return Optimizer.find(given, parts)


def apply(row: Optimizer, p: Array, g: Array, states: Sequence[Array], t: Array, c: Hyper, decay: str) -> None:
    """Weight decay and the row's update, len(t) elements at a time.

    decay "l2": g += weight_decay * p; "decoupled": p *= 1 - lr * weight_decay, as AdamW; "shift": p -= weight_decay,
    no decay at all but a constant that some public programs subtract in its place.
    """
    for start in range(0, len(p), len(t)):
        span = slice(start, start + len(t))
        piece, slope = p[span], g[span]
        scratch = t[: len(piece)]
        if c.weight_decay and decay == "l2":
            np.multiply(piece, c.weight_decay, out=scratch)
            np.add(slope, scratch, out=slope)
        elif c.weight_decay and decay == "decoupled":
            np.multiply(piece, 1 - c.lr * c.weight_decay, out=piece)
        elif c.weight_decay:
            np.subtract(piece, c.weight_decay, out=piece)
        row.update(piece, slope, [state[span] for state in states], scratch, c)


def clip_factor(norm: float, max_norm: float) -> float:
    """What a gradient of that norm is multiplied by, at most 1, as torch.nn.utils.clip_grad_norm_."""
    return min(1.0, max_norm / (norm + 1e-6))
