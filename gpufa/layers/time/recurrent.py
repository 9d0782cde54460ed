"""Recurrent layers: leaky units, gated ones (Cho et al. 2014) and long short-term memory (Hochreiter & Schmidhuber
1997).

The rows of W, U and b by n are, of a GRU, n r z, r z n and n r z, and of an LSTM i f g o each.
"""

from dataclasses import dataclass
from typing import ClassVar

from ...basics.arguments import is_number, shown
from ...basics.arrays import Array
from ...basics.errors import InvalidValue
from ...functions.activations import ACTIVATIONS
from ...functions.cells import GRU as GRU_STEPS
from ...functions.cells import LSTM as LSTM_STEPS
from ...functions.cells import Steps, leaky
from ..protocol.layer import At
from ..protocol.terms import Option, Parameter, Shape
from .cell import Cell
from .tape import Rows

FUNCTIONS = tuple(name for name, row in ACTIVATIONS.items() if row.of == "h" and row.learns)  # f' of f's own value


@dataclass(frozen=True)
class Recurrent(Cell):
    """h_t = (1 - leaky) h_{t-1} + leaky f(W x_t + U h_{t-1} + b)."""

    leaky: float = 1.0
    f: str = "tanh"

    known = True
    activates = True
    word = "recurrent"
    example = "recurrent 6"
    rows = Rows(gates=1, states=1, parts=1, sums=1)
    options: ClassVar[tuple[Option, ...]] = (*Cell.options, Option("leaky", "0.5"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_number(self.leaky) or not 0 < self.leaky <= 1:
            raise InvalidValue(
                f"the leaky of a recurrent layer can't be {shown(self.leaky)}; give a number above 0, up to 1"
            )
        if self.f not in FUNCTIONS:
            raise InvalidValue(
                f"a recurrent layer can't have {shown(self.f)} units; give one of {', '.join(FUNCTIONS)}"
            )

    @property
    def steps(self) -> Steps:
        return leaky(ACTIVATIONS[self.f])

    @property
    def constants(self) -> dict[str, float]:
        return {"leak": float(self.leaky)}


@dataclass(frozen=True)
class GRU(Cell):
    """r, z = logistic(W x_t + U h_{t-1} + b), n = tanh(W x_t + b + r (U h_{t-1} + c)), h_t = (1 - z) n + z h_{t-1}: as
    PyTorch and cuDNN have it."""

    known = gated = True
    word = "gru"
    example = "gru 6"
    rows = Rows(gates=3, states=1, parts=4, sums=4)

    @property
    def steps(self) -> Steps:
        return GRU_STEPS

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        return {**super().parameters(shape), "c": Parameter((self.n,))}

    def more(self, at: At) -> tuple[Array, ...]:
        return (at.w["c"][..., None],)


@dataclass(frozen=True)
class LSTM(Cell):
    """i, f, o = logistic(W x_t + U h_{t-1} + b), g = tanh(the same), c_t = f c_{t-1} + i g, h_t = o tanh(c_t)."""

    known = gated = True
    word = "lstm"
    example = "lstm 6"
    rows = Rows(gates=4, states=2, parts=5, sums=4)

    @property
    def steps(self) -> Steps:
        return LSTM_STEPS
