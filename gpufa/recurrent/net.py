"""h_t = tanh(W h_{t-1} + U x_t + b), o_t = V h_t + c: its parameters, and those of the model M of its gradient."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backends import Backend, faults, get_backend
from ..basics.arguments import one_of, several, shown, whole
from ..basics.errors import InvalidValue
from ..basics.random import check_seed
from ..functions.activations import ACTIVATIONS
from ..functions.initialisers import INITIALISERS
from ..functions.losses import loss as find_loss
from ..net.arena import ALIGN, Arena, Array, Shape

TANH = ACTIVATIONS["tanh"]
DTYPES = "float32", "float64"


class RecurrentNet:
    """One net per seed, of (inputs, units, outputs).

    In the arena stand WU = [W U], (R, n, n + inputs), so that a step is one product with [h_{t-1}; x_t]; V,
    (R, outputs, n); b, (R, n); c, (R, outputs). `synthetic` holds the widths of M's hidden layers, () for a linear M,
    None for no M: M1, M2, ... are its weights, m1, m2, ... its biases. W starts orthogonal, U, V and M's hidden layers
    from U(+-1/sqrt(fan_in)); M's last layer and all biases start from zero, so that M begins as plain truncation.
    Raises InvalidValue for what can't be.
    """

    @faults()
    def __init__(
        self,
        sizes: Sequence[int],
        *,
        synthetic: Sequence[int] | None = None,
        loss: str = "cross_entropy",
        seeds: Sequence[int] = (0,),
        dtype: str = "float32",
        backend: str | Backend = "auto",
    ) -> None:
        sizes = several(sizes, "the recurrent net's sizes", "(5, 64, 4)")
        if len(sizes) != 3:
            raise InvalidValue(
                f"a recurrent net is (inputs, units, outputs); got sizes {shown(list(sizes))}: give (5, 64, 4)"
            )
        self.inputs, self.units, self.outputs = (whole(n, "a size of the recurrent net") for n in sizes)
        self.widths = () if synthetic is None else self._widths(synthetic)
        self.seeds = tuple(check_seed(seed) for seed in several(seeds, "seeds", "(0, 1, 2)"))
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InvalidValue(f"seeds {list(self.seeds)} can't be used; give at least one, and each once")
        self.loss, self.dtype, self.backend = find_loss(loss), one_of(dtype, DTYPES, "dtype"), get_backend(backend)
        with self.backend.working():
            self.arena = self.new_arena()
            self._draw()

    def _widths(self, hidden: Any) -> tuple[int, ...]:
        if isinstance(hidden, int | str):
            raise InvalidValue(
                f"M's hidden widths can't be {shown(hidden)}; give () for a linear M, (64,) for one hidden layer,"
                " None for no M"
            )
        widths = several(hidden, "M's hidden widths", "(64,)")
        return self.units, *(whole(n, "a hidden width of M") for n in widths), self.units

    @property
    def layers(self) -> range:
        """The layers of M, counted from 1; none where there is no M."""
        return range(1, len(self.widths))

    @property
    def shapes(self) -> dict[str, Shape]:
        """Names and shapes, without R, in the order of the arena."""
        n, w = self.units, self.widths
        own = {"WU": (n, n + self.inputs), "V": (self.outputs, n), "b": (n,), "c": (self.outputs,)}
        weights = {f"M{k}": (w[k], w[k - 1]) for k in self.layers}
        return {**own, **weights, **{f"m{k}": (w[k],) for k in self.layers}}

    @property
    def parameters(self) -> dict[str, Array]:
        """W, (R, n, n), U, (R, n, inputs), V, b, c, M1, m1, ...: live views, written in place."""
        return self.named(self.arena)

    def named(self, arena: Arena) -> dict[str, Array]:
        """The views of an arena in the layout of the parameters, WU in its two parts."""
        WU = arena["WU"]
        views = {"W": WU[..., : self.units], "U": WU[..., self.units :], **arena}
        del views["WU"]
        return views

    @property
    def spans(self) -> list[slice]:
        """Where the net's own parameters stand in the arena, and, behind them, M's."""
        spans = self.arena.spans
        own = slice(0, spans["c"].stop)
        return [own, slice(spans["M1"].start, spans[f"m{self.layers[-1]}"].stop)] if self.layers else [own]

    def new_arena(self) -> Arena:
        """Zeros in the layout of the parameters, for gradients and an optimizer's states."""
        return Arena(self.backend, self.shapes, len(self.seeds), self.dtype, ALIGN)

    def _draw(self) -> None:
        laws = {"W": "orthogonal", "U": "uniform", "V": "uniform", **{f"M{k}": "uniform" for k in self.layers[:-1]}}
        for stream, (name, law) in enumerate(laws.items(), start=1):
            w = self.parameters[name]
            for r, seed in enumerate(self.seeds):
                INITIALISERS[law].fill(host := np.empty(w.shape[1:], self.dtype), seed, stream, None)
                w[r] = self.backend.to_device(host)
