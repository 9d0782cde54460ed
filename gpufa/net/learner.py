"""A net with its rule: what predicts, is judged, and is trained."""

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from ..basics.errors import InvalidValue
from ..data.samples import Scaling, inputs
from ..functions.losses import Loss
from .layout import Layout
from .model import Model
from .passes import Pass
from .rule import Rule

CHUNK = 1000  # samples at a time in prediction and evaluation


class Learner(Model):
    """A Model with its rule; `scaling` is what its inputs go through, as in training."""

    rule: Rule
    scaling: Scaling | None = None

    def __init__(self, rule: Rule, sizes: Layout, loss: Loss, seeds: Sequence[int], dtype: str) -> None:
        super().__init__(sizes, loss, seeds, dtype)
        self.rule = rule
        self._passes: dict[int, Pass] = {}

    def pass_for(self, m: int) -> Pass:
        """A pass for m samples without dropout; the last few sizes are kept."""
        if m not in self._passes:
            while len(self._passes) >= 3:
                self._passes.pop(next(iter(self._passes)))
            self._passes[m] = Pass(self, m)
        return self._passes[m]

    def chunks(self, samples: int) -> Iterator[tuple[int, Pass]]:
        """(first sample, a pass for the samples from there on), CHUNK at a time; the last pass may be smaller."""
        for start in range(0, samples, CHUNK):
            yield start, self.pass_for(min(CHUNK, samples - start))

    def judged(self, x: Any, y: Any) -> Pass:
        """The pass of these samples, on the device, with their error."""
        p = self.pass_for(len(x))
        self.backend.targets(y, out=p.y)
        self.rule.forward(p, x)
        p.error()
        return p

    def scaled(self, x: NDArray) -> NDArray:
        """Raw inputs, (samples, n_0), as the training saw them. Raises InvalidValue for another number of features."""
        x = inputs(x)
        if x.shape[1] != self.sizes.inputs:
            raise InvalidValue(
                f"the data have {x.shape[1]} features; expected {self.sizes.inputs}, as in the training data"
            )
        return self.scaling.apply(x) if self.scaling else x

    @property
    def device_scaling(self) -> tuple[Any, Any] | None:
        """(shift, factor) on the device, (n_0,) each, where the training scaled its inputs."""
        if self.scaling is None:
            return None
        shift, factor = (self.backend.to_device(part, self.dtype) for part in self.scaling)
        return shift, factor

    def as_floats(self, x: Any) -> Any:
        """Inputs on the device as the training saw them: bytes are made floats, and scaled; floats are so already."""
        if x.dtype.kind == "f":
            return x
        x = x.astype(self.dtype)
        if scaling := self.device_scaling:
            x -= scaling[0]
            x *= scaling[1]
        return x
