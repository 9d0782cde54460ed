"""What inputs and targets go through on their way into a net: missing values filled, scaled as in the training."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..basics.arrays import T
from ..basics.errors import InvalidValue, warn
from ..data.samples.data import check_samples, check_tokens, inputs
from ..data.samples.places import counted
from ..data.samples.scaling import Scaling
from ..data.tables.missing import Filling
from ..layers.protocol.sequences import numbered
from .joined import Joined

BEYOND = {
    "float32": "take --dtype float64, or scale them, as --scaling and --target-scaling standard do",
    "float64": "give them in another unit",
}
WIDEST = 8  # bytes of a number, on a device
CHUNK = 1000  # samples at a time


class Scaled(Joined):
    """A net that takes raw data: `filling` is what its inputs' missing values become, `target_scaling` what its
    targets go through, which predictions come back from."""

    filling: Filling | None = None
    target_scaling: Scaling | None = None

    @property
    def scaling(self) -> Scaling | None:
        """What all inputs go through, as in training."""
        return self._scaling

    @scaling.setter
    def scaling(self, scaling: Scaling | None) -> None:
        self._scaling, self._matrix = scaling, None

    def scaled(self, x: NDArray) -> NDArray:
        """x itself, with a warning: whatever takes inputs scales them as the training did."""
        warn(
            "net.scaled(x) gives x back as it is: predict, evaluate, loss, gradients, alignment and signals take raw"
            " data and scale them; leave net.scaled out"
        )
        return x

    def as_trained(self, x: Any, name: str = "x") -> NDArray:
        """Raw inputs on the host, (samples, n_0), as the training sees them but for `whitened`: in the net's own type,
        or bytes as they are where nothing is scaled. Raises InvalidValue for another shape or number of features, and
        for values beyond the type, of inputs that it calls `name`."""
        check_samples(np.shape(x), self.sizes.shapes[0], name)
        self.check_nodes(len(x), name)
        x = self.filled(inputs(x, name, gaps=bool(self.filling)))
        if x.shape[1] != self.sizes.inputs:
            raise InvalidValue(
                f"the data have {x.shape[1]} features; expected {self.sizes.inputs}, as in the training data"
            )
        x = self.looked_at(x, name)
        return x if x.dtype == np.uint8 and not self.scaling else self._made(x, self.scaling, name, np.asarray)

    def unscaled(self, x: NDArray, name: str = "x") -> NDArray:
        """The same without the scaling, of inputs that were looked at by `as_trained` already."""
        return np.asarray(self._made(self.filled(x), None, name, np.asarray))

    def looked_at(self, x: Any, name: str) -> Any:
        """Raw inputs themselves, on the host or the device. Raises InvalidValue for numbers that are none of tokens,
        where the net takes these, of inputs that it calls `name`."""
        if found := numbered(self.sizes.shapes[0]):
            check_tokens(x, found.of, found.word, name)
        return x

    def filled(self, x: Any, place: Callable[[NDArray], Any] = np.asarray) -> Any:
        """Raw inputs with their missing values filled in, where the training did that."""
        return self.filling.apply(x, place) if self.filling and x.dtype.kind == "f" else x

    def scaled_inputs(self, x: Any) -> Any:
        """Raw inputs, (samples, n_0), on the host or the device, as the training saw them, on the device. What is not
        finite stays so. Raises InvalidValue for values beyond the type."""
        x = self.looked_at(x, "the inputs")
        if self.filling or self.scaling or isinstance(x, self.backend.xp.ndarray):
            x = self.backend.to_device(x, np.float64 if x.dtype.itemsize > WIDEST else None)
            x = self.filled(x, self.backend.to_device)
        return self.whitened(self._made(x, self.scaling, "the inputs", self.backend.to_device))

    def scaled_targets(self, y: Any, name: str = "the targets") -> NDArray:
        """Real targets on the host, (samples, n_L), as the training sees them. Raises InvalidValue for those that the
        loss is not for, as e = yhat - y would be another one's gradient, and for values beyond the type."""
        if fault := self.output_loss.unfit(self._rows_of(y)):
            raise InvalidValue(
                f"{name} don't go with the loss {self.output_loss.name}: {fault}; give others, or take"
                " --loss squared_error"
            )
        found: NDArray = self._made(y, self.target_scaling, name, np.asarray)
        return found

    def _rows_of(self, y: NDArray) -> NDArray:
        """Targets as the loss takes them, those of each place that has some a row."""
        if (places := self.sizes.places) == 1:
            return y
        rows = T(y.reshape(len(y), -1, places)).reshape(-1, self.sizes.at_place)
        return rows[counted(y, places).reshape(-1)]

    def _made(self, x: Any, scaling: Scaling | None, name: str, place: Callable[..., Any]) -> Any:
        """x in the net's own type, scaled where there is a scaling, there where `place` brings arrays."""
        with np.errstate(all="ignore"):
            made = scaling.apply(x, self.dtype, place) if scaling else place(x, self.dtype)
        if not np.isfinite([float(made.min()), float(made.max())]).all():
            raw, host = (a if isinstance(a, np.ndarray) else self.backend.to_host(a) for a in (x, made))
            for i, j in np.argwhere(np.isfinite(raw) & ~np.isfinite(host))[:1]:
                raise InvalidValue(
                    f"{name}: the value {raw[i, j]:g} in row {i}, column {j} (counted from 0), is beyond {self.dtype}"
                    f"{' once it is scaled' if scaling else ''}; {BEYOND[self.dtype]}"
                )
        return made

    @property
    def device_scaling(self) -> tuple[Any, Any] | None:
        """(shift, factor) on the device, (n_0,) each, where the training scaled its inputs."""
        if self.scaling is None:
            return None
        shift, factor = (self.backend.to_device(part, self.dtype) for part in self.scaling[:2])
        return shift, factor

    @property
    def device_matrix(self) -> Any:
        """The matrix of the scaling on the device, (n_0, n_0), where it has one."""
        if self._matrix is None and self.scaling is not None and self.scaling.matrix is not None:
            self._matrix = self.backend.to_device(self.scaling.matrix, self.dtype)
        return self._matrix

    def whitened(self, x: Any) -> Any:
        """x itself, (samples, n_0), on the device in the net's own type, scaled, and held by nobody else: in place it
        becomes its product with the scaling's matrix, where there is one."""
        if (matrix := self.device_matrix) is not None:
            work = self.backend.scratch("inputs whitened", (CHUNK, self.sizes.inputs), self.dtype)
            for start in range(0, len(x), CHUNK):
                part = x[start : start + CHUNK]
                self.backend.whiten(part, matrix, out=work[: len(part)])
                part[...] = work[: len(part)]
        return x

    def as_floats(self, x: Any) -> Any:
        """Inputs on the device as the training saw them: bytes are made floats, and scaled; floats are so already."""
        if x.dtype.kind == "f":
            return x
        x = x.astype(self.dtype)
        if scaling := self.device_scaling:
            x -= scaling[0]
            x *= scaling[1]
        return self.whitened(x)
