"""The widths of a net, and where each layer's units stand in the slab."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from numbers import Integral

from ..basics.arguments import several, shown
from ..basics.errors import InvalidValue


@dataclass(frozen=True)
class Sizes:
    """Units per layer, inputs first: Sizes((784, 800, 800, 10)) has layers 0 .. L with L = 3.

    Layers are counted as in the papers: 0 is the input, 1 .. L-1 are hidden, L is the output.
    """

    units: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.units) < 2:
            raise InvalidValue(
                f"a network needs at least inputs and outputs; got sizes {shown(list(self.units))}: give [64, 16, 10]"
            )
        for k, n in enumerate(self.units):
            if n < 1:
                kind = "the input" if k == 0 else "the output layer" if k == self.L else f"hidden layer {k}"
                raise InvalidValue(
                    f"{kind} has {shown(n)} units; every layer needs at least one: give --hidden 800 800"
                )

    @classmethod
    def of(cls, units: Iterable[int]) -> "Sizes":
        """From any sequence of whole numbers; raises InvalidValue for anything else."""
        units = several(units, "the layers' sizes", "[784, 800, 800, 10]")
        for n in units:
            if isinstance(n, bool) or not isinstance(n, Integral):
                raise InvalidValue(f"layer size {shown(n)} is no whole number; give sizes such as [784, 800, 800, 10]")
        return cls(tuple(int(n) for n in units))

    @property
    def L(self) -> int:
        return len(self.units) - 1

    @property
    def inputs(self) -> int:
        return self.units[0]

    @property
    def outputs(self) -> int:
        return self.units[-1]

    @property
    def hidden(self) -> range:
        """The hidden layers, 1 .. L-1."""
        return range(1, self.L)

    def __getitem__(self, k: int) -> int:
        return self.units[k]

    def rows(self, k: int) -> slice:
        """Layer k's rows in a slab of all units."""
        starts = [0, *accumulate(self.units[1:])]
        return slice(starts[k - 1], starts[k])

    @property
    def total(self) -> int:
        """Rows of a slab: hidden and output units."""
        return sum(self.units[1:])

    @property
    def hidden_units(self) -> int:
        return sum(self.units[1:-1])
